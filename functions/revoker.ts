import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { DynamoDBRecord, DynamoDBStreamEvent, SQSEvent, SQSRecord } from 'aws-lambda';
import { readLeaseMessage } from './adapters/lease-message.ts';
import { expiredTimer } from './adapters/ttl-record.ts';
import type { RevokePorts } from './core/ports.ts';
import { revokeLease } from './core/revoke.ts';
import { errorFields, type Log } from './log.ts';

/** Names the records that failed, so that Lambda gives only those back. */
export interface BatchAnswer {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/**
 * Answers both triggers of a revocation: messages of the queue (from the scheduler, the sweep and retries), and records of the
 * lease table's stream, of which only DynamoDB's own deletion of a timer counts. Either says only which lease to look at; the
 * lease itself says whether it is due. A record that fails is reported alone; a message of another form fails for ever and
 * so ends in the dead-letter queue, where an alarm finds it.
 *
 * @throws Error for an event that is neither.
 */
export function revoker(
  ports: () => Promise<RevokePorts>,
  log: Log,
): (event: SQSEvent | DynamoDBStreamEvent) => Promise<BatchAnswer> {
  const reported = async (source: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.error('revoke_failed', { route: source, ...errorFields(error) });
      throw error;
    }
  };
  const queued = (record: SQSRecord) =>
    reported('queue', async () => {
      const leaseId = readLeaseMessage(record.body);
      if (leaseId === undefined) throw new UnknownMessage();
      await revokeWhenDue(await ports(), leaseId);
    });
  const streamed = (record: DynamoDBRecord) =>
    reported('timer', async () => {
      const leaseId = expiredTimer(record);
      if (leaseId !== undefined) await revokeWhenDue(await ports(), leaseId);
    });
  return async (event) => {
    const sources = new Set((event.Records ?? []).map((record: SQSRecord | DynamoDBRecord) => record.eventSource));
    const [source] = sources;
    const options = { throwOnFullBatchFailure: false };
    if (sources.size === 1 && source === 'aws:sqs') {
      return processPartialResponse(event as SQSEvent, queued, new BatchProcessor(EventType.SQS), options);
    }
    if (sources.size === 1 && source === 'aws:dynamodb') {
      const processor = new BatchProcessor(EventType.DynamoDBStreams);
      return processPartialResponse(event as DynamoDBStreamEvent, streamed, processor, options);
    }
    throw new UnknownMessage();
  };
}

class UnknownMessage extends Error {
  override readonly name = 'UnknownMessage';
}

async function revokeWhenDue(ports: RevokePorts, leaseId: string): Promise<void> {
  await revokeLease(ports, leaseId, { trigger: 'due', reason: 'expired' });
}
