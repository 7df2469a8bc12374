import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import type { Installation } from './installation.ts';
import { until } from './polling.ts';

export const QUEUE = 'HubleaseRevocationQueue';
export const DEAD_LETTERS = 'HubleaseRevocationQueueDeadLetters';
const SOURCE = 'HubleaseRevocationQueueSource';

/** A message is received twice before it becomes a dead letter. */
const MAX_RECEIVES_MS = 60_000;

interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

export async function attributesOf(installation: Installation, queue: string): Promise<Record<string, string>> {
  const request = new GetQueueAttributesCommand({ QueueUrl: installation.idOf(queue), AttributeNames: ['All'] });
  return (await installation.clients.sqs.send(request)).Attributes ?? {};
}

/** Counts the messages that wait, and those that were received and not deleted. */
export async function messageCount(installation: Installation, queue: string): Promise<number> {
  const attributes = await attributesOf(installation, queue);
  return Number(attributes.ApproximateNumberOfMessages) + Number(attributes.ApproximateNumberOfMessagesNotVisible);
}

/** Sends messages while the mapping is disabled, so that it receives them as one batch. */
export async function sendBatch(installation: Installation, bodies: readonly string[]): Promise<void> {
  await switchSource(installation, false);
  const Entries = bodies.map((MessageBody, index) => ({ Id: `message-${index}`, MessageBody }));
  await installation.clients.sqs.send(new SendMessageBatchCommand({ QueueUrl: installation.idOf(QUEUE), Entries }));
  await switchSource(installation, true);
}

/** Enables or disables the event source mapping, and waits for it. */
async function switchSource({ requests, idOf }: Installation, on: boolean): Promise<void> {
  const path = `/2015-03-31/event-source-mappings/${idOf(SOURCE)}`;
  await requests.rest('lambda', 'PUT', path, Buffer.from(JSON.stringify({ Enabled: on })));
  const wanted = on ? 'Enabled' : 'Disabled';
  await until(`the queue's mapping was ${wanted}`, async () => {
    const { State } = (await requests.rest('lambda', 'GET', path)) as { State: string };
    return State === wanted;
  });
}

/**
 * Shortens the times of the queue while `work` runs: a failed message returns after 5 s, and is a dead letter after its second
 * receive. The template's own numbers would take nine minutes.
 */
export async function withShortTimes<T>(installation: Installation, work: () => Promise<T>): Promise<T> {
  const { VisibilityTimeout, RedrivePolicy } = await attributesOf(installation, QUEUE);
  const set = (Attributes: Record<string, string>) =>
    installation.clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl: installation.idOf(QUEUE), Attributes }));
  const quick = { ...(JSON.parse(RedrivePolicy ?? '') as RedrivePolicy), maxReceiveCount: 2 };
  await set({ VisibilityTimeout: '5', RedrivePolicy: JSON.stringify(quick) });
  try {
    return await work();
  } finally {
    await set({ VisibilityTimeout: VisibilityTimeout as string, RedrivePolicy: RedrivePolicy as string });
  }
}

/** Waits for a dead letter, and returns its body. */
export async function deadLetter({ clients, idOf }: Installation): Promise<string> {
  const request = new ReceiveMessageCommand({ QueueUrl: idOf(DEAD_LETTERS) });
  const receive = async () => (await clients.sqs.send(request)).Messages?.[0]?.Body;
  return until('there was a dead letter', receive, MAX_RECEIVES_MS);
}
