import { beforeEach, describe, expect, it } from 'vitest';
import type { MetricName } from '../../functions/adapters/aws/metric-names.ts';
import type { Meter } from '../../functions/adapters/aws/metrics.ts';
import type { AuditEvent, AuditEventName } from '../../functions/core/model/audit-event.ts';
import type { HubProblem, HubReply } from '../../functions/core/ports/docker-hub.ts';
import { measuredAudit, measuredHub, measuredMinter } from '../../functions/wiring/measured.ts';
import { memoryPorts, NOW_MS } from './memory-ports.ts';

const FIRST_PAGE = { page: 1, pageSize: 100 };

type Recorded = readonly [name: MetricName, value: number, note?: Parameters<Meter['record']>[2]];

let recorded: Recorded[];
const meter: Meter = {
  record: (name, value, note) => void recorded.push(note === undefined ? [name, value] : [name, value, note]),
};
beforeEach(() => {
  recorded = [];
});

const facts = { target: 'acme', leaseId: '01KAJ4Z8V5Q2M9T3X7B6C1D0EF' };
const about = { facts };

/** What each decision is counted as. Naming all of them makes a new one a question to its author. */
const COUNTED: Readonly<Record<AuditEventName, readonly [AuditEvent['detail'], readonly Recorded[]][]>> = {
  'lease.granted': [[{ ttlSeconds: 900 }, [['LeasesMinted', 1, about]]]],
  'lease.renewed': [[{}, []]],
  'lease.denied': [[{}, []]],
  'lease.mint_failed': [[{}, []]],
  'lease.revoke_requested': [[{ reason: 'caller' }, []]],
  'lease.revoked': [
    [
      { reason: 'expired', evidence: 'deleted', overdueMs: 1_500 },
      [
        ['LeasesRevoked', 1, { by: 'expired', ...about }],
        ['TimeToRevokeSeconds', 1.5, about],
      ],
    ],
    // What was revoked before its time was never overdue.
    [{ reason: 'caller', evidence: 'deleted', overdueMs: 0 }, [['LeasesRevoked', 1, { by: 'caller', ...about }]]],
  ],
  'lease.revoke_delayed': [
    [{ attempts: 1, nextInMs: 2_000, waiting: false }, [['RevokeFailures', 1, about]]],
    // Waiting for the quiet period is no failure.
    [{ attempts: 0, nextInMs: 60_000, waiting: true }, []],
  ],
  'lease.stuck': [[{}, []]],
  'lease.blocked': [[{ tokenIds: 'id' }, [['LeasesBlocked', 1, about]]]],
  'lease.attested': [[{ reason: 'expired', evidence: 'attested', overdueMs: 900_000 }, [['LeasesAttested', 1, about]]]],
  'lease.reopened': [[{}, [['LeasesReopened', 1, about]]]],
  'lease.orphan_adopted': [[{}, []]],
  'token.stray_deleted': [[{}, []]],
  'token.dismissed': [[{}, []]],
  'login.refused': [[{}, [['LoginBreakerOpen', 1, about]]]],
  // The second try decides: a single refusal of a proven credential rings nothing.
  'login.retried': [[{}, []]],
  'account.unreachable': [[{}, [['AccountsUnreachable', 1, about]]]],
  'listing.unusable': [[{}, [['ListingsUnusable', 1, about]]]],
  'clock.skewed': [
    [{ skewMs: 7_000 }, [['ClockSkewSeconds', 7, about]]],
    [{ skewMs: -7_000 }, [['ClockSkewSeconds', 7, about]]],
  ],
  'target.refused': [[{}, [['TargetsRefused', 1, about]]]],
  'target.changed': [[{}, []]],
  'target.verified': [[{}, []]],
  'target.deleted': [[{}, []]],
  'secret.changed': [[{}, []]],
  'secret.deleted': [[{}, []]],
};

describe('the audit log, measured', () => {
  const cases = Object.entries(COUNTED).flatMap(([event, variants]) =>
    variants.map(([detail, metrics]) => [event as AuditEventName, detail, metrics] as const),
  );

  it.each(cases)('counts %s with %j as it should be counted', async (event, detail, metrics) => {
    const written: AuditEvent[] = [];
    const record = async (decision: AuditEvent) => {
      written.push(decision);
      return 'stored' as const;
    };
    const audit = measuredAudit({ record }, meter);
    const decision: AuditEvent = { event, atMs: NOW_MS, ...facts, ...(detail !== undefined && { detail }) };
    expect(await audit.record(decision)).toBe('stored');
    expect(recorded).toEqual(metrics);
    expect(written).toEqual([decision]);
  });

  it('keeps only ids beside a count', async () => {
    const audit = measuredAudit({ record: async () => 'stored' }, meter);
    const event = { event: 'lease.granted', atMs: NOW_MS, caller: 'canary', sourceIp: 'canary', tokenSha256: 'canary' };
    await audit.record(event as AuditEvent);
    expect(recorded).toEqual([['LeasesMinted', 1, { facts: {} }]]);
  });
});

