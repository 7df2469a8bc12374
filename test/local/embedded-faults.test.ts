import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FAULT_KINDS } from '../../fake-hub/faults.ts';
import type { FakeFault } from '../../fake-hub/server.ts';
import {
  ACCOUNT,
  type Edition,
  lease,
  listAll,
  mayPull,
  openEdition,
  ours,
  problemOf,
  START_LIMIT_MS,
  setUp,
  show,
  until,
} from './harness.ts';

let edition: Edition;
beforeAll(async () => {
  edition = await openEdition();
  await setUp(edition);
  return () => edition.close();
}, START_LIMIT_MS);
/** For what makes Docker Hub throttle: for a minute after that all mints of the account give way to its revocations. */
function onAnotherEdition(): void {
  beforeAll(async () => {
    await edition.close();
    edition = await openEdition();
    await setUp(edition);
  }, START_LIMIT_MS);
}
afterEach(() => {
  edition.hub.control.setFaults([]);
  edition.hub.control.setExpiry(false);
});

/** Arms faults that strike creates, once each unless they say otherwise. */
function strike(...faults: FakeFault[]): void {
  edition.hub.control.setFaults(faults.map((fault) => ({ count: 1, ...fault })));
}

function onCreate(kind: Exclude<FakeFault['kind'], 'latency'>, more: object = {}): FakeFault {
  return { route: 'pat-create', kind, ...more };
}

/** The lease that was recorded last, which is that of the mint that failed. */
async function newest() {
  return (await edition.ci.call('listLeases', { query: { limit: '1' } })).body.items[0];
}

/** What a mint that Docker Hub spoiled owes to everybody. */
async function expectClosed(): Promise<void> {
  const failed = await newest();
  expect(failed?.tokenId).toBeUndefined();
  expect(failed?.status).toBe('revoking');
  // Something may still land, so nothing is proven yet.
  expect(failed?.evidence).toBeUndefined();
  await until('no token of it is left', () => madeFor(failed).every(({ deleted }) => deleted));
}

function madeFor(failed: { readonly id: string } | undefined) {
  return ours(edition.hub).filter(({ label }) => label.split(':')[2] === failed?.id);
}

