import { ChangeMessageVisibilityCommand, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { RevocationQueue } from '../core/ports.ts';
import { awsCall } from './aws-call.ts';
import { writeLeaseMessage } from './lease-message.ts';

/** SQS' most. Source: SendMessage, `DelaySeconds` 0 to 900. */
const LONGEST_DELAY_SECONDS = 900;

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
 * before its time. Rejects with AwsCallFailed. IAM action: SendMessage.
 */
export function sqsRevocationQueue({ client, queueUrl }: SqsOptions): RevocationQueue {
  return {
    async send(leaseId, delayMs) {
      const delaySeconds = Math.min(Math.max(Math.ceil(delayMs / 1_000), 0), LONGEST_DELAY_SECONDS);
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
  };
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
