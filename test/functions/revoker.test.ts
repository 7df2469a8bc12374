import type { DynamoDBRecord, DynamoDBStreamEvent, SQSEvent, SQSRecord } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Lease } from '../../functions/core/model/lease.ts';
import { jsonLines } from '../../functions/log.ts';
import { revoker } from '../../functions/revoker.ts';
import { aLease, aTarget, changed } from '../contract/builders.ts';
import { memoryPorts, NOW_MS } from './memory-ports.ts';

const MINUTE_MS = 60_000;
const MAX_DELAY_MS = 900_000;

let ports: ReturnType<typeof memoryPorts>;
let lines: string[];
let sent: { readonly leaseId: string; readonly delayMs: number }[];
let deleted: string[];
let shownAgain: { readonly handle: string; readonly delayMs: number }[];
let counted: string[];

beforeEach(async () => {
  const memory = memoryPorts();
  sent = [];
  deleted = [];
  shownAgain = [];
  counted = [];
  lines = [];
  ports = {
    ...memory,
    queue: {
      send: async (leaseId, delayMs) => void sent.push({ leaseId, delayMs }),
      sendAll: async (leaseIds) => void sent.push(...leaseIds.map((leaseId) => ({ leaseId, delayMs: 0 }))),
    },
    hub: {
      ...memory.hub,
      deleteToken: async (session, place, tokenId) => {
        deleted.push(tokenId);
        return memory.hub.deleteToken(session, place, tokenId);
      },
    },
  };
  await ports.catalog.putTarget(aTarget({ name: 'bot' }));
  const version = await ports.credentials.stage('bot', { username: 'acme-bot', password: 'password-of-nobody' });
  await ports.credentials.promote('bot', version);
});

/** What a message asks of the queue. A test may put one in its place that fails. */
let showAgain = async (handle: string, delayMs: number) => void shownAgain.push({ handle, delayMs });

function handle(event: unknown, load = async () => ports) {
  const log = jsonLines({ write: (line) => lines.push(line) }, ports.clock);
  return revoker(
    load,
    { showAgain },
    { record: (name) => counted.push(name) },
    log,
  )(event as SQSEvent | DynamoDBStreamEvent);
}

/** An active lease that ends so long from now. */
async function aLeaseEnding(inMs: number, overrides: Partial<Lease> = {}): Promise<Lease> {
  const expiresAtMs = NOW_MS + inMs;
  const lease = aLease({ target: 'bot', issuedAtMs: NOW_MS - 3_600_000, expiresAtMs, ...overrides });
  await ports.leases.create(lease);
  return lease;
}

let messages = 0;
function message(body: string, receives = 1): SQSRecord {
  messages += 1;
  return {
    messageId: `message-${messages}`,
    receiptHandle: `handle-${messages}`,
    body,
    attributes: { ApproximateReceiveCount: String(receives) },
    eventSource: 'aws:sqs',
  } as SQSRecord;
}
const about = (leaseId: string) => message(JSON.stringify({ leaseId }));

function timerRemoved(leaseId: string): DynamoDBRecord {
  return {
    eventID: `event-${++messages}`,
    eventName: 'REMOVE',
    eventSource: 'aws:dynamodb',
    dynamodb: { Keys: { leaseId: { S: leaseId }, row: { S: 'timer' } }, SequenceNumber: String(++messages) },
    userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
  };
}

const DONE = { batchItemFailures: [] };

