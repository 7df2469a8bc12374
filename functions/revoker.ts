import type { DynamoDBRecord, DynamoDBStreamEvent, SQSEvent, SQSRecord } from 'aws-lambda';
import { readLeaseMessage } from './adapters/aws/lease-message.ts';
import type { Meter } from './adapters/aws/metrics.ts';
import type { Redelivery } from './adapters/aws/sqs.ts';
import { expiredTimer } from './adapters/dynamodb/ttl-record.ts';
import { revokeLease } from './core/ending/revoke.ts';
import type { RevokePorts } from './core/ports/needs.ts';
import { errorFields, type Log } from './log.ts';

/** How soon a message that failed comes back: after this, doubled with each time that it was received. */
const FIRST_RETRY_MS = 5_000;
/** At most. A lease may be 120 s late, and the queue by itself would hide the message for 6 minutes. */
const MAX_RETRY_MS = 30_000;

/** Names the records that failed, so that Lambda gives only those back. */
export interface BatchAnswer {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/**
 * Answers both triggers of a revocation: messages of the queue (from the scheduler, the sweep and retries), and records of the
 * lease table's stream, of which only DynamoDB's own deletion of a timer counts. Either says only which lease to look at; the
 * lease itself says whether it is due. A record that fails is counted and reported alone. A message that fails comes back within
 * seconds; one of another form fails for ever and so ends in the dead-letter queue, where an alarm finds it.
 *
 * @throws Error for an event that is neither.
 */
export function revoker(
  ports: () => Promise<RevokePorts>,
  redelivery: Redelivery,
  meter: Meter,
  log: Log,
): (event: SQSEvent | DynamoDBStreamEvent) => Promise<BatchAnswer> {
  const reported = async (source: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.error('revoke_failed', { route: source, ...errorFields(error) });
      meter.record('RecordFailures', 1);
      throw error;
    }
  };
  const queued = (record: SQSRecord) =>
    reported('queue', async () => {
      const leaseId = readLeaseMessage(record.body);
      if (leaseId === undefined) throw new UnknownMessage();
      await revokeWhenDue(await ports(), leaseId);
    }).catch(async (error: unknown) => {
      await comeBackSoon(record, redelivery, log);
      throw error;
    });
  const streamed = (record: DynamoDBRecord) =>
    reported('timer', async () => {
      const leaseId = expiredTimer(record);
      if (leaseId !== undefined) await revokeWhenDue(await ports(), leaseId);
    });
  return async (event) => {
    const sources = new Set((event.Records ?? []).map((record: SQSRecord | DynamoDBRecord) => record.eventSource));
    const [source] = sources;
    if (sources.size === 1 && source === 'aws:sqs') {
      return failuresOf((event as SQSEvent).Records, queued, ({ messageId }) => messageId);
    }
    if (sources.size === 1 && source === 'aws:dynamodb') {
      return failuresOf(
        (event as DynamoDBStreamEvent).Records,
        streamed,
        ({ dynamodb }) => dynamodb?.SequenceNumber ?? '',
      );
    }
    throw new UnknownMessage();
  };
}

/**
 * Works on all records at once and names those that failed. Source: Lambda developer guide, "Reporting batch item failures": a name that
 * Lambda does not know gives the whole batch back.
 */
async function failuresOf<R>(
  records: readonly R[],
  work: (record: R) => Promise<void>,
  nameOf: (record: R) => string,
): Promise<BatchAnswer> {
  const outcomes = await Promise.allSettled(records.map(work));
  const failed = records.filter((_, at) => outcomes[at]?.status === 'rejected');
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: nameOf(record) })) };
}

class UnknownMessage extends Error {
  override readonly name = 'UnknownMessage';
}

/** Where this fails, too, the queue's own visibility timeout brings the message back, and the due sweep the lease. */
async function comeBackSoon(record: SQSRecord, redelivery: Redelivery, log: Log): Promise<void> {
  try {
    const receives = Number(record.attributes.ApproximateReceiveCount);
    await redelivery.showAgain(record.receiptHandle, Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (receives - 1)));
  } catch (error) {
    log.error('redelivery_failed', { route: 'queue', ...errorFields(error) });
  }
}

async function revokeWhenDue(ports: RevokePorts, leaseId: string): Promise<void> {
  await revokeLease(ports, leaseId, { trigger: 'due', reason: 'expired' });
}
