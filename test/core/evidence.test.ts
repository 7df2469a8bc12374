import { describe, expect, it } from 'vitest';
import { expiredEvidence, type Finding, findEvidence, placeOf } from '../../functions/core/ending/evidence.ts';
import type { Evidence } from '../../functions/core/model/lease.ts';
import type { HubProblem } from '../../functions/core/ports/docker-hub.ts';
import { answers, refusal, rejects } from './ports/steering.ts';
import { NOW_MS, ORG, QUIET_AFTER_MS, TARGET, World } from './world.ts';

const PAT = { kind: 'pat' } as const;
const NOT_FOUND = refusal({ tag: 'not_found' }, { httpStatus: 404, isJson: true });
const OUT = refusal({ tag: 'fault', code: 'server_error' });

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

/** The proof in a finding. */
async function evidenceOf(found: Promise<Finding>): Promise<Evidence | undefined> {
  const finding = await found;
  return finding.tag === 'proven' ? finding.evidence : undefined;
}

describe('where a token stands', () => {
  it('is the account itself for a personal one, and the organization for its own', () => {
    expect(placeOf({ kind: 'pat', hubAccount: 'acme-bot' })).toEqual(PAT);
    expect(placeOf({ kind: 'oat', hubAccount: 'acme' })).toEqual({ kind: 'oat', organization: 'acme' });
  });
});

describe('evidence for a lease whose token is known', () => {
  it('is the delete that Docker Hub answered', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    const bystander = world.hub.give('acme-bot', 'laptop');
    world.clock.advance(5);
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'proven',
      evidence: { kind: 'deleted', atMs: NOW_MS + 5, httpStatus: 204 },
      removedTokenIds: [],
    });
    expect([...world.hub.tokens.keys()]).toEqual([bystander.tokenId]);
    expect(world.steering.order('hub.listTokens', 'hub.getToken')).toEqual([]);
  });

  it('says what confirmed a delete that does not prove it by itself', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.hub.change(lease.tokenId, { isActive: false });
    world.steering.on('hub.deleteToken', answers({ ok: true, value: { httpStatus: 202 }, meta: {} }));
    expect(await evidenceOf(findEvidence(world.ports, lease))).toEqual({
      kind: 'deleted',
      atMs: NOW_MS,
      httpStatus: 202,
      confirmedBy: 'inactive',
    });
  });

  it('is not that the list lacks it before it must be listed, unless somebody saw it there', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.hub.tokens.clear();
    const retryAtMs = NOW_MS + QUIET_AFTER_MS;
    const finding = { tag: 'unproven', code: 'quiet_period', waiting: true, retryAtMs, removedTokenIds: [] };
    expect(await findEvidence(world.ports, lease)).toEqual(finding);
    expect(await findEvidence(world.ports, lease, { isListed: false })).toEqual(finding);
    expect(await evidenceOf(findEvidence(world.ports, lease, { isListed: true }))).toEqual({
      kind: 'deleted',
      atMs: NOW_MS,
      httpStatus: 404,
      confirmedBy: 'gone',
    });
  });

  it('of an organization is asked for in the organization', async () => {
    const world = new World();
    const target = world.addTarget(ORG);
    const lease = world.addLease(target);
    expect(await evidenceOf(findEvidence(world.ports, lease))).toMatchObject({ kind: 'deleted' });
    const [, place, tokenId] = world.steering.argsOf('hub.deleteToken')[0] as unknown[];
    expect([place, tokenId]).toEqual([{ kind: 'oat', organization: 'acme' }, lease.tokenId]);
  });

  it('keeps what was found by label before', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds: ['token-0'] });
    expect((await findEvidence(world.ports, lease)).removedTokenIds).toEqual(['token-0']);
  });

  it.each<[HubProblem, object]>([
    [
      { tag: 'throttled', retryAtMs: NOW_MS + 42_000 },
      { code: 'hub_throttled', retryAtMs: NOW_MS + 42_000, waiting: true },
    ],
    [
      { tag: 'fault', code: 'timeout' },
      { code: 'hub_unavailable:timeout', retryAtMs: NOW_MS + 5_000 },
    ],
    [{ tag: 'plan' }, { code: 'hub_refused:plan' }],
  ])('is not %j', async (problem, finding) => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds: ['token-0'] });
    world.steering.on('hub.deleteToken', answers(refusal(problem)));
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      ...finding,
      removedTokenIds: ['token-0'],
    });
  });

  it('is not had while the session is refused twice, and one delete is tried with each', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'session_refused' })), { times: 2 });
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'hub_unavailable:session_refused',
      retryAtMs: NOW_MS + 5_000,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(2);
    expect(world.hub.tokens.size).toBe(1);
  });
});

