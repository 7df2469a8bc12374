import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Edition,
  lease,
  type Minted,
  mayPull,
  ON_TIME_MS,
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

function deletionOf(minted: Minted) {
  return edition.hub.control.deletions().find(({ id }) => id === minted.lease.tokenId);
}

/** How long after its expiry each token was deleted, once all are. */
async function latenessMs(minted: readonly Minted[]): Promise<number[]> {
  await until('every token is deleted', () => minted.every((each) => deletionOf(each) !== undefined));
  return minted.map((each) => (deletionOf(each)?.atMs ?? 0) - Date.parse(each.lease.expiresAt));
}

function expectOnTime(lateMs: readonly number[]): void {
  expect(Math.min(...lateMs), 'never before its expiry').toBeGreaterThanOrEqual(0);
  expect(Math.max(...lateMs), 'never long after it').toBeLessThanOrEqual(ON_TIME_MS);
}

describe('a lease of 5 s', () => {
  it('is deleted on Docker Hub within 2 s of its expiry and not before, and opens the registry until then only', async () => {
    const minted = await lease(edition.ci, '5s');
    const { username, password } = minted.credential;
    expect(minted.lease).toMatchObject({ status: 'active', ttlSeconds: 5, secret: 'ci/release', scope: 'repo:write' });
    expect(await mayPull(edition.hub, username, password)).toBe(true);
    expectOnTime(await latenessMs([minted]));
    expect(await mayPull(edition.hub, username, password)).toBe(false);
    await until('the lease is revoked', async () => (await show(edition.ci, minted.lease.id)).status === 'revoked');
    expect(await show(edition.ci, minted.lease.id)).toMatchObject({
      revokeReason: 'expired',
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
  });

  it('ends as punctually as one of twenty', async () => {
    const minted = await Promise.all(Array.from({ length: 20 }, () => lease(edition.ci, '5s')));
    expect(new Set(minted.map(({ lease: { id } }) => id)).size).toBe(20);
    expect(new Set(minted.map(({ credential }) => credential.password)).size).toBe(20);
    expectOnTime(await latenessMs(minted));
  });
});

describe('every token', () => {
  it('was told its own expiry by the create: that of its lease, rounded up to the second', async () => {
    const minted = await lease(edition.ci, '30s');
    const onHub = ours(edition.hub);
    expect(onHub.length).toBeGreaterThan(0);
    expect(onHub.every(({ expiresAtMs }) => expiresAtMs !== null)).toBe(true);
    const expiresAtMs = onHub.find(({ id }) => id === minted.lease.tokenId)?.expiresAtMs ?? 0;
    const beyondMs = expiresAtMs - Date.parse(minted.lease.expiresAt);
    expect(beyondMs).toBeGreaterThanOrEqual(0);
    expect(beyondMs).toBeLessThan(1_000);
  });

  it('bears the label of its lease, and the caller’s own behind it', async () => {
    const { body } = await edition.ci.call('mintLease', { name: 'ci/release', body: { label: 'nightly build' } });
    const token = ours(edition.hub).find(({ id }) => id === body.lease.tokenId);
    expect(token?.label).toMatch(
      new RegExp(`^hl1:[a-z0-9]{8}:${body.lease.id}:[a-z0-9]{2}\\.[\\w-]{16} nightly build$`),
    );
  });
});

describe('revoking a lease of one’s own', () => {
  it('answers with the evidence, and the token is dead then', async () => {
    const { lease: mine, credential } = await lease(edition.ci, '1m');
    const { status, body } = await edition.ci.call('revokeLease', { name: mine.id });
    expect(status).toBe(200);
    expect(body.lease).toMatchObject({
      id: mine.id,
      status: 'revoked',
      revokeReason: 'caller',
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
    expect(await mayPull(edition.hub, credential.username, credential.password)).toBe(false);
  });

  it('is as good the second time', async () => {
    const { lease: mine } = await lease(edition.ci, '1m');
    const first = await edition.ci.call('revokeLease', { name: mine.id });
    expect(await edition.ci.call('revokeLease', { name: mine.id })).toEqual(first);
  });

  it('waits with its proof for the list, where somebody else deleted the token on Docker Hub', async () => {
    const { lease: mine } = await lease(edition.ci, '1m');
    const login = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const body = JSON.stringify({ identifier: 'acme-bot', secret: 'password-of-the-fake' });
    const session = (await (await fetch(`${edition.hub.url}/v2/auth/token`, { ...login, body })).json()) as {
      access_token: string;
    };
    const authorization = `Bearer ${session.access_token}`;
    await fetch(`${edition.hub.url}/v2/access-tokens/${mine.tokenId}`, {
      method: 'DELETE',
      headers: { authorization },
    });
    const answer = await edition.ci.call('revokeLease', { name: mine.id });
    // So soon after the create, a list that lacks the token may only be slow.
    expect(answer).toMatchObject({ status: 202, body: { lease: { status: 'revoking', lastError: 'quiet_period' } } });
    expect(answer.body.lease).not.toHaveProperty('evidence');
  });

  it('answers 202 while Docker Hub cannot be reached, and goes on by itself until it can', async () => {
    const { lease: mine, credential } = await lease(edition.ci, '1m');
    edition.hub.control.setFaults([{ route: '*', kind: 'reset-before' }]);
    const { status, body } = await edition.ci.call('revokeLease', { name: mine.id });
    expect(status).toBe(202);
    expect(body.lease).toMatchObject({ status: 'revoking', revokeReason: 'caller' });
    expect(body.lease.evidence).toBeUndefined();
    edition.hub.control.setFaults([]);
    expect(await mayPull(edition.hub, credential.username, credential.password)).toBe(true);
    await until('it is revoked', async () => (await show(edition.ci, mine.id)).status === 'revoked');
    expect((await show(edition.ci, mine.id)).evidence).toMatchObject({ kind: 'deleted', httpStatus: 204 });
    expect(await mayPull(edition.hub, credential.username, credential.password)).toBe(false);
  });
});

describe('a TTL', () => {
  it.each([
    ['over the secret’s maximum', '61s', 'ttl_too_long', 422],
    ['of nothing', 0, 'invalid_field', 400],
    ['that is no duration', 'soon', 'invalid_field', 400],
  ])('%s is refused, and nothing is minted', async (_, ttl, code, status) => {
    const made = ours(edition.hub).length;
    const refused = await problemOf(edition.ci.call('mintLease', { name: 'ci/release', body: { ttl } }));
    expect(refused).toMatchObject({ status, code });
    expect(ours(edition.hub).length).toBe(made);
  });

  it('under the least that the edition was started with is refused', async () => {
    const strict = await openEdition({ flags: ['--min-ttl', '30s'] });
    try {
      await setUp(strict);
      expect(await problemOf(lease(strict.ci, '29s'))).toMatchObject({ status: 422, code: 'ttl_too_short' });
      expect((await lease(strict.ci, '30s')).lease.ttlSeconds).toBe(30);
    } finally {
      await strict.close();
    }
  });
});