describe('a decision that the audit log lost', () => {
  it('is counted besides, and said to be lost', async () => {
    const audit = measuredAudit({ record: async () => 'lost' }, meter);
    expect(await audit.record({ event: 'lease.granted', atMs: NOW_MS, ...facts })).toBe('lost');
    expect(recorded).toEqual([
      ['LeasesMinted', 1, about],
      ['AuditEventsLost', 1, about],
    ]);
  });
});

describe('a grant where the audit log is required', () => {
  const granted: AuditEvent = { event: 'lease.granted', atMs: NOW_MS, ...facts };

  it.each([
    ['lost', ['AuditEventsLost']],
    ['stored', ['LeasesMinted']],
  ] as const)('that is %s counts as %j', async (outcome, names) => {
    await measuredAudit({ record: async () => outcome }, meter, true).record(granted);
    expect(recorded.map(([name]) => name)).toEqual(names);
  });
});

describe('Docker Hub, measured', () => {
  const session = { account: 'acme-bot', bearer: 'bearer', expiresAtMs: NOW_MS };
  const credential = { username: 'acme-bot', password: 'password' };
  const place = { kind: 'pat' } as const;

  /** Docker Hub and a minter that take 40 ms for each answer. */
  function slow(reply: HubReply<never>) {
    let nowMs = NOW_MS;
    const clock = { nowMs: () => nowMs, sleep: async () => {} };
    const answer = async () => {
      await Promise.resolve();
      nowMs += 40;
      return reply;
    };
    const hub = { login: answer, listTokens: answer, getToken: answer, deleteToken: answer, readDate: answer };
    return {
      hub: measuredHub(hub, meter, clock),
      minter: measuredMinter({ createToken: answer }, meter, clock),
    };
  }

  const good = { ok: true, value: undefined as never, meta: { rateRemaining: 177 } } as const;
  const bad = (problem: HubProblem): HubReply<never> => ({ ok: false, problem, meta: {} });

  const CALLS: Readonly<Record<string, (parts: ReturnType<typeof slow>) => Promise<unknown>>> = {
    'a login': ({ hub }) => hub.login(credential, 'auth-token', NOW_MS),
    'a list': ({ hub }) => hub.listTokens(session, place, FIRST_PAGE),
    'a reading': ({ hub }) => hub.getToken(session, place, 'id'),
    'a deletion': ({ hub }) => hub.deleteToken(session, place, 'id'),
    'a look at the clock': ({ hub }) => hub.readDate(),
    'a create': ({ minter }) => minter.createToken(session, place, { label: 'label', expiresAtMs: NOW_MS }),
  };

  it.each(Object.entries(CALLS))('has %s timed, its remaining rate noted and its answer unchanged', async (_, call) => {
    expect(await call(slow(good))).toBe(good);
    expect(recorded).toEqual([
      ['HubLatencyMs', 40],
      ['HubRemainingRate', 177],
    ]);
  });

  it.each(Object.entries(CALLS))('has %s that fails counted, with what was wrong', async (_, call) => {
    await call(slow(bad({ tag: 'fault', code: 'timeout' })));
    expect(recorded).toEqual([
      ['HubLatencyMs', 40],
      ['HubErrors', 1, { facts: { problem: 'fault' } }],
    ]);
  });

  it('has a token that is gone counted as an answer', async () => {
    await CALLS['a deletion']?.(slow(bad({ tag: 'not_found' })));
    expect(recorded).toEqual([['HubLatencyMs', 40]]);
  });

  it('passes on what it was asked, as it was asked', async () => {
    const asked: unknown[][] = [];
    const { hub } = memoryPorts();
    const note = (...args: unknown[]) => {
      asked.push(args);
      return hub.readDate() as Promise<never>;
    };
    const measured = measuredHub({ ...hub, login: note, deleteToken: note }, meter, memoryPorts().clock);
    await measured.login(credential, 'users-login', NOW_MS);
    await measured.deleteToken(session, place, 'id');
    expect(asked).toEqual([
      [credential, 'users-login', NOW_MS],
      [session, place, 'id'],
    ]);
  });
});