describe('a mint that Docker Hub spoils', () => {
  it.each<[string, FakeFault, { code: string; retryAfterSeconds: number }, made: number]>([
    ['a 500', onCreate('server-error'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 0],
    ['a 503', onCreate('server-error', { status: 503 }), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 0],
    [
      'a 500 after all',
      onCreate('server-error', { applied: true }),
      { code: 'hub_unavailable', retryAfterSeconds: 5 },
      1,
    ],
    ['a reset before', onCreate('reset-before'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 0],
    ['a reset after', onCreate('reset-after'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 1],
    ['a challenge of the edge', onCreate('html-challenge'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 0],
    ['a block of the edge', onCreate('edge-block'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 0],
    ['a redirect', onCreate('redirect'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 0],
    ['an answer of another type', onCreate('wrong-type'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 1],
    ['an endless answer', onCreate('oversized'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 1],
    ['half an answer', onCreate('truncated'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 1],
    ['silence', onCreate('hold'), { code: 'hub_unavailable', retryAfterSeconds: 5 }, 1],
  ])('by %s is a clean 503, and leaves no token', async (_, fault, expected, made) => {
    const before = ours(edition.hub).length;
    strike(fault);
    // With a minute to go, so that it is not the lease's end that deletes what was made.
    const refused = await problemOf(lease(edition.ci, '1m'));
    expect(refused).toMatchObject({ status: 503, ...expected });
    expect(JSON.stringify(refused)).not.toMatch(/dckr_pat_|Bearer|Just a moment/);
    expect(ours(edition.hub).length - before).toBe(made);
    edition.hub.control.release();
    await expectClosed();
  });

  it('by a create that lands late leaves no token beyond Docker Hub’s own expiry', async () => {
    const before = ours(edition.hub).length;
    strike(onCreate('apply-late'));
    edition.hub.control.setExpiry(true);
    expect(await problemOf(lease(edition.ci, '2s'))).toMatchObject({ status: 503, code: 'hub_unavailable' });
    const failed = await newest();
    expect(edition.hub.control.release()).toBe(1);
    expect(ours(edition.hub).length - before).toBe(1);
    expect(madeFor(failed)).toMatchObject([{ expiresAtMs: expect.any(Number) }]);
    await until('the late token is dead', () => madeFor(failed).every(({ live }) => !live));
    // Whether another may land is not known until the quiet period ends.
    expect(await show(edition.ci, failed?.id ?? '')).toMatchObject({ status: 'revoking' });
  });

  it('by refusing the expiry is a clean 502, which trying again would not help', async () => {
    edition.hub.control.set({ expiryGranularity: 'day' });
    const refused = await problemOf(lease(edition.ci, '1m'));
    edition.hub.control.set({ expiryGranularity: 'any' });
    expect(refused).toMatchObject({ status: 502, code: 'expiry_refused', retryAfterSeconds: undefined });
    expect((await newest())?.status).toBe('revoking');
  });

  it('only by being slow is a success', async () => {
    strike({ route: 'pat-create', kind: 'latency', latencyMs: 300 });
    const { lease: slow } = await lease(edition.ci, '1m');
    expect(slow.status).toBe('active');
    expect((await edition.ci.call('revokeLease', { name: slow.id })).status).toBe(200);
  });

  it('was tried in each way that the fake knows', () => {
    // What this suite would miss if the fake learned another.
    expect([...FAULT_KINDS].sort()).toEqual(
      [
        ...['apply-late', 'edge-block', 'hold', 'html-challenge', 'latency', 'oversized', 'redirect'],
        ...['reset-after', 'reset-before', 'server-error', 'throttle', 'truncated', 'wrong-type'],
      ].sort(),
    );
  });
});

describe('a token whose create was lost', () => {
  it('is found and deleted although the first listing is lost too', async () => {
    strike(onCreate('reset-after'), { route: 'pat-list', kind: 'truncated', count: 1 });
    await problemOf(lease(edition.ci, '1m'));
    await expectClosed();
  });
});

describe('a password that was changed on Docker Hub', () => {
  it('is tried once and not again, until the administrator gives the new one', async () => {
    const { lease: open, credential } = await lease(edition.ci, '1m');
    edition.hub.control.setPassword(ACCOUNT.username, 'the new one');
    edition.hub.control.endSessions();
    const failuresBefore = edition.hub.control.calls().logins[ACCOUNT.username]?.failed ?? 0;
    for (let each = 0; each < 5; each++) await problemOf(lease(edition.ci, '1m'));
    expect(await problemOf(lease(edition.ci, '1m'))).toMatchObject({ status: 503, code: 'login_blocked' });
    expect(await edition.ci.call('revokeLease', { name: open.id })).toMatchObject({ status: 202 });
    expect((edition.hub.control.calls().logins[ACCOUNT.username]?.failed ?? 0) - failuresBefore).toBe(1);
    const body = { kind: 'user', credential: { ...ACCOUNT, password: 'the new one' } };
    expect((await edition.admin.call('putTarget', { name: 'acme-bot', body })).status).toBe(200);
    expect((await lease(edition.ci, '1m')).lease.status).toBe('active');
    // The owner asked a moment ago, so it is the administrator's turn: an attempt of theirs is made at once.
    expect((await edition.admin.call('revokeAnyLease', { name: open.id })).status).toBe(200);
    expect(await mayPull(edition.hub, credential.username, credential.password)).toBe(false);
  });
});

describe('a mint that Docker Hub refuses for now', () => {
  onAnotherEdition();

  it('is a clean 503 that says when to come again, and leaves no token', async () => {
    const before = ours(edition.hub).length;
    strike(onCreate('throttle', { retryAfterSeconds: 7 }));
    expect(await problemOf(lease(edition.ci, '1m'))).toMatchObject({
      status: 503,
      code: 'hub_throttled',
      retryAfterSeconds: 7,
    });
    expect(ours(edition.hub).length - before).toBe(0);
    await expectClosed();
  });
});

describe('many mints through a bad quarter of an hour', () => {
  onAnotherEdition();

  it('each end in a token on record or in a clean problem, and no token outlives its lease', async () => {
    const before = new Set(ours(edition.hub).map(({ id }) => id));
    const madeSince = () => ours(edition.hub).filter(({ id }) => !before.has(id));
    edition.hub.control.setFaults([
      { route: '*', kind: 'latency', latencyMs: 5 },
      { route: 'pat-create', kind: 'reset-after', probability: 0.2 },
      { route: 'pat-create', kind: 'truncated', probability: 0.2 },
      { route: 'pat-create', kind: 'throttle', probability: 0.2, retryAfterSeconds: 1 },
      { route: 'pat-list', kind: 'server-error', probability: 0.3 },
      { route: 'pat-delete', kind: 'reset-after', probability: 0.3 },
      { route: 'pat-delete', kind: 'html-challenge', probability: 0.2 },
    ]);
    const results = await Promise.all(
      Array.from({ length: 40 }, () =>
        lease(edition.ci, '2s').then(
          (minted) => ({ minted }),
          (error: unknown) => ({ error }),
        ),
      ),
    );
    const minted = results.flatMap((result) => ('minted' in result ? [result.minted] : []));
    const failed = results.flatMap((result) => ('error' in result ? [Promise.reject(result.error)] : []));
    expect(minted.length).toBeGreaterThan(0);
    expect(failed.length).toBeGreaterThan(0);
    for (const each of failed) {
      const refused = await problemOf(each);
      expect(refused.status).toBe(503);
      expect(refused.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    }
    const onRecord = new Set((await listAll(edition.ci)).map(({ id }) => id));
    expect(minted.filter(({ lease: { id } }) => !onRecord.has(id))).toEqual([]);
    expect(madeSince().filter(({ label }) => !onRecord.has(label.split(':')[2] ?? ''))).toEqual([]);
    edition.hub.control.setFaults([]);
    await until('no token is left', () => madeSince().every(({ deleted }) => deleted));
    await until('every lease that was answered is revoked', async () => {
      const views = await Promise.all(minted.map(({ lease: { id } }) => show(edition.ci, id)));
      return views.every(({ status }) => status === 'revoked');
    });
    for (const {
      lease: { id },
    } of minted) {
      expect((await show(edition.ci, id)).evidence).toMatchObject({ kind: 'deleted' });
    }
  });
});
