import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import { cloudWatchAudit } from '../../functions/adapters/aws/audit-log.ts';
import type { AuditEvent } from '../../functions/core/model/audit-event.ts';

const NOW_MS = Date.parse('2026-11-21T10:00:00Z');

/** An audit whose client answers as told instead of going out. */
function anAudit(answer: () => Promise<unknown>, writeLine: (line: string) => void, timeoutMs?: number) {
  const client = new CloudWatchLogsClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' },
    maxAttempts: 1,
  });
  const sent: { logStreamName: string; logEvents: { message: string; timestamp: number }[] }[] = [];
  client.middlewareStack.add(
    () => async (args) => {
      sent.push(args.input as (typeof sent)[number]);
      return { output: (await answer()) as { $metadata: object }, response: {} };
    },
    { step: 'initialize' },
  );
  const options = {
    client,
    logGroup: '/hublease/audit',
    writer: 'revoker-1',
    clock: { nowMs: () => NOW_MS },
    writeLine,
  };
  return { audit: cloudWatchAudit(timeoutMs === undefined ? options : { ...options, timeoutMs }), sent };
}

const EVENT: AuditEvent = { event: 'lease.revoked', atMs: NOW_MS - 5, leaseId: '01KAJ4Z8V5Q2M9T3X7B6C1D0EF' };
const ok = async () => ({ $metadata: {} });

describe('the audit log', () => {
  it('states the time of the decision', async () => {
    const { audit, sent } = anAudit(ok, () => {});
    expect(await audit.record(EVENT)).toBe('stored');
    expect(sent[0]).toMatchObject({ logStreamName: '2026/11/21/revoker-1', logEvents: [{ timestamp: EVENT.atMs }] });
  });

  it('writes only the fields of an audit event, whatever the object holds', async () => {
    const { audit, sent } = anAudit(ok, () => {});
    const careless = {
      ...EVENT,
      password: 'canary',
      caller: 'arn:aws:iam::111122223333:role/ci',
      credential: { a: 'canary' },
    };
    await audit.record({
      ...careless,
      detail: { count: 3, done: true, nested: { a: 'canary' } },
    } as unknown as AuditEvent);
    const message = sent[0]?.logEvents[0]?.message ?? '';
    expect(message).not.toContain('canary');
    expect(JSON.parse(message)).toEqual({
      ...EVENT,
      at: '2026-11-21T09:59:59.995Z',
      caller: 'arn:aws:iam::111122223333:role/ci',
      detail: { count: 3, done: true, nested: 'object' },
    });
  });

  it('cuts what is too long, so that no event outgrows its log', async () => {
    const { audit, sent } = anAudit(ok, () => {});
    const detail = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`name${n}`, 'x'.repeat(100_000)]));
    await audit.record({ ...EVENT, code: 'y'.repeat(100_000), detail });
    expect(sent[0]?.logEvents[0]?.message.length).toBeLessThan(45_000);
  });

  it('keeps an allow list of usual length whole', async () => {
    const { audit, sent } = anAudit(ok, () => {});
    const allowAfter = 'x'.repeat(8_000);
    await audit.record({ ...EVENT, detail: { allowAfter } });
    expect(JSON.parse(sent[0]?.logEvents[0]?.message ?? '').detail).toEqual({ allowAfter });
  });

  it('says that an event which was refused is lost', async () => {
    const { audit } = anAudit(
      async () => ({ $metadata: {}, rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1 } }),
      () => {},
    );
    expect(await audit.record(EVENT)).toBe('lost');
  });

  it('keeps a decision waiting no longer than its bound, and then writes the event to its own log', async () => {
    const lines: string[] = [];
    const { audit } = anAudit(
      () => new Promise(() => {}),
      (line) => lines.push(line),
      20,
    );
    expect(await audit.record(EVENT)).toBe('lost');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: 'ERROR',
        message: 'audit event not stored',
        code: 'PutLogEvents: TimeUp',
        audit: { ...EVENT, at: '2026-11-21T09:59:59.995Z' },
      },
    ]);
  });

  it('never rejects, though its own log is closed too and the time is no time', async () => {
    const { audit } = anAudit(
      () => Promise.reject(new Error('out')),
      () => {
        throw new Error('closed');
      },
    );
    await expect(audit.record({ ...EVENT, atMs: Number.NaN })).resolves.toBe('lost');
  });
});
