import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import type { DynamoDBRecord, DynamoDBStreamEvent, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Deployment } from './deployment.ts';
import type { DynamodbLocal } from './dynamodb-local.ts';
import type { Installation } from './installation.ts';

/** What Lambda reads at a time. */
const BATCH_MAX = 10;
/** Batches of one delivery; far more than any test sends. */
const DELIVERIES_MAX = 20;

/** Puts a message of any form on the queue, as whoever may send to it. */
export async function sendMessage(installation: Installation, body: string): Promise<void> {
  await installation.sqs.send(new SendMessageCommand({ QueueUrl: installation.queueUrl, MessageBody: body }));
}

/**
 * The messages that are on the queue, as Lambda hands them on. They stay there: as with Lambda, each comes again until it is
 * deleted. Source: Lambda Developer Guide, "Using Lambda with Amazon SQS".
 */
export async function receive(installation: Installation): Promise<SQSEvent> {
  const { Messages } = await installation.sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: installation.queueUrl,
      MaxNumberOfMessages: BATCH_MAX,
      VisibilityTimeout: 0,
      MessageSystemAttributeNames: ['All'],
    }),
  );
  const Records = (Messages ?? []).map((message): SQSRecord => {
    const { SentTimestamp = '', SenderId = '', ApproximateReceiveCount = '' } = message.Attributes ?? {};
    return {
      messageId: message.MessageId ?? '',
      receiptHandle: message.ReceiptHandle ?? '',
      body: message.Body ?? '',
      attributes: { ApproximateReceiveCount, ApproximateFirstReceiveTimestamp: SentTimestamp, SenderId, SentTimestamp },
      messageAttributes: {},
      md5OfBody: message.MD5OfBody ?? '',
      eventSource: 'aws:sqs',
      eventSourceARN: String(installation.settings.queueArn),
      awsRegion: 'us-east-1',
    };
  });
  return { Records };
}

/** Deletes the records that were not reported as failed, as Lambda does, and returns how many. */
export async function acknowledge(
  installation: Installation,
  { Records }: SQSEvent,
  failures: readonly { readonly itemIdentifier: string }[],
): Promise<number> {
  const failed = new Set(failures.map((failure) => failure.itemIdentifier));
  const done = Records.filter((record) => !failed.has(record.messageId));
  for (const { receiptHandle } of done) {
    const request = { QueueUrl: installation.queueUrl, ReceiptHandle: receiptHandle };
    await installation.sqs.send(new DeleteMessageCommand(request));
  }
  return done.length;
}

/** Ends the pause after which the revoker asked for messages that it could not work on. */
export async function showAgain(installation: Installation, { Records }: SQSEvent): Promise<void> {
  for (const { receiptHandle: ReceiptHandle } of Records) {
    const request = { QueueUrl: installation.queueUrl, ReceiptHandle, VisibilityTimeout: 0 };
    await installation.sqs.send(new ChangeMessageVisibilityCommand(request));
  }
}

/** Hands the queue's messages to the revoker until only those are left that fail or are not due for delivery. */
export async function deliver(installation: Installation, deployment: Deployment): Promise<void> {
  for (let batches = 0; batches < DELIVERIES_MAX; batches++) {
    const event = await receive(installation);
    if (event.Records.length === 0) return;
    const { batchItemFailures } = await deployment.revoker(event);
    if ((await acknowledge(installation, event, batchItemFailures)) === 0) return;
  }
}

/** Everything that the lease table's stream holds, as Lambda hands it on. */
export async function streamRecords(local: DynamodbLocal, installation: Installation): Promise<DynamoDBRecord[]> {
  const streams = new DynamoDBStreamsClient(local.config);
  try {
    const { Streams } = await streams.send(new ListStreamsCommand({ TableName: installation.leaseTable.tableName }));
    const StreamArn = Streams?.[0]?.StreamArn;
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
    const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
    const { ShardIterator } = await streams.send(
      new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const { Records } = await streams.send(new GetRecordsCommand({ ShardIterator }));
    return (Records ?? []).map((record) => ({ ...record, eventSourceARN: StreamArn }) as DynamoDBRecord);
  } finally {
    streams.destroy();
  }
}

/**
 * The record as DynamoDB writes it when it deletes a row by itself, out of that of a delete by request: DynamoDB Local leaves out
 * who did it. Source: DynamoDB Developer Guide, "DynamoDB Streams and Time to Live".
 */
export function byTimeToLive(record: DynamoDBRecord): DynamoDBRecord {
  return { ...record, userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } };
}

export function streamEvent(...Records: DynamoDBRecord[]): DynamoDBStreamEvent {
  return { Records };
}
