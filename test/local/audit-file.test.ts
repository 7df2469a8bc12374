import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../functions/core/model/audit-event.ts';
import { auditFile, startFlushing } from '../../local/audit/audit-file.ts';
import { rotatingFile } from '../../local/audit/rotating-file.ts';
import { tempFolder, untilTestEnds } from './harness.ts';

const AT_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
const DENIED: AuditEvent = {
  event: 'lease.denied',
  atMs: AT_MS,
  requestId: 'request-1',
  caller: 'arn:aws:iam::111122223333:role/ci',
  secret: 'ci/release',
  code: 'caller_not_allowed',
};
const GRANTED: AuditEvent = { event: 'lease.granted', atMs: AT_MS, leaseId: '01KAJ4Z8V5Q2M9T3X7B6C1D0EF' };

let folder: string;
let lost: number;
beforeEach(() => {
  folder = untilTestEnds(tempFolder()).path;
  lost = 0;
});

const open = (isSynced = false) => auditFile(folder, { onLost: () => lost++, isSynced });

function linesOf(name: string): Record<string, unknown>[] {
  if (!existsSync(join(folder, name))) return [];
  const text = readFileSync(join(folder, name), 'utf8').trimEnd();
  return text.split('\n').map((line) => JSON.parse(line));
}

describe('the audit log of the embedded edition', () => {
  it.each([false, true])('says that an event is stored, for its owner alone (synced: %s)', async (isSynced) => {
    expect(await open(isSynced).record(GRANTED)).toBe('stored');
    expect(linesOf('audit.jsonl')).toEqual([{ ...GRANTED, at: '2026-11-21T09:00:00.000Z' }]);
    expect(statSync(join(folder, 'audit.jsonl')).mode & 0o777).toBe(0o600);
    expect(lost).toBe(0);
  });

  it('says that an event is lost which cannot be written, and never rejects', async () => {
    const audit = auditFile(join(folder, 'gone'), { onLost: () => lost++ });
    expect(await audit.record(GRANTED)).toBe('lost');
    expect(await audit.record(DENIED)).toBe('lost');
    expect(await audit.record(DENIED)).toBe('lost');
    expect(lost).toBe(3);
  });

  it('keeps denials apart from grants, changes and mints that have a lease', async () => {
    const audit = open();
    const changed: AuditEvent = { event: 'secret.changed', atMs: AT_MS, secret: 'ci/release' };
    const failed: AuditEvent = { event: 'lease.mint_failed', atMs: AT_MS, code: 'secret_not_found' };
    const givenUp: AuditEvent = { ...failed, code: 'not_recorded', leaseId: GRANTED.leaseId as string };
    for (const event of [GRANTED, DENIED, changed, failed, givenUp]) await audit.record(event);
    expect(linesOf('audit.jsonl').map(({ event, code }) => code ?? event)).toEqual([
      'lease.granted',
      'secret.changed',
      'not_recorded',
    ]);
    expect(linesOf('audit-denied.jsonl').map(({ code }) => code)).toEqual(['caller_not_allowed', 'secret_not_found']);
  });

  it('writes repetitions of a denial as one event, with how many and from when to when', async () => {
    const audit = open();
    for (let n = 0; n < 500; n++) await audit.record({ ...DENIED, requestId: `request-${n}`, atMs: AT_MS + n * 100 });
    expect(linesOf('audit-denied.jsonl')).toHaveLength(1);
    await audit.record({ ...DENIED, atMs: AT_MS + 60_000 });
    const [first, repeated, next] = linesOf('audit-denied.jsonl');
    expect(first).toMatchObject({ requestId: 'request-0', atMs: AT_MS });
    const { requestId: _, ...same } = DENIED;
    expect(repeated).toEqual({
      ...same,
      atMs: AT_MS + 49_900,
      at: '2026-11-21T09:00:49.900Z',
      detail: { count: 499, firstAtMs: AT_MS + 100, lastAtMs: AT_MS + 49_900 },
    });
    expect(next).toMatchObject({ requestId: 'request-1', atMs: AT_MS + 60_000 });
  });

  it.each([
    ['caller', { caller: 'arn:aws:iam::111122223333:role/other' }],
    ['role of that name', { callerId: 'AROACKCEVSQ6C2EXAMPLE' }],
    ['secret', { secret: 'ci/other' }],
    ['reason', { code: 'secret_not_found' }],
    ['address', { sourceIp: '192.0.2.9' }],
  ])('takes a denial of another %s for no repetition', async (_, change) => {
    const audit = open();
    await audit.record(DENIED);
    await audit.record({ ...DENIED, ...change });
    expect(linesOf('audit-denied.jsonl')).toHaveLength(2);
  });

  it('ends the counting when its clock is set back', async () => {
    const audit = open();
    for (const atMs of [AT_MS, AT_MS + 1, AT_MS - 3_600_000]) await audit.record({ ...DENIED, atMs });
    expect(linesOf('audit-denied.jsonl')).toHaveLength(3);
  });

  it('remembers a bounded number of denials, and writes the oldest down for a new one', async () => {
    const audit = open();
    await audit.record(DENIED);
    await audit.record(DENIED);
    for (let n = 0; n < 1_000; n++) await audit.record({ ...DENIED, secret: `ci/${n}` });
    expect(linesOf('audit-denied.jsonl').map(({ detail }) => detail)).toContainEqual({
      count: 1,
      firstAtMs: AT_MS,
      lastAtMs: AT_MS,
    });
  });

  it('writes repetitions down from time to time, and all of them when it ends', async () => {
    const audit = open();
    const timers: (() => void)[] = [];
    let nowMs = AT_MS;
    const time = {
      nowMs: () => nowMs,
      sleep: async () => {},
      after: (_: number, act: () => void) => {
        timers.push(act);
        return () => void timers.splice(0);
      },
    };
    const stop = startFlushing(audit, time);
    await audit.record(DENIED);
    await audit.record(DENIED);
    timers.shift()?.();
    expect(linesOf('audit-denied.jsonl')).toHaveLength(1);
    nowMs += 60_000;
    timers.shift()?.();
    expect(linesOf('audit-denied.jsonl')).toHaveLength(2);
    await audit.record({ ...DENIED, atMs: nowMs });
    await audit.record({ ...DENIED, atMs: nowMs });
    stop();
    expect(linesOf('audit-denied.jsonl')).toHaveLength(4);
    expect(timers).toEqual([]);
  });

  it('loses no grant, however many denials there are', async () => {
    const audit = open();
    await audit.record(GRANTED);
    const secret = 'x'.repeat(100_000);
    for (let n = 0; n < 100; n++) await audit.record({ ...DENIED, secret: `${secret}${n}` });
    expect(existsSync(join(folder, 'audit-denied.1.jsonl'))).toBe(true);
    expect(linesOf('audit.jsonl').map(({ event }) => event)).toEqual(['lease.granted']);
  });
});

describe('a rotating file', () => {
  it('sets itself aside when it is large, and replaces what was set aside before', () => {
    writeFileSync(join(folder, 'x.1.jsonl'), 'older\n');
    const file = rotatingFile(folder, 'x', { rotateAtBytes: 5 });
    for (const line of ['one', 'two', 'three']) expect(file.append(line)).toBe(true);
    expect(readFileSync(join(folder, 'x.1.jsonl'), 'utf8')).toBe('one\ntwo\n');
    expect(readFileSync(join(folder, 'x.jsonl'), 'utf8')).toBe('three\n');
  });
});
