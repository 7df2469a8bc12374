import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { writeLeaseMessage } from '../../functions/adapters/aws/lease-message.ts';
import type { SweepPorts } from '../../functions/core/ports/needs.ts';
import { sweep } from '../../functions/core/sweeping/sweep.ts';
import type { Log } from '../../functions/log.ts';
import { revoker } from '../../functions/revoker.ts';
import type { Triggers } from './rush-world.ts';
import type { VirtualTime } from './virtual-time.ts';

/** As `infra/revocation.ts` sets them. */
const BATCH = 10;
const BATCHES_AT_ONCE = 10;
const VISIBILITY_MS = 360_000;
const MAX_RECEIVES = 20;
const SWEEP_EVERY_MS = 300_000;
/** As `functions/sweeper.ts` has it. */
const MAX_DUE = 2_000;
/** A job fires within this. Source: EventBridge Scheduler user guide, flexible time windows off. */
const JOB_WINDOW_MS = 60_000;
/** When DynamoDB deletes what has run out: typically. */
const MIN_TTL_LAG_MS = 600_000;
const MAX_TTL_LAG_MS = 1_680_000;

interface Message {
  readonly leaseId: string;
  readonly receives: number;
}

/** What an AWS installation's triggers came to. */
export interface QueueFigures {
  /** Messages that waited, delayed ones included, at most. */
  most: number;
  /** Messages that the revoker was given. */
  handled: number;
  deadLetters: number;
  waiting: number;
}

/**
 * What starts the revoker on AWS, on virtual time: jobs within their minute, a queue with delays whose messages the real
 * `functions/revoker.ts` handles in batches side by side, timers that DynamoDB deletes late, and the sweep. The queue outlives
 * a restart of everything else.
 */
export function queueTriggers(figures: QueueFigures): (time: VirtualTime, log: Log) => Triggers {
  const ready: Message[] = [];
  let triggers: Triggers | undefined;
  return (time, log) => {
    triggers ??= make(time, log, ready, figures);
    return triggers;
  };
}

function make(time: VirtualTime, log: Log, ready: Message[], figures: QueueFigures): Triggers {
  const running = new Set<Promise<void>>();
  let ports: SweepPorts | undefined;
  let handle: ReturnType<typeof revoker> | undefined;
  let callOffSweep = () => {};
  let sweeping: Promise<void> = Promise.resolve();
  let armed = 0;
  let deliveries = 0;
  /** By receipt handle: what the revoker asked for in place of `VISIBILITY_MS`. */
  const hiddenMs = new Map<string, number>();
  const redelivery = { showAgain: async (handle: string, delayMs: number) => void hiddenMs.set(handle, delayMs) };

  function post(message: Message, delayMs: number): void {
    figures.waiting += 1;
    figures.most = Math.max(figures.most, figures.waiting);
    time.after(delayMs, () => {
      ready.push(message);
      pump();
    });
  }

  function pump(): void {
    while (handle !== undefined && running.size < BATCHES_AT_ONCE && ready.length > 0) {
      const batch = ready.splice(0, BATCH);
      const work: Promise<void> = deliver(handle, batch).finally(() => {
        running.delete(work);
        pump();
      });
      running.add(work);
    }
  }

  async function deliver(handler: ReturnType<typeof revoker>, batch: readonly Message[]): Promise<void> {
    figures.waiting -= batch.length;
    figures.handled += batch.length;
    const delivery = ++deliveries;
    const handleOf = (messageId: string) => `${delivery}-${messageId}`;
    const { batchItemFailures } = await handler(eventOf(batch, handleOf));
    for (const { itemIdentifier } of batchItemFailures) {
      const { leaseId, receives } = batch[Number(itemIdentifier)] as Message;
      if (receives < MAX_RECEIVES)
        post({ leaseId, receives: receives + 1 }, hiddenMs.get(handleOf(itemIdentifier)) ?? VISIBILITY_MS);
      else figures.deadLetters += 1;
      hiddenMs.delete(handleOf(itemIdentifier));
    }
  }

  function sweepOnAndOn(): void {
    callOffSweep = time.after(SWEEP_EVERY_MS, sweepOnAndOn);
    sweeping = sweep(ports as SweepPorts, { untilMs: time.nowMs() + SWEEP_EVERY_MS, mostDue: MAX_DUE }).then(
      ({ failures }) => {
        for (const { step, code } of failures) log.error('sweep_step_failed', { route: step, code });
      },
      () => log.error('sweep_failed', {}),
    );
  }

  /** Spreads evenly, the same in every run. */
  const share = () => (armed++ % 1_000) / 1_000;
  return {
    backstop: {
      arm: async (leaseId, atMs) => post({ leaseId, receives: 1 }, atMs - time.nowMs() + share() * JOB_WINDOW_MS),
    },
    timer: {
      arm: async (leaseId, atMs) => {
        const lagMs = MIN_TTL_LAG_MS + share() * (MAX_TTL_LAG_MS - MIN_TTL_LAG_MS);
        post({ leaseId, receives: 1 }, atMs - time.nowMs() + lagMs);
      },
    },
    queue: {
      send: async (leaseId, delayMs) => post({ leaseId, receives: 1 }, delayMs),
      sendAll: async (leaseIds) => {
        for (const leaseId of leaseIds) post({ leaseId, receives: 1 }, 0);
      },
    },
    start(revokePorts) {
      ports = revokePorts;
      handle = revoker(async () => revokePorts, redelivery, { record() {} }, log);
      sweepOnAndOn();
      pump();
    },
    async stop() {
      handle = undefined;
      callOffSweep();
      await sweeping;
      await Promise.all(running);
    },
  };
}

function eventOf(batch: readonly Message[], handleOf: (messageId: string) => string): SQSEvent {
  return {
    Records: batch.map(({ leaseId, receives }, at): SQSRecord => {
      const attributes = {
        ApproximateReceiveCount: String(receives),
        SentTimestamp: '0',
        SenderId: 'AROAEXAMPLE:scheduler',
        ApproximateFirstReceiveTimestamp: '0',
      };
      return {
        messageId: String(at),
        receiptHandle: handleOf(String(at)),
        body: writeLeaseMessage(leaseId),
        attributes,
        messageAttributes: {},
        md5OfBody: '',
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:hublease',
        awsRegion: 'us-east-1',
      };
    }),
  };
}
