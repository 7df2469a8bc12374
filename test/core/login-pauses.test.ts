import { describe, expect, it } from 'vitest';
import { breakerMs, pauseAfter, waitForEdge, waitForLogin } from '../../functions/core/hub/login-pauses.ts';
import type { Failed } from '../../functions/core/model/failure.ts';
import type { HubProblem } from '../../functions/core/ports/docker-hub.ts';
import type { SessionRecord } from '../../functions/core/ports/sessions.ts';
import { NOW_MS } from './world.ts';

const RECORD: SessionRecord = { target: 'acme-bot', version: 1, opId: 'op-1' };

describe('the pause after a refused credential', () => {
  it.each([
    ['that never worked', false, false, [600_000, 600_000, 600_000]],
    ['that worked before', false, true, [30_000, 600_000, 600_000]],
    ['with a second factor', true, false, [60_000, 600_000, 60_000, 600_000]],
    ['with a second factor that worked before', true, true, [60_000, 600_000, 60_000]],
  ])('%s', (_, hasSecondFactor, isProven, pausesMs) => {
    expect(pausesMs.map((__, refusals) => breakerMs(refusals, { hasSecondFactor, isProven }))).toEqual(pausesMs);
  });
});

describe('what a login without a verdict asks of the next one', () => {
  it.each<[string, Partial<SessionRecord>, HubProblem, Partial<SessionRecord>]>([
    [
      'the wait that Docker Hub names',
      {},
      { tag: 'throttled', retryAtMs: NOW_MS + 7_000 },
      { loginAfterMs: NOW_MS + 7_000, edgeLogins: 0 },
    ],
    ['nothing after a failed connection', { edgeLogins: 3 }, { tag: 'fault', code: 'connection' }, {}],
    ['nothing after a timeout', { edgeLogins: 3 }, { tag: 'fault', code: 'timeout' }, {}],
    ['nothing after a refusal of another kind', {}, { tag: 'forbidden' }, {}],
    [
      '10 s after the edge answered',
      {},
      { tag: 'fault', code: 'edge' },
      { edgeLogins: 1, loginFault: 'edge', loginAfterMs: NOW_MS + 10_000 },
    ],
    [
      '20 s after the second time',
      { edgeLogins: 1 },
      { tag: 'fault', code: 'edge' },
      { edgeLogins: 2, loginFault: 'edge', loginAfterMs: NOW_MS + 20_000 },
    ],
    [
      '80 s after the fourth time',
      { edgeLogins: 3 },
      { tag: 'fault', code: 'edge' },
      { edgeLogins: 4, loginFault: 'edge', loginAfterMs: NOW_MS + 80_000 },
    ],
    [
      'two minutes at most',
      { edgeLogins: 4 },
      { tag: 'fault', code: 'edge' },
      { edgeLogins: 5, loginFault: 'edge', loginAfterMs: NOW_MS + 120_000 },
    ],
    [
      'two minutes after any number',
      { edgeLogins: 5_000 },
      { tag: 'fault', code: 'edge' },
      { edgeLogins: 5_001, loginFault: 'edge', loginAfterMs: NOW_MS + 120_000 },
    ],
    ...(['malformed', 'redirected', 'too_large'] as const).map(
      (code): [string, Partial<SessionRecord>, HubProblem, Partial<SessionRecord>] => [
        `10 s after an answer that is ${code}`,
        {},
        { tag: 'fault', code },
        { edgeLogins: 1, loginFault: code, loginAfterMs: NOW_MS + 10_000 },
      ],
    ),
    [
      'no pause after one failure of Docker Hub',
      {},
      { tag: 'fault', code: 'server_error' },
      { edgeLogins: 1, loginFault: 'server_error' },
    ],
    [
      '2 s after the second failure in a row',
      { edgeLogins: 1, loginFault: 'server_error' },
      { tag: 'fault', code: 'server_error' },
      { edgeLogins: 2, loginFault: 'server_error', loginAfterMs: NOW_MS + 2_000 },
    ],
    [
      '64 s after the seventh failure in a row',
      { edgeLogins: 6 },
      { tag: 'fault', code: 'server_error' },
      { edgeLogins: 7, loginFault: 'server_error', loginAfterMs: NOW_MS + 64_000 },
    ],
    [
      'two minutes at most after failures, too',
      { edgeLogins: 5_000 },
      { tag: 'fault', code: 'server_error' },
      { edgeLogins: 5_001, loginFault: 'server_error', loginAfterMs: NOW_MS + 120_000 },
    ],
  ])('is %s', (_, record, problem, pause) => {
    expect(pauseAfter({ ...RECORD, ...record }, problem, NOW_MS)).toEqual(pause);
  });
});

describe('a pause before the next login', () => {
  const thrownBy = (wait: () => void) => {
    try {
      wait();
    } catch (error) {
      return (error as Failed).failure;
    }
    return undefined;
  };
  const login = (record?: Partial<SessionRecord>) =>
    thrownBy(() => waitForLogin(record && { ...RECORD, ...record }, 'acme-bot', NOW_MS));
  const edge = (record?: Partial<SessionRecord>) =>
    thrownBy(() => waitForEdge(record && { ...RECORD, ...record }, NOW_MS));

  it('that Docker Hub asked for is told with its end', () => {
    const record = { loginAfterMs: NOW_MS + 1_001, edgeLogins: 0 };
    expect(login(record)).toEqual({ tag: 'hub_throttled', retryAfterSeconds: 2 });
    expect(edge(record)).toBeUndefined();
    expect(login({ loginAfterMs: NOW_MS + 1_001 })).toEqual({ tag: 'hub_throttled', retryAfterSeconds: 2 });
  });

  it('for the edge is told as the edge’s', () => {
    const record = { loginAfterMs: NOW_MS + 10_000, edgeLogins: 1 };
    const failure = { tag: 'hub_unavailable', code: 'edge', retryAfterSeconds: 10 };
    expect(login(record)).toEqual(failure);
    expect(edge(record)).toEqual(failure);
  });

  it('for a failure of Docker Hub is told as its own', () => {
    const record = { loginAfterMs: NOW_MS + 2_000, edgeLogins: 2, loginFault: 'server_error' } as const;
    const failure = { tag: 'hub_unavailable', code: 'server_error', retryAfterSeconds: 2 };
    expect(login(record)).toEqual(failure);
    expect(edge(record)).toEqual(failure);
  });

  it.each([
    ['that nobody asked for', {}],
    ['that is over', { loginAfterMs: NOW_MS, edgeLogins: 1 }],
    ['that is longer than any that is believed', { loginAfterMs: NOW_MS + 900_001, edgeLogins: 1 }],
  ])('%s is none', (_, record) => {
    expect(login(record)).toBeUndefined();
    expect(edge(record)).toBeUndefined();
  });

  it('may be a quarter of an hour, and ends within its last millisecond', () => {
    expect(edge({ loginAfterMs: NOW_MS + 900_000, edgeLogins: 1 })).toMatchObject({ retryAfterSeconds: 900 });
    expect(edge({ loginAfterMs: NOW_MS + 1, edgeLogins: 1 })).toMatchObject({ retryAfterSeconds: 1 });
  });

  it('is none where no login is on record', () => {
    expect(login()).toBeUndefined();
    expect(edge()).toBeUndefined();
  });
});
