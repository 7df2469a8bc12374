import {
  ChangeMessageVisibilityCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { RevocationQueue } from '../../core/ports/triggers.ts';
import { AwsCallFailed, awsCall } from './call.ts';
import { writeLeaseMessage } from './lease-message.ts';

/** SQS' maximum. Source: SendMessage, `DelaySeconds` 0 to 900. */
const MAX_DELAY_SECONDS = 900;
/** Maximum messages of one request. Source: SQS API reference, SendMessageBatch. */
const MAX_BATCH = 10;
/** Maximum tries for the messages of a batch that SQS did not accept. The SDK retries only requests that failed as a whole. */
const MAX_BATCH_TRIES = 3;

/** Brings a received message back sooner than the queue's own visibility timeout would. */
export interface Redelivery {
  /**
   * Shows a received message again after `delayMs`, rounded up to whole seconds. The revoker calls it for a message that
   * failed. Safe to repeat: the last call decides. Rejects with AwsCallFailed, after which the queue's own visibility timeout
   * stands.
   */
  showAgain(receiptHandle: string, delayMs: number): Promise<void>;
}

export interface SqsOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
}

/**
 * Sends leases to the revoker through a standard SQS queue. Delays are rounded up to whole seconds, so that no message comes
 * before its time. Rejects with AwsCallFailed. IAM action: SendMessage, for batches too.
 */
export function sqsRevocationQueue({ client, queueUrl }: SqsOptions): RevocationQueue {
  return {
    async send(leaseId, delayMs) {
      const delaySeconds = Math.min(Math.max(Math.ceil(delayMs / 1_000), 0), MAX_DELAY_SECONDS);
      await awsCall('SendMessage', () =>
        client.send(
          new SendMessageCommand({
            QueueUrl: queueUrl,
            MessageBody: writeLeaseMessage(leaseId),
            DelaySeconds: delaySeconds,
          }),
        ),
      );
    },

    async sendAll(leaseIds) {
      let failed: unknown;
      for (let first = 0; first < leaseIds.length; first += MAX_BATCH) {
        // A batch that fails must not stop the batches after it.
        await sendBatch(client, queueUrl, leaseIds.slice(first, first + MAX_BATCH)).catch((error: unknown) => {
          failed = error;
        });
      }
      if (failed !== undefined) throw failed;
    },
  };
}

/** Sends up to ten messages. If SQS accepts the request but not all of its messages, sends the others again. */
async function sendBatch(client: SQSClient, queueUrl: string, leaseIds: readonly string[]): Promise<void> {
  let left = leaseIds;
  for (let tries = 1; ; tries++) {
    const sent = left;
    const Entries = sent.map((leaseId, index) => ({ Id: String(index), MessageBody: writeLeaseMessage(leaseId) }));
    const { Failed = [] } = await awsCall('SendMessageBatch', () =>
      client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries })),
    );
    left = Failed.flatMap(({ Id }) => sent[Number(Id)] ?? []);
    if (left.length === 0) return;
    if (tries === MAX_BATCH_TRIES) throw new AwsCallFailed('SendMessageBatch', codeOf(Failed[0]?.Code));
  }
}

function codeOf(code: string | undefined): string {
  return code !== undefined && /^[A-Za-z][A-Za-z0-9.]{0,63}$/.test(code) ? code : 'Unknown';
}

/** Changes how long messages of the queue stay hidden. IAM action: ChangeMessageVisibility. */
export function sqsRedelivery({ client, queueUrl }: SqsOptions): Redelivery {
  return {
    async showAgain(receiptHandle, delayMs) {
      await awsCall('ChangeMessageVisibility', () =>
        client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: Math.ceil(delayMs / 1_000),
          }),
        ),
      );
    },
  };
}