describe('the expiry that Docker Hub reports', () => {
  it.each([
    ['the token that outlives its delete shows', NOW_MS + 77],
    ['the token shows, none', null],
  ])('is what %s', async (_, expiresAtMs) => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.hub.change(lease.tokenId, { expiresAtMs });
    world.steering.on('hub.deleteToken', answers(NOT_FOUND));
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'hub_refused:account_not_found',
      reportedExpiresAtMs: expiresAtMs,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.getToken')).toHaveLength(1);
  });

  it.each<[string, number | undefined, number | null, number]>([
    ['that it reported last', NOW_MS, NOW_MS + 999_000, NOW_MS],
    ['that it was asked for, while it has reported none', undefined, NOW_MS, NOW_MS],
  ])('is asked for again behind the end %s, before that may count as proof', async (_, reported, asked, endMs) => {
    const { world, target } = worldWithTarget();
    const token = { hubExpiresAtMs: asked, hubReportedExpiresAtMs: reported as number };
    const lease = world.addLease(target, token);
    world.hub.change(lease.tokenId, { expiresAtMs: NOW_MS + 86_400_000 });
    world.steering.on('hub.deleteToken', answers(OUT), { times: 2 });
    world.clock.advance(endMs - NOW_MS);
    expect(await findEvidence(world.ports, lease)).not.toHaveProperty('reportedExpiresAtMs');
    expect(world.steering.argsOf('hub.getToken')).toEqual([]);
    world.clock.advance(1);
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'hub_unavailable:server_error',
      retryAtMs: NOW_MS + 5_001,
      reportedExpiresAtMs: NOW_MS + 86_400_000,
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.getToken')[0]?.slice(1)).toEqual([PAT, lease.tokenId]);
  });

  it('stays as it is known where Docker Hub does not show the token', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.clock.advance(900_001);
    world.steering.on('hub.deleteToken', answers(OUT));
    world.steering.on('hub.getToken', answers(NOT_FOUND));
    const finding = await findEvidence(world.ports, lease);
    expect(finding).toMatchObject({ tag: 'unproven', code: 'hub_unavailable:server_error' });
    expect(finding).not.toHaveProperty('reportedExpiresAtMs');
  });

  it('is not asked for where none was asked for and none reported', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { hubExpiresAtMs: null });
    world.clock.advance(86_400_000);
    world.steering.on('hub.deleteToken', answers(OUT));
    await findEvidence(world.ports, lease);
    expect(world.steering.argsOf('hub.getToken')).toEqual([]);
  });
});

describe('no evidence', () => {
  const removedTokenIds = ['token-0'];

  it('is had where the target is gone', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds });
    world.catalog.targets.set('acme-bot', undefined);
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'target_not_found',
      removedTokenIds,
    });
    expect(world.steering.hubCalls).toBe(0);
  });

  it('is had from an account other than the one that the token was minted on: its 404 means nothing', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds });
    world.addTarget({ username: 'acme-bot2' });
    expect(await findEvidence(world.ports, lease)).toEqual({ tag: 'unproven', code: 'wrong_account', removedTokenIds });
    expect(world.steering.hubCalls).toBe(0);
  });

  it('is had from a credential that logs in to another account', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.hub.logsInAs = 'acme-bot2';
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'hub_refused:wrong_account',
      removedTokenIds: [],
    });
    expect(world.steering.argsOf('hub.deleteToken')).toEqual([]);
  });

  it('is had while the credential is refused, and the login is not repeated before its time', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds });
    world.hub.accounts.clear();
    const finding = { tag: 'unproven', code: 'login_blocked', retryAtMs: NOW_MS + 600_000, removedTokenIds };
    expect(await findEvidence(world.ports, lease)).toEqual(finding);
    expect(await findEvidence(world.ports, lease)).toEqual(finding);
    expect(world.steering.argsOf('hub.login')).toHaveLength(1);
  });

  it('is had while the catalog is out', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { removedTokenIds });
    world.steering.on('catalog.getTarget', rejects);
    expect(await findEvidence(world.ports, lease)).toEqual({
      tag: 'unproven',
      code: 'store_unavailable',
      removedTokenIds,
    });
  });

  it('is had while the credential cannot be read, but a cached session goes on revoking', async () => {
    const { world, target } = worldWithTarget();
    const [first, second] = [world.addLease(target), world.addLease(target)];
    world.steering.on('credentials.read', rejects);
    expect(await findEvidence(world.ports, first)).toEqual({
      tag: 'unproven',
      code: 'credential_unavailable',
      retryAtMs: NOW_MS + 5_000,
      removedTokenIds: [],
    });
    await findEvidence(world.ports, first);
    world.steering.on('credentials.read', rejects, { times: 9 });
    expect(await evidenceOf(findEvidence(world.ports, second))).toMatchObject({ kind: 'deleted' });
  });
});