describe('the revoker', () => {
  it('ends a lease that is due, whichever trigger names it', async () => {
    for (const record of [about, timerRemoved]) {
      const lease = await aLeaseEnding(-1);
      expect(await handle({ Records: [record(lease.id)] })).toEqual(DONE);
      expect(await ports.leases.get(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'expired' });
      expect(deleted.pop()).toBe(lease.tokenId);
    }
    expect(sent).toEqual([]);
  });

  it.each([
    ['in a moment', 1, 1],
    ['in ten minutes', 10 * MINUTE_MS, 10 * MINUTE_MS],
    ['in just as long as a message can wait', MAX_DELAY_MS, MAX_DELAY_MS],
    ['in an hour', 60 * MINUTE_MS, MAX_DELAY_MS],
    ['in a year', 365 * 24 * 60 * MINUTE_MS, MAX_DELAY_MS],
  ])('comes back to a lease that ends %s, and leaves it alone until then', async (_, inMs, delayMs) => {
    for (const record of [about, timerRemoved]) {
      const lease = await aLeaseEnding(inMs);
      sent = [];
      expect(await handle({ Records: [record(lease.id)] })).toEqual(DONE);
      expect(sent).toEqual([{ leaseId: lease.id, delayMs }]);
      expect(await ports.leases.get(lease.id)).toEqual(lease);
    }
    expect(deleted).toEqual([]);
  });

  it('comes back to a lease that was renewed, at its new end', async () => {
    const lease = await aLeaseEnding(-1, { renewable: true, maxExpiresAtMs: NOW_MS + 60 * MINUTE_MS });
    const expiresAtMs = NOW_MS + 5 * MINUTE_MS;
    await ports.leases.update(changed(lease, { expiresAtMs, dueAtMs: expiresAtMs }));
    expect(await handle({ Records: [about(lease.id)] })).toEqual(DONE);
    expect(sent).toEqual([{ leaseId: lease.id, delayMs: 5 * MINUTE_MS }]);
    expect(deleted).toEqual([]);
  });

  it('is done with a lease that does not exist, and with one that is revoked', async () => {
    const lease = await aLeaseEnding(-1);
    await handle({ Records: [about(lease.id)] });
    deleted = [];
    expect(await handle({ Records: [about('01KAJ4Z8V5Q2M9T3X7B6C1D0EF'), about(lease.id)] })).toEqual(DONE);
    expect(deleted).toEqual([]);
    expect(sent).toEqual([]);
  });

  it('looks at a lease once for each of a batch’s records, and revokes it once', async () => {
    const lease = await aLeaseEnding(-1);
    expect(await handle({ Records: [about(lease.id), about(lease.id)] })).toEqual(DONE);
    expect(ports.events.filter(({ event }) => event === 'lease.revoked')).toHaveLength(1);
  });

  it('reports a record alone whose lease cannot be read, and quotes nothing of why', async () => {
    const [good, bad] = [await aLeaseEnding(-1), await aLeaseEnding(-1)];
    const get = ports.leases.get;
    const failing = async (leaseId: string) => {
      if (leaseId === bad.id) throw new Error('it said canary');
      return get(leaseId);
    };
    ports = { ...ports, leases: { ...ports.leases, get: failing } };
    const queued = [about(bad.id), about(good.id)];
    expect(await handle({ Records: queued })).toEqual({
      batchItemFailures: [{ itemIdentifier: queued[0]?.messageId }],
    });
    expect(await ports.leases.get(good.id)).toMatchObject({ status: 'revoked' });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', event: 'revoke_failed', route: 'queue', errorName: 'Error' },
    ]);
    expect(lines.join()).not.toContain('canary');
    expect(shownAgain).toEqual([{ handle: queued[0]?.receiptHandle, delayMs: 5_000 }]);
    expect(counted).toEqual(['RecordFailures']);
  });

  it.each([
    [1, 5_000],
    [2, 10_000],
    [3, 20_000],
    [4, 30_000],
    [19, 30_000],
  ])('brings a message that failed back, received %i times so far, after %i ms', async (receives, delayMs) => {
    const record = message('no lease', receives);
    expect(await handle({ Records: [record] })).toEqual({ batchItemFailures: [{ itemIdentifier: record.messageId }] });
    expect(shownAgain).toEqual([{ handle: record.receiptHandle, delayMs }]);
    expect(counted).toEqual(['RecordFailures']);
  });

  it('reports a message as failed, and quotes nothing, when the queue does not bring it back sooner', async () => {
    const record = message('no lease');
    const working = showAgain;
    showAgain = async () => {
      throw new Error('it said canary');
    };
    try {
      expect(await handle({ Records: [record] })).toEqual({
        batchItemFailures: [{ itemIdentifier: record.messageId }],
      });
    } finally {
      showAgain = working;
    }
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['revoke_failed', 'redelivery_failed']);
    expect(lines.join()).not.toContain('canary');
  });

  it('reports a record whose lease could not be put back on the queue', async () => {
    const lease = await aLeaseEnding(MINUTE_MS);
    const send = async () => {
      throw new Error('it said canary');
    };
    ports = { ...ports, queue: { ...ports.queue, send } };
    const record = timerRemoved(lease.id);
    const failures = [{ itemIdentifier: record.dynamodb?.SequenceNumber }];
    expect(await handle({ Records: [record] })).toEqual({ batchItemFailures: failures });
    expect(counted).toEqual(['RecordFailures']);
    expect(shownAgain).toEqual([]);
  });

  it('reports every record while its ports cannot be loaded, rather than fail as a whole', async () => {
    const queued = [about('01KAJ4Z8V5Q2M9T3X7B6C1D0EF'), about('01KAJ4Z8V5Q2M9T3X7B6C1D0EG')];
    const load = async () => {
      throw new Error('it said canary');
    };
    expect(await handle({ Records: queued }, load)).toEqual({
      batchItemFailures: queued.map(({ messageId }) => ({ itemIdentifier: messageId })),
    });
    expect(lines.join()).not.toContain('canary');
  });

  it('needs no ports for records that mean nothing to it', async () => {
    const load = async () => {
      throw new Error('not to be loaded');
    };
    const { userIdentity: _, ...byHand } = timerRemoved('01KAJ4Z8V5Q2M9T3X7B6C1D0EF');
    expect(await handle({ Records: [byHand] }, load)).toEqual(DONE);
  });

  it.each([
    ['a bucket', { Records: [{ eventSource: 'aws:s3', body: '{}' }] }],
    ['two sources at a time', { Records: [about('01KAJ4Z8V5Q2M9T3X7B6C1D0EF'), timerRemoved('x')] }],
    ['no records', { Records: [] }],
    ['a schedule', { 'detail-type': 'Scheduled Event' }],
    ['a lease by hand', { leaseId: '01KAJ4Z8V5Q2M9T3X7B6C1D0EF' }],
  ])('refuses an event of %s as a whole', async (_, event) => {
    await expect(handle(event)).rejects.toMatchObject({ name: 'UnknownMessage', message: '' });
  });
});
