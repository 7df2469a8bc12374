import type { SQSRecord } from 'aws-lambda';
import { expect, it } from 'vitest';
import { writeLeaseMessage } from '../../functions/adapters/aws/lease-message.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { LeaseStore } from '../../functions/core/ports/leases.ts';
import { revoker } from '../../functions/revoker.ts';
import { aLease, aTarget } from '../contract/builders.ts';
import { memoryPorts, NOW_MS } from './memory-ports.ts';

/** As `infra/revocation.ts` sets them. */
const BATCH = 10;
const VISIBILITY_MS = 360_000;
const PROMISE_MS = 120_000;
const LEASES = 25;
const DUE_AT_MS = NOW_MS + 1;

interface Message {
  readonly leaseId: string;
  visibleAtMs: number;
  receives: number;
}

type Operation = 'get' | 'update';

/** A lease store whose calls of one kind fail at their first `times` for each lease. */
function failing(leases: LeaseStore, operation: Operation, times: number): LeaseStore {
  const failed = new Map<string, number>();
  const fail = (leaseId: string) => {
    const before = failed.get(leaseId) ?? 0;
    failed.set(leaseId, before + 1);
    if (before < times) throw new Error('the store is out');
  };
  return {
    ...leases,
    get: async (leaseId) => {
      if (operation === 'get') fail(leaseId);
      return leases.get(leaseId);
    },
    update: async (lease, change) => {
      if (operation === 'update') fail(lease.id);
      return leases.update(lease, change);
    },
  };
}

/** Leases that are due together, each with one message, and a store that fails. */
async function world(operation: Operation, times: number) {
  const working = memoryPorts();
  await working.catalog.putTarget(aTarget({ name: 'bot' }));
  const version = await working.credentials.stage('bot', { username: 'acme-bot', password: 'password-of-nobody' });
  await working.credentials.promote('bot', version);
  const leases: Lease[] = [];
  for (let made = 0; made < LEASES; made++) {
    const lease = aLease({ target: 'bot', issuedAtMs: NOW_MS - 3_600_000, expiresAtMs: DUE_AT_MS });
    await working.leases.create(lease);
    leases.push(lease);
  }
  await working.clock.sleep(1);
  const messages: Message[] = leases.map(({ id }) => ({ leaseId: id, visibleAtMs: DUE_AT_MS, receives: 0 }));
  const queue = {
    ...working.queue,
    send: async (leaseId: string, delayMs: number) =>
      void messages.push({ leaseId, visibleAtMs: working.clock.nowMs() + delayMs, receives: 0 }),
  };
  return { ports: { ...working, leases: failing(working.leases, operation, times), queue }, messages, leases, working };
}

/** Hands messages out as SQS and Lambda do, until none is left. The clock leaps to the next that can be received. */
async function drain({ ports, messages }: Awaited<ReturnType<typeof world>>): Promise<void> {
  const inFlight = new Map<string, Message>();
  const showAgain = async (receiptHandle: string, delayMs: number) => {
    const message = inFlight.get(receiptHandle);
    if (message !== undefined) message.visibleAtMs = ports.clock.nowMs() + delayMs;
  };
  const handle = revoker(async () => ports, { showAgain }, { record() {} }, { info() {}, error() {} });
  while (messages.length > 0) {
    const nextMs = Math.min(...messages.map(({ visibleAtMs }) => visibleAtMs));
    await ports.clock.sleep(Math.max(0, nextMs - ports.clock.nowMs()));
    const batch = messages.filter(({ visibleAtMs }) => visibleAtMs <= ports.clock.nowMs()).slice(0, BATCH);
    const Records = batch.map((message, at) => {
      message.receives += 1;
      message.visibleAtMs = ports.clock.nowMs() + VISIBILITY_MS;
      inFlight.set(String(at), message);
      return {
        messageId: String(at),
        receiptHandle: String(at),
        body: writeLeaseMessage(message.leaseId),
        attributes: { ApproximateReceiveCount: String(message.receives) },
        eventSource: 'aws:sqs',
      } as SQSRecord;
    });
    const { batchItemFailures } = await handle({ Records });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => batch[Number(itemIdentifier)]));
    for (const message of batch) if (!failed.has(message)) messages.splice(messages.indexOf(message), 1);
  }
}

it.each([
  ['reading', 'get', 1],
  ['reading', 'get', 3],
  ['writing', 'update', 1],
  ['writing', 'update', 3],
] as const)(
  'a store whose %s fails (%s, times for each lease: %i) delays no lease beyond the promise',
  async (_, operation, times) => {
    const scene = await world(operation, times);
    await drain(scene);
    for (const { id } of scene.leases) {
      const lease = await scene.working.leases.get(id);
      expect(lease?.status).toBe('revoked');
      expect((lease?.revokedAtMs as number) - DUE_AT_MS).toBeLessThanOrEqual(PROMISE_MS);
    }
  },
);