describe('evidence of expiry', () => {
  const DEADLINE_MS = NOW_MS + 300_000;

  /** A lease whose token ends now, as Docker Hub reported it, and five minutes and a moment later. */
  function worldPastExpiry(lateMs = 300_001) {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { hubExpiresAtMs: NOW_MS - 9, hubReportedExpiresAtMs: NOW_MS });
    world.clock.advance(lateMs);
    return { world, lease };
  }

  it('is five minutes past the expiry that Docker Hub reported, by its own clock', async () => {
    const { world, lease } = worldPastExpiry();
    expect(await expiredEvidence(world.ports, lease, {})).toEqual({
      kind: 'expired',
      atMs: DEADLINE_MS + 1,
      hubDateMs: DEADLINE_MS + 1,
      hubExpiresAtMs: NOW_MS,
    });
  });

  it('is not asked for before our own clock says so', async () => {
    const { world, lease } = worldPastExpiry(300_000);
    world.hub.skewMs = 60_000;
    expect(await expiredEvidence(world.ports, lease, {})).toBeUndefined();
    expect(world.steering.hubCalls).toBe(0);
  });

  it('is not had at the deadline by Docker Hub’s clock, though ours is past it', async () => {
    const { world, lease } = worldPastExpiry(300_007);
    world.hub.skewMs = -7;
    expect(await expiredEvidence(world.ports, lease, {})).toBeUndefined();
    world.hub.skewMs = -6;
    expect(await expiredEvidence(world.ports, lease, {})).toMatchObject({ hubDateMs: DEADLINE_MS + 1 });
  });

  it('is not had when Docker Hub does not say what time it is', async () => {
    const { world, lease } = worldPastExpiry();
    world.hub.datesAnswers = false;
    expect(await expiredEvidence(world.ports, lease, {})).toBeUndefined();
  });

  it('goes by what Docker Hub reports now, where it does', async () => {
    const { world, lease } = worldPastExpiry(300_004);
    expect(await expiredEvidence(world.ports, lease, { reportedExpiresAtMs: NOW_MS + 4 })).toBeUndefined();
    expect(await expiredEvidence(world.ports, lease, { reportedExpiresAtMs: NOW_MS + 3 })).toMatchObject({
      hubExpiresAtMs: NOW_MS + 3,
    });
    expect(await expiredEvidence(world.ports, lease, { reportedExpiresAtMs: null })).toBeUndefined();
  });

  it('is never what hublease asked for', async () => {
    const { world, lease } = worldPastExpiry(10 * 365 * 86_400_000);
    const { hubReportedExpiresAtMs: _, ...unreported } = lease;
    expect(await expiredEvidence(world.ports, unreported, {})).toBeUndefined();
    expect(world.steering.hubCalls).toBe(0);
  });

  it('is not had while listed tokens may be the lease’s, or may still be, with an expiry of their own', async () => {
    const { world, lease } = worldPastExpiry();
    expect(await expiredEvidence(world.ports, lease, { blockedBy: ['token-s'] })).toBeUndefined();
    const blocked = { ...world.leaseOf(TARGET, { ...lease, status: 'revoking' }), blockedBy: ['token-s'] };
    expect(await expiredEvidence(world.ports, blocked, {})).toBeUndefined();
    expect(world.steering.hubCalls).toBe(0);
  });
});
