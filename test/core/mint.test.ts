import { describe, expect, it } from 'vitest';
import { verifyByToken } from '../../functions/core/catalog/verify.ts';
import { revokeLease } from '../../functions/core/ending/revoke.ts';
import { mint } from '../../functions/core/leases/mint.ts';
import { Failed } from '../../functions/core/model/failure.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubProblem } from '../../functions/core/ports/docker-hub.ts';
import type { VerifyPorts } from '../../functions/core/ports/needs.ts';
import { TOKEN_CANARY } from './ports/hub.ts';
import {
  answers,
  appliesThenAnswers,
  type CallName,
  type Fault,
  followed,
  losesReply,
  preceded,
  refusal,
  rejects,
} from './ports/steering.ts';
import {
  failureOf,
  LABELS,
  LIMITS,
  NOW_MS,
  ORG,
  ORIGIN,
  QUIET_AFTER_MS,
  VERIFICATION,
  World,
  type WorldOptions,
} from './world.ts';

const ORDER = { secret: 'ci/release' } as const;
const ASKED = {
  caller: ORIGIN.caller.arn,
  callerId: ORIGIN.caller.id,
  requestId: 'request-1',
  sourceIp: '192.0.2.7',
  secret: 'ci/release',
};

function worldWith(secret: Partial<DynamicSecret> = {}, target: Partial<Target> = {}, options: WorldOptions = {}) {
  const world = new World(options);
  return { world, target: world.addTarget(target), secret: world.addSecret(secret) };
}

/** The one lease there is. */
function only(world: World): Lease {
  const [lease, ...more] = world.leases.rows.all();
  expect(more).toEqual([]);
  return lease as Lease;
}

describe('a minted lease', () => {
  it('is recorded whole, and answered with its token', async () => {
    const { world } = worldWith();
    const minted = await mint(world.ports, ORIGIN, { ...ORDER, label: 'release build', reason: 'v1.2' });
    const id = minted.lease.id;
    const row: Lease = {
      schema: 1,
      id,
      status: 'active',
      version: 2,
      opId: expect.any(String),
      secret: 'ci/release',
      target: 'acme-bot',
      hubAccount: 'acme-bot',
      kind: 'pat',
      scope: 'repo:write',
      caller: ORIGIN.caller.arn,
      callerId: ORIGIN.caller.id as string,
      label: 'release build',
      reason: 'v1.2',
      hubLabel: `${world.label(id, 'acme-bot')} release build`,
      requestId: 'request-1',
      issuedAtMs: NOW_MS,
      expiresAtMs: NOW_MS + 900_000,
      maxExpiresAtMs: NOW_MS + 900_000,
      hubExpiresAtMs: NOW_MS + 900_000,
      hubReportedExpiresAtMs: NOW_MS + 900_000,
      renewable: false,
      mintByMs: NOW_MS + 20_000,
      tokenId: 'token-2',
      tokenSha256: LABELS.sha256(`${TOKEN_CANARY}-token-2`),
      attempts: 0,
      dueAtMs: NOW_MS + 900_000,
    };
    expect(minted).toStrictEqual({
      lease: row,
      credential: { registry: 'docker.io', username: 'acme-bot', password: `${TOKEN_CANARY}-token-2` },
    });
    expect(only(world)).toStrictEqual(row);
    expect(world.events).toStrictEqual([
      {
        event: 'lease.granted',
        atMs: NOW_MS,
        ...ASKED,
        leaseId: id,
        target: 'acme-bot',
        tokenId: 'token-2',
        tokenSha256: row.tokenSha256,
        detail: { ttlSeconds: 900 },
      },
    ]);
    world.expectNothingLeaked();
  });

  it('is recorded as `minting` before the create is sent, due by itself when its mint window ends', async () => {
    const { world } = worldWith();
    let recorded: Lease | undefined;
    world.steering.on(
      'minter.createToken',
      preceded(() => {
        recorded = only(world);
      }),
    );
    await mint(world.ports, ORIGIN, ORDER);
    expect(recorded).toMatchObject({
      status: 'minting',
      version: 1,
      opId: expect.stringMatching(/^op-\d+$/),
      attempts: 0,
      dueAtMs: NOW_MS + 20_000,
    });
    const unknownYet = ['resources', 'label', 'reason', 'counters', 'tokenId', 'tokenSha256'];
    for (const name of unknownYet) expect(recorded).not.toHaveProperty(name);
  });

  it('that would end within its mint window is due at its end', async () => {
    const { world } = worldWith({}, {}, { limits: { minTtlSeconds: 1 } });
    await mint(world.ports, ORIGIN, { ...ORDER, ttlSeconds: 5 });
    expect(world.steering.argsOf('leases.create')[0]?.[0]).toMatchObject({ dueAtMs: NOW_MS + 5_000 });
  });

  it('is created once on Docker Hub, under our label, with its scope and an expiry', async () => {
    const { world } = worldWith();
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(world.steering.argsOf('minter.createToken')).toStrictEqual([
      [
        expect.objectContaining({ account: 'acme-bot' }),
        { kind: 'pat' },
        { label: world.label(lease.id, 'acme-bot'), expiresAtMs: NOW_MS + 900_000, scope: 'repo:write' },
      ],
    ]);
    expect(lease).not.toHaveProperty('label');
    expect(lease).not.toHaveProperty('reason');
    expect(lease).not.toHaveProperty('counters');
  });

  it('of an organization is created there, with its resources', async () => {
    const resources = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }] as const;
    const world = new World();
    world.addTarget(ORG);
    const { scope: _, ...secret } = world.addSecret({ target: 'acme', resources });
    world.catalog.secrets.set(secret.name, secret);
    const { lease, credential } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease).toMatchObject({ kind: 'oat', hubAccount: 'acme', resources, target: 'acme' });
    expect(lease).not.toHaveProperty('scope');
    expect(world.steering.argsOf('leases.create')[0]?.[0]).not.toHaveProperty('scope');
    expect(credential.username).toBe('acme');
    const [, place, order] = world.steering.argsOf('minter.createToken')[0] as unknown[];
    expect(place).toEqual({ kind: 'oat', organization: 'acme' });
    expect(order).toStrictEqual({ label: lease.hubLabel, expiresAtMs: NOW_MS + 900_000, resources });
  });

  it('has its backstop and its timer armed for its end', async () => {
    const { world } = worldWith();
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(world.steering.argsOf('backstop.arm')).toEqual([[lease.id, NOW_MS + 900_000]]);
    expect(world.steering.argsOf('timer.arm')).toEqual([[lease.id, NOW_MS + 900_000]]);
  });

  it('is recorded, then armed and created, then recorded as active, and only then answered', async () => {
    const { world } = worldWith();
    await mint(world.ports, ORIGIN, ORDER);
    const order = world.steering.order(
      'hub.login',
      'leases.create',
      'catalog.getTarget',
      'minter.createToken',
      'backstop.arm',
      'leases.update',
      'audit.record',
    );
    expect(order.slice(0, 4)).toEqual(['catalog.getTarget', 'hub.login', 'leases.create', 'catalog.getTarget']);
    expect(order.slice(4, 6).sort()).toEqual(['backstop.arm', 'minter.createToken']);
    expect(order.slice(6)).toEqual(['leases.update', 'audit.record']);
  });

  it('needs no second, slower trigger where the edition has none', async () => {
    const { world } = worldWith();
    const { timer: _, ...ports } = world.ports;
    expect((await mint(ports, ORIGIN, ORDER)).lease.status).toBe('active');
    expect(world.steering.argsOf('timer.arm')).toEqual([]);
  });

  it('that can be renewed lives on Docker Hub until its last renewal’s end, and is due at its own', async () => {
    const { world } = worldWith({ renewable: true });
    const { lease } = await mint(world.ports, ORIGIN, { ...ORDER, ttlSeconds: 120 });
    expect(lease).toMatchObject({
      renewable: true,
      expiresAtMs: NOW_MS + 120_000,
      dueAtMs: NOW_MS + 120_000,
      maxExpiresAtMs: NOW_MS + 3_600_000,
      hubExpiresAtMs: NOW_MS + 3_600_000,
    });
    expect(world.steering.argsOf('backstop.arm')).toEqual([[lease.id, NOW_MS + 120_000]]);
    expect(world.events[0]).toMatchObject({ detail: { ttlSeconds: 120 } });
  });

  it('is given an expiry as coarse as the target was seen to accept, never an earlier one', async () => {
    const { world } = worldWith({}, { expiryGranularity: 'hour' });
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease).toMatchObject({ expiresAtMs: NOW_MS + 900_000, hubExpiresAtMs: NOW_MS + 3_600_000 });
    expect(world.steering.argsOf('minter.createToken')[0]?.[2]).toMatchObject({ expiresAtMs: NOW_MS + 3_600_000 });
  });

  it('names no address of the caller that is not known', async () => {
    const { world } = worldWith();
    const { sourceIp: _, ...origin } = ORIGIN;
    await mint(world.ports, origin, ORDER);
    expect(world.events[0]).not.toHaveProperty('sourceIp');
  });
});

describe('an order that is refused', () => {
  /** Nothing of it is seen outside but an audit event. */
  function expectUntouched(world: World) {
    expect(world.leases.rows.all()).toEqual([]);
    expect(world.steering.hubCalls).toBe(0);
  }

  it('for a secret that there is not', async () => {
    const world = new World();
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'secret_not_found',
      secret: 'ci/release',
    });
    expect(world.events).toEqual([{ event: 'lease.mint_failed', atMs: NOW_MS, ...ASKED, code: 'secret_not_found' }]);
    expectUntouched(world);
  });

  it('because the secret does not list the caller is audited as a denial', async () => {
    const { world } = worldWith({ allow: ['arn:aws:iam::111122223333:role/other'] });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'caller_not_allowed',
      caller: ORIGIN.caller.arn,
      callerId: ORIGIN.caller.id,
      secret: 'ci/release',
    });
    expect(world.events).toEqual([{ event: 'lease.denied', atMs: NOW_MS, ...ASKED, code: 'caller_not_allowed' }]);
    expectUntouched(world);
  });

  it.each<[string, Partial<DynamicSecret>, Partial<Target>, object]>([
    ['a draining secret', { status: 'draining' }, {}, { tag: 'draining', name: 'ci/release' }],
    ['a draining target', {}, { status: 'draining' }, { tag: 'draining', name: 'acme-bot' }],
    ['a target that is gone', { target: 'gone' }, {}, { tag: 'target_not_found', target: 'gone' }],
  ])('because of %s', async (_, secret, target, failure) => {
    const { world } = worldWith(secret, target);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual(failure);
    expect(world.events).toMatchObject([{ event: 'lease.mint_failed', code: (failure as { tag: string }).tag }]);
    expectUntouched(world);
  });

  it('says that a caller is not allowed before it says anything else of the secret', async () => {
    const { world } = worldWith({ allow: [], status: 'draining' });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'caller_not_allowed' });
  });

  it.each([
    [3_601, { tag: 'ttl_too_long', ttlSeconds: 3_601, maxTtlSeconds: 3_600 }],
    [59, { tag: 'ttl_too_short', ttlSeconds: 59, minTtlSeconds: 60 }],
  ])('because it asks for %i s', async (ttlSeconds, failure) => {
    const { world } = worldWith();
    expect(await failureOf(mint(world.ports, ORIGIN, { ...ORDER, ttlSeconds }))).toEqual(failure);
    expectUntouched(world);
  });

  it.each([60, 3_600])('is not one for %i s', async (ttlSeconds) => {
    const { world } = worldWith();
    const { lease } = await mint(world.ports, ORIGIN, { ...ORDER, ttlSeconds });
    expect(lease.expiresAtMs).toBe(NOW_MS + ttlSeconds * 1_000);
  });

  it('because a default TTL has become too short for the installation', async () => {
    const { world } = worldWith({ defaultTtlSeconds: 30 });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'ttl_too_short',
      ttlSeconds: 30,
      minTtlSeconds: 60,
    });
  });

  it.each<[string, CallName, number]>([
    ['the secret cannot be read', 'catalog.getSecret', 1],
    ['the target cannot be read', 'catalog.getTarget', 1],
    ['the session cannot be read', 'sessions.read', 1],
    ['the session cannot be read a second time', 'sessions.read', 2],
  ])('because %s: 503, and Docker Hub is not touched', async (_, call, nth) => {
    const { world } = worldWith();
    world.steering.on(call, rejects, { nth });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'store_unavailable',
      retryAfterSeconds: 2,
    });
    expect(world.events).toMatchObject([{ event: 'lease.mint_failed', code: 'store_unavailable' }]);
    expectUntouched(world);
    world.expectNothingLeaked();
  });

  it('because no session can be had leaves no lease that would have to be closed', async () => {
    const { world } = worldWith();
    world.hub.accounts.clear();
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'login_blocked' });
    expect(world.leases.rows.all()).toEqual([]);
    expect(world.steering.argsOf('leases.create')).toEqual([]);
    expect(world.eventNames).toEqual(['login.refused', 'lease.mint_failed']);
  });

  it('because the credential store is out, with no session cached', async () => {
    const { world } = worldWith();
    world.steering.on('credentials.read', rejects);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'credential_unavailable' });
    expectUntouched(world);
  });
});

describe('a lease that could not be recorded', () => {
  it('because the store is out: 503, nothing is sent', async () => {
    const { world } = worldWith();
    world.steering.on('leases.create', rejects);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'store_unavailable',
      retryAfterSeconds: 2,
    });
    expect(world.leases.rows.all()).toEqual([]);
    expect(world.steering.argsOf('minter.createToken')).toEqual([]);
    expect(world.steering.argsOf('backstop.arm')).toEqual([]);
  });

  it('because another write took its id: 503, nothing is sent, and the other write stands', async () => {
    const { world, target } = worldWith();
    const taken = world.addLease(target);
    world.hub.tokens.clear();
    const ports = { ...world.ports, ids: { ...world.ports.ids, leaseId: () => taken.id } };
    expect(await failureOf(mint(ports, ORIGIN, ORDER))).toEqual({ tag: 'store_unavailable', retryAfterSeconds: 1 });
    expect(only(world)).toEqual({ ...taken });
    expect(world.steering.argsOf('minter.createToken')).toEqual([]);
  });

  it('as far as can be told, though it was: nothing is sent, and the due sweep closes it', async () => {
    const { world } = worldWith();
    world.steering.on('leases.create', losesReply);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'store_unavailable' });
    expect(world.steering.argsOf('minter.createToken')).toEqual([]);
    const { id } = only(world);
    expect(await world.leases.port.due(NOW_MS + LIMITS.mintWindowMs, { limit: 9 })).toEqual({ items: [id] });
    world.clock.advance(QUIET_AFTER_MS);
    await revokeLease(world.ports, id, { trigger: 'due', reason: 'expired' });
    expect(only(world)).toMatchObject({ status: 'revoked', evidence: { kind: 'absent' } });
  });
});

describe('a lease whose create did not succeed', () => {
  /** It is left to the revoker, at once. */
  function expectAbandoned(world: World) {
    const lease = only(world);
    expect(lease).toMatchObject({
      status: 'revoking',
      version: 2,
      revokeReason: 'mint_failed',
      revokingSinceMs: world.clock.nowMs(),
      dueAtMs: world.clock.nowMs(),
      attempts: 0,
    });
    expect(lease).not.toHaveProperty('tokenId');
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 0]]);
  }

  it.each<[HubProblem, object]>([
    [
      { tag: 'fault', code: 'timeout' },
      { tag: 'hub_unavailable', code: 'timeout', retryAfterSeconds: 5 },
    ],
    [
      { tag: 'fault', code: 'connection' },
      { tag: 'hub_unavailable', code: 'connection', retryAfterSeconds: 5 },
    ],
    [
      { tag: 'fault', code: 'malformed' },
      { tag: 'hub_unavailable', code: 'malformed', retryAfterSeconds: 5 },
    ],
    [
      { tag: 'throttled', retryAtMs: NOW_MS + 30_000 },
      { tag: 'hub_throttled', retryAfterSeconds: 30 },
    ],
    [{ tag: 'forbidden' }, { tag: 'hub_refused', code: 'forbidden', target: 'acme-bot' }],
    [{ tag: 'access_token_session' }, { tag: 'hub_refused', code: 'access_token_session', target: 'acme-bot' }],
    [{ tag: 'not_found' }, { tag: 'hub_refused', code: 'account_not_found', target: 'acme-bot' }],
    [
      { tag: 'invalid', fields: ['scopes'] },
      { tag: 'hub_refused', code: 'bad_request', target: 'acme-bot' },
    ],
    [
      { tag: 'invalid', fields: ['expires_at'] },
      { tag: 'expiry_refused', target: 'acme-bot' },
    ],
  ])('but with %j fails with it, is sent once, and is left to the revoker', async (problem, failure) => {
    const { world } = worldWith();
    world.steering.on('minter.createToken', answers(refusal(problem)));
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual(failure);
    expectAbandoned(world);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
    expect(world.steering.argsOf('leases.update')).toHaveLength(1);
    expect(world.events).toEqual([
      { event: 'lease.mint_failed', atMs: NOW_MS, ...ASKED, code: (failure as { tag: string }).tag },
    ]);
  });

  it('because its session is refused drops that session, sends nothing again, and the next mint logs in anew', async () => {
    const { world } = worldWith();
    world.steering.on(
      'minter.createToken',
      preceded(() => world.hub.endSessions()),
    );
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'hub_unavailable',
      code: 'session_refused',
      retryAfterSeconds: 5,
    });
    expect(only(world)).toMatchObject({ status: 'revoking', createRefused: true });
    expect(world.sessions.rows.get('acme-bot')).not.toHaveProperty('sealedBearer');
    await mint(world.ports, ORIGIN, ORDER);
    expect(world.steering.argsOf('hub.login')).toHaveLength(2);
  });

  it('because its session is refused is left to the revoker though the session cannot be dropped', async () => {
    const { world } = worldWith();
    world.steering.on('minter.createToken', answers(refusal({ tag: 'session_refused' })));
    world.steering.on('sessions.write', rejects, { nth: 3 });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ code: 'session_refused' });
    expectAbandoned(world);
  });

  it('keeps its session when anything else was the matter', async () => {
    const { world } = worldWith();
    world.steering.on('minter.createToken', answers(refusal({ tag: 'forbidden' })));
    await failureOf(mint(world.ports, ORIGIN, ORDER));
    expect(world.sessions.rows.get('acme-bot')).toHaveProperty('sealedBearer');
  });

  it('as far as can be told, though it did: the token is found by its label and deleted', async () => {
    const { world } = worldWith();
    world.steering.on('minter.createToken', appliesThenAnswers(refusal({ tag: 'fault', code: 'timeout' })));
    await failureOf(mint(world.ports, ORIGIN, ORDER));
    expectAbandoned(world);
    const [tokenId] = [...world.hub.tokens.keys()];
    await revokeLease(world.ports, only(world).id, { trigger: 'due', reason: 'expired' });
    expect(world.hub.tokens.size).toBe(0);
    world.clock.advance(QUIET_AFTER_MS);
    await revokeLease(world.ports, only(world).id, { trigger: 'due', reason: 'expired' });
    expect(only(world)).toMatchObject({
      status: 'revoked',
      revokeReason: 'mint_failed',
      evidence: { kind: 'absent', removedTokenIds: [tokenId] },
    });
  });

  it('because the call itself rejected is an outage of Docker Hub, and left to the revoker', async () => {
    const { world } = worldWith();
    world.steering.on('minter.createToken', losesReply);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'hub_unavailable',
      code: 'connection',
      retryAfterSeconds: 5,
    });
    expectAbandoned(world);
  });

  it.each<[string, CallName, Fault]>([
    ['its row cannot be changed', 'leases.update', rejects],
    ['its message is lost', 'queue.send', rejects],
    ['the revoker was first', 'leases.update', answers('conflict')],
  ])('is due by itself where %s', async (_, call, fault) => {
    const { world } = worldWith();
    world.steering.on('minter.createToken', answers(refusal({ tag: 'forbidden' })));
    world.steering.on(call, fault);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'hub_refused' });
    expect(only(world).dueAtMs).toBeLessThanOrEqual(NOW_MS + LIMITS.mintWindowMs);
    expect(world.steering.argsOf('queue.send')).toHaveLength(1);
  });

  it('was not sent at all when its mint window was over: another may then be promised the quiet period', async () => {
    const { world } = worldWith();
    world.steering.on(
      'leases.create',
      followed(() => world.clock.advance(LIMITS.mintWindowMs + 1)),
    );
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'hub_unavailable',
      code: 'timeout',
      retryAfterSeconds: 5,
    });
    expect(world.steering.argsOf('minter.createToken')).toEqual([]);
    expectAbandoned(world);
  });

  it('is still sent at the last moment of its mint window', async () => {
    const { world } = worldWith();
    world.steering.on(
      'leases.create',
      followed(() => world.clock.advance(LIMITS.mintWindowMs)),
    );
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
  });
});

describe('a create that Docker Hub refused in its own words', () => {
  const JSON_FORM = (httpStatus: number) => ({ httpStatus, isJson: true }) as const;

  it.each<[number, HubProblem, object]>([
    [401, { tag: 'session_refused' }, { tag: 'hub_unavailable', code: 'session_refused' }],
    [403, { tag: 'forbidden' }, { tag: 'hub_refused', code: 'forbidden' }],
    [403, { tag: 'plan' }, { tag: 'hub_refused', code: 'plan' }],
    [404, { tag: 'not_found' }, { tag: 'hub_refused', code: 'account_not_found' }],
    [429, { tag: 'throttled', retryAtMs: NOW_MS + 5_000 }, { tag: 'hub_throttled', retryAfterSeconds: 5 }],
    [400, { tag: 'invalid', fields: ['scopes'] }, { tag: 'hub_refused', code: 'bad_request' }],
    [400, { tag: 'invalid', fields: ['expires_at'] }, { tag: 'expiry_refused' }],
    [400, { tag: 'invalid', fields: ['token_label'] }, { tag: 'label_refused' }],
  ])('with %i, %j, holds no place and is left to the sweep', async (httpStatus, problem, failure) => {
    const { world } = worldWith({ maxActive: 1 }, { maxActive: 1 });
    world.steering.on('minter.createToken', answers(refusal(problem, JSON_FORM(httpStatus))));
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject(failure);
    expect(only(world)).toMatchObject({
      status: 'revoking',
      createRefused: true,
      lastError: 'create_refused',
      counters: ['secret:ci/release', 'target:acme-bot'],
    });
    expect([...world.leases.counters.values()].map(({ open }) => open)).toEqual([0, 0]);
    expect(world.steering.argsOf('queue.send')).toEqual([]);
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
    expect(world.eventNames).toEqual(['lease.mint_failed']);
    expect(world.sessions.rows.get('acme-bot')).not.toHaveProperty('revocationsUntilMs');
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('for too many requests lets others mint no later than Docker Hub asked for', async () => {
    const { world } = worldWith();
    const throttled = refusal({ tag: 'throttled', retryAtMs: NOW_MS + 5_000 }, JSON_FORM(429));
    world.steering.on('minter.createToken', answers(throttled));
    await failureOf(mint(world.ports, ORIGIN, ORDER));
    world.clock.advance(4_999);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({ tag: 'hub_throttled', retryAfterSeconds: 1 });
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
    world.clock.advance(1);
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
  });

  it('does not hold up a retry under its Idempotency-Key', async () => {
    const { world } = worldWith();
    const order = { ...ORDER, idempotencyKey: 'key-1' };
    world.steering.on('minter.createToken', answers(refusal({ tag: 'forbidden' }, JSON_FORM(403))));
    await failureOf(mint(world.ports, ORIGIN, order));
    const { lease } = await mint(world.ports, ORIGIN, order);
    expect(lease.status).toBe('active');
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
    expect(world.openLeases).toHaveLength(2);
  });

  it('in another form may have made a token, and is left to the revoker', async () => {
    const { world } = worldWith({ maxActive: 1 });
    world.steering.on('minter.createToken', answers(refusal({ tag: 'forbidden' }, { httpStatus: 403 })));
    await failureOf(mint(world.ports, ORIGIN, ORDER));
    expect(only(world)).not.toHaveProperty('createRefused');
    expect(world.steering.argsOf('queue.send')).toEqual([[only(world).id, 0]]);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'quota_reached' });
  });
});

describe('an organization with a cap', () => {
  const resources = [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }] as const;

  function worldWithOrg(maxActive?: number) {
    const world = new World();
    world.addTarget({ ...ORG, ...(maxActive !== undefined && { maxActive }) });
    const { scope: _, ...secret } = world.addSecret({ target: 'acme', resources, maxActive: 50 });
    world.catalog.secrets.set(secret.name, secret);
    return world;
  }

  it('that is reached answers so, and later mints are refused without a create', async () => {
    const world = worldWithOrg(100);
    for (let token = 0; token < 9; token++) world.hub.give('acme', `other ${token}`);
    await mint(world.ports, ORIGIN, ORDER);
    world.steering.on('minter.createToken', answers(refusal({ tag: 'forbidden' }, { httpStatus: 403, isJson: true })));
    const reached = { tag: 'quota_reached', counter: 'target:acme', most: 10, holders: [ORIGIN.caller.arn] };
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ ...reached, retryAfterSeconds: 900 });
    expect(world.factsOf('acme').cap).toEqual({ tokens: 10, atMs: NOW_MS });

    world.leases.counters.set('target:acme', { open: 10, version: 50, changedAtMs: NOW_MS });
    const creates = world.steering.argsOf('minter.createToken').length;
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject(reached);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(creates);
  });

  it.each([
    ['the cap where that is less than its own quota', 100, 10, 10],
    ['its own quota where that is less', 5, 10, 5],
  ])('is held to %s, and its secrets to their own', async (_, maxActive, cap, most) => {
    const world = worldWithOrg(maxActive);
    world.addFacts('acme', { cap: { tokens: cap, atMs: NOW_MS } });
    await mint(world.ports, ORIGIN, ORDER);
    expect(world.steering.argsOf('leases.create')[0]?.[1]).toEqual({
      quotas: [
        { counter: 'secret:ci/release', most: 50 },
        { counter: 'target:acme', most },
      ],
    });
  });

  it('that was seen a day ago is held to its own quota again', async () => {
    const world = worldWithOrg(100);
    world.addFacts('acme', { cap: { tokens: 10, atMs: NOW_MS - 86_400_000 } });
    await mint(world.ports, ORIGIN, ORDER);
    expect(world.steering.argsOf('leases.create')[0]?.[1]).toMatchObject({
      quotas: [{ most: 50 }, { counter: 'target:acme', most: 100 }],
    });
  });

  it('and no quota of its own is counted by nobody', async () => {
    const world = worldWithOrg();
    world.addFacts('acme', { cap: { tokens: 10, atMs: NOW_MS } });
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease.counters).toEqual(['secret:ci/release']);
  });
});

describe('a target whose mints are refused', () => {
  it.each(['expiry_refused', 'label_refused', 'list_lags'] as const)(
    '(%s) says so, without a create, a login or a record',
    async (code) => {
      const { world } = worldWith();
      world.addFacts('acme-bot', { refusal: { code, sinceMs: NOW_MS - 9, triedAtMs: NOW_MS - 9 } });
      expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({ tag: code, target: 'acme-bot' });
      expect(world.leases.rows.all()).toEqual([]);
      expect(world.steering.hubCalls).toBe(0);
      expect(world.events).toMatchObject([{ event: 'lease.mint_failed', code }]);
    },
  );
});

describe('a token that is not as it was asked for', () => {
  /** It was deleted by its id, and nobody got it. */
  function expectGivenUp(world: World) {
    expect(world.hub.tokens.size).toBe(0);
    expect(only(world)).toMatchObject({
      status: 'revoked',
      revokeReason: 'mint_failed',
      tokenId: 'token-2',
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
    expect(world.eventNames).not.toContain('lease.granted');
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
    world.expectNothingLeaked();
  }

  it.each<[string, (asked: number | null) => number | null]>([
    ['ends more than a day later', (asked) => (asked as number) + 86_400_001],
    ['never ends', () => null],
    ['is over at once', () => NOW_MS + 59_999],
  ])('and %s is given up, and later mints are refused without a create', async (_, keepsExpiry) => {
    const { world } = worldWith();
    world.hub.keepsExpiry = keepsExpiry;
    const failure = { tag: 'expiry_refused', target: 'acme-bot' };
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual(failure);
    expectGivenUp(world);
    const code = 'expiry_refused';
    expect(world.factsOf('acme-bot').refusal).toEqual({ code, sinceMs: NOW_MS, triedAtMs: NOW_MS });
    expect(world.events.filter(({ event }) => event === 'target.refused')).toEqual([
      { event: 'target.refused', atMs: NOW_MS, target: 'acme-bot', code },
    ]);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual(failure);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
  });

  it('and bears no mark is given up, and later mints are refused without a create', async () => {
    const { world } = worldWith();
    world.hub.keepsLabel = (label) => label.slice(0, 50);
    const failure = { tag: 'label_refused', target: 'acme-bot' };
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual(failure);
    expectGivenUp(world);
    expect(world.factsOf('acme-bot').refusal).toMatchObject({ code: 'label_refused' });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual(failure);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
  });

  it('and bears our mark and another label than the caller’s is given up, which is no matter to others', async () => {
    const { world } = worldWith();
    world.hub.keepsLabel = (label) => label.replace('&', '&amp;');
    const order = { ...ORDER, label: 'build & push' };
    expect(await failureOf(mint(world.ports, ORIGIN, order))).toEqual({ tag: 'label_refused', target: 'acme-bot' });
    expectGivenUp(world);
    expect(world.factsOf('acme-bot')).toEqual({});
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
  });

  it('and cannot be deleted at once is left to the revoker with the end that was reported', async () => {
    const { world } = worldWith();
    world.hub.keepsExpiry = () => NOW_MS + 172_800_000;
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'server_error' })));
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'expiry_refused' });
    expect(only(world)).toMatchObject({
      status: 'revoking',
      tokenId: 'token-2',
      hubExpiresAtMs: NOW_MS + 900_000,
      hubReportedExpiresAtMs: NOW_MS + 172_800_000,
    });
  });

  it('but ends within the slack that was learned is answered, with the end that was reported', async () => {
    const verification = { ...VERIFICATION, expirySlackSeconds: 86_400 };
    const { world } = worldWith({}, { verification });
    world.hub.keepsExpiry = (asked) => (asked as number) + 86_400_000;
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease).toMatchObject({
      status: 'active',
      expiresAtMs: NOW_MS + 900_000,
      hubExpiresAtMs: NOW_MS + 900_000,
      hubReportedExpiresAtMs: NOW_MS + 87_300_000,
    });
    expect(lease).not.toHaveProperty('expiryClipped');
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('but never ends is answered where the owner allows that, with no end on record', async () => {
    const { world } = worldWith({}, { allowUnprovenExpiry: true });
    world.hub.keepsExpiry = () => null;
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease.status).toBe('active');
    expect(lease).not.toHaveProperty('hubReportedExpiresAtMs');
  });

  it('but ends earlier is answered, its lease cut to that end and said to be', async () => {
    const { world } = worldWith({ renewable: true });
    world.hub.keepsExpiry = () => NOW_MS + 600_000;
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease).toMatchObject({
      status: 'active',
      expiresAtMs: NOW_MS + 600_000,
      maxExpiresAtMs: NOW_MS + 600_000,
      hubExpiresAtMs: NOW_MS + 3_600_000,
      hubReportedExpiresAtMs: NOW_MS + 600_000,
      expiryClipped: true,
      dueAtMs: NOW_MS + 600_000,
    });
    expect(only(world)).toEqual(lease);
    expect(world.steering.argsOf('backstop.arm')).toEqual([
      [lease.id, NOW_MS + 900_000],
      [lease.id, NOW_MS + 600_000],
    ]);
    expect(world.events).toMatchObject([{ event: 'lease.granted', detail: { ttlSeconds: 600 } }]);
  });

  it('but ends before its last renewal’s end keeps its own', async () => {
    const { world } = worldWith({ renewable: true });
    world.hub.keepsExpiry = () => NOW_MS + 1_800_000;
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease).toMatchObject({
      expiresAtMs: NOW_MS + 900_000,
      maxExpiresAtMs: NOW_MS + 1_800_000,
      expiryClipped: true,
      dueAtMs: NOW_MS + 900_000,
    });
  });

  it('but ends earlier is answered though its backstop could not be moved: its row is due in time', async () => {
    const { world } = worldWith();
    world.hub.keepsExpiry = () => NOW_MS + 600_000;
    world.steering.on('backstop.arm', rejects, { nth: 2 });
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease).toMatchObject({ status: 'active', dueAtMs: NOW_MS + 600_000 });
  });

  it('is judged by the time that is left when it is known', async () => {
    const { world } = worldWith();
    world.hub.keepsExpiry = () => NOW_MS + 61_000;
    world.steering.on(
      'minter.createToken',
      followed(() => world.clock.advance(1_001)),
    );
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'expiry_refused' });
  });
});

describe('a target that changes while a lease is being recorded', () => {
  it.each<[string, (world: World, target: Target) => void, object]>([
    [
      'into a draining one',
      (world, target) => world.addTarget({ ...target, version: 2, status: 'draining' }),
      { tag: 'draining', name: 'acme-bot' },
    ],
    [
      'into nothing',
      (world) => world.catalog.targets.set('acme-bot', undefined),
      { tag: 'target_not_found', target: 'acme-bot' },
    ],
    [
      'into one of another account',
      (world, target) => world.addTarget({ ...target, username: 'acme-bot2' }),
      { tag: 'draining', name: 'acme-bot' },
    ],
    [
      'unseen, for it cannot be read',
      (world) => world.steering.on('catalog.getTarget', rejects),
      { tag: 'store_unavailable', retryAfterSeconds: 2 },
    ],
  ])('%s gets no token, and the lease is left to the revoker', async (_, change, failure) => {
    const { world, target } = worldWith();
    world.steering.on(
      'leases.create',
      followed(() => change(world, target)),
    );
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual(failure);
    expect(only(world)).toMatchObject({ status: 'revoking', revokeReason: 'mint_failed', dueAtMs: NOW_MS });
    expect(world.steering.argsOf('minter.createToken')).toEqual([]);
    expect(world.steering.argsOf('backstop.arm')).toEqual([]);
    expect(world.steering.argsOf('queue.send')).toEqual([[only(world).id, 0]]);
  });
});

describe('a token that was made', () => {
  /** The token was deleted again, and nobody got it. */
  function expectGivenUp(world: World, failure: unknown) {
    const lease = only(world);
    expect(failure).toEqual({ tag: 'not_recorded', leaseId: lease.id, retryAfterSeconds: 2 });
    expect(world.hub.tokens.size).toBe(0);
    expect(lease).toMatchObject({
      status: 'revoked',
      tokenId: 'token-2',
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
    expect(world.events.at(-1)).toEqual({
      event: 'lease.mint_failed',
      atMs: world.clock.nowMs(),
      ...ASKED,
      code: 'not_recorded',
      leaseId: lease.id,
    });
    expect(world.eventNames).not.toContain('lease.granted');
    world.expectNothingLeaked(failure);
  }

  describe('and whose grant the audit log lost', () => {
    const lost = answers('lost');

    it('is deleted where audit is required: 503', async () => {
      const { world } = worldWith();
      world.steering.on('audit.record', lost);
      const failure = await failureOf(mint({ ...world.ports, auditRequired: true }, ORIGIN, ORDER));
      const lease = only(world);
      expect(failure).toEqual({ tag: 'audit_unavailable', leaseId: lease.id, retryAfterSeconds: 2 });
      expect(world.hub.tokens.size).toBe(0);
      expect(lease).toMatchObject({
        status: 'revoked',
        revokeReason: 'mint_failed',
        evidence: { kind: 'deleted', httpStatus: 204 },
      });
      expect(world.events.at(-1)).toMatchObject({ event: 'lease.mint_failed', code: 'audit_unavailable' });
      world.expectNothingLeaked(failure);
    });

    it('is left to the revoker where Docker Hub cannot be reached either', async () => {
      const { world } = worldWith();
      world.steering.on('audit.record', lost);
      world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'timeout' })));
      const failure = await failureOf(mint({ ...world.ports, auditRequired: true }, ORIGIN, ORDER));
      expect(failure).toMatchObject({ tag: 'audit_unavailable' });
      expect(only(world)).toMatchObject({ status: 'revoking', revokeReason: 'mint_failed', tokenId: 'token-2' });
    });

    it('is answered where audit is not required', async () => {
      const { world } = worldWith();
      world.steering.on('audit.record', lost);
      expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
    });

    it('is answered to nobody anyway when it is that of a verification', async () => {
      const { world, target } = worldWith();
      world.steering.on('audit.record', lost);
      expect(await verifyByToken({ ...world.ports, auditRequired: true } as VerifyPorts, ORIGIN, target)).toBeDefined();
    });
  });

  it('and is not recorded is deleted: 503', async () => {
    const { world } = worldWith();
    world.steering.on('leases.update', rejects);
    expectGivenUp(world, await failureOf(mint(world.ports, ORIGIN, ORDER)));
    expect(only(world).revokeReason).toBe('mint_failed');
    expect(world.eventNames).toEqual(['lease.revoke_requested', 'lease.revoked', 'lease.mint_failed']);
  });

  it('and is recorded though the reply was lost is answered', async () => {
    const { world } = worldWith();
    world.steering.on('leases.update', losesReply);
    const { lease, credential } = await mint(world.ports, ORIGIN, ORDER);
    expect(lease).toEqual(only(world));
    expect(lease.status).toBe('active');
    expect(credential).toMatchObject({ password: `${TOKEN_CANARY}-token-2` });
    expect(world.hub.tokens.size).toBe(1);
  });

  it('and of whose record nothing can be known is deleted: 503', async () => {
    const { world } = worldWith();
    world.steering.on('leases.update', losesReply);
    world.steering.on('leases.get', rejects);
    expectGivenUp(world, await failureOf(mint(world.ports, ORIGIN, ORDER)));
  });

  it('after the revoker was first is deleted: 503', async () => {
    const { world } = worldWith();
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(only(world).id, { status: 'revoking', revokeReason: 'expired', dueAtMs: NOW_MS })),
    );
    expectGivenUp(world, await failureOf(mint(world.ports, ORIGIN, ORDER)));
    expect(only(world).revokeReason).toBe('expired');
  });

  it('after the revoker had already proven that there is none reopens the lease and is deleted: 503', async () => {
    const { world, target } = worldWith();
    world.steering.on(
      'leases.update',
      preceded(() => {
        const { id, version } = only(world);
        world.leases.rows.set(id, { ...world.addRevoked(target, { id }), id, version: version + 1 });
      }),
    );
    expectGivenUp(world, await failureOf(mint(world.ports, ORIGIN, ORDER)));
    expect(only(world)).toMatchObject({ reopened: 1, revokeReason: 'reopened' });
    expect(world.eventNames).toEqual(['lease.reopened', 'lease.revoked', 'lease.mint_failed']);
  });

  it('and whose backstop is not armed is deleted: 503', async () => {
    const { world } = worldWith();
    world.steering.on('backstop.arm', rejects);
    expectGivenUp(world, await failureOf(mint(world.ports, ORIGIN, ORDER)));
    expect(world.steering.argsOf('leases.update')[0]?.[0]).toMatchObject({ status: 'active' });
  });

  it('and whose backstop is armed as far as nobody knows is deleted: 503', async () => {
    const { world } = worldWith();
    world.steering.on('backstop.arm', losesReply);
    expectGivenUp(world, await failureOf(mint(world.ports, ORIGIN, ORDER)));
  });

  it('is answered when only its timer is lost', async () => {
    const { world } = worldWith();
    world.steering.on('timer.arm', rejects);
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
    expect(world.hub.tokens.size).toBe(1);
  });

  it('and given up, but not deleted, is left to the revoker by its id', async () => {
    const { world } = worldWith();
    world.steering.on('backstop.arm', rejects);
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'timeout' })));
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'not_recorded' });
    expect(only(world)).toMatchObject({
      status: 'revoking',
      revokeReason: 'mint_failed',
      tokenId: 'token-2',
      attempts: 1,
      dueAtMs: NOW_MS + 5_000,
    });
    expect(world.steering.argsOf('queue.send')).toEqual([[only(world).id, 5_000]]);
  });

  it('and given up with the store out is still due when its mint window ends', async () => {
    const { world } = worldWith();
    world.steering.on('leases.update', rejects, { times: 9 });
    world.steering.on('leases.get', rejects, { times: 9 });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toMatchObject({ tag: 'not_recorded' });
    expect(only(world)).toMatchObject({ status: 'minting', dueAtMs: NOW_MS + LIMITS.mintWindowMs });
  });

  it('is answered sealed, and never in the clear, where the secret has a protection key', async () => {
    const { world } = worldWith({ protectionJwk: { kty: 'EC' } });
    const minted = await mint(world.ports, ORIGIN, ORDER);
    expect(minted.credential).toEqual({ registry: 'docker.io', username: 'acme-bot', sealed: 'a.compact.jwe' });
    expect(world.steering.argsOf('tokenSealer.seal')).toEqual([[`${TOKEN_CANARY}-token-2`, { kty: 'EC' }]]);
    world.expectNothingLeaked(minted);
  });

  it('and cannot be sealed for its owner is deleted: 503', async () => {
    const { world } = worldWith({ protectionJwk: { kty: 'EC' } });
    world.steering.on('tokenSealer.seal', rejects);
    expectGivenUp(world, await failureOf(mint(world.ports, ORIGIN, ORDER)));
  });
});

describe('Docker Hub’s clock', () => {
  it.each([
    [5_001, 1],
    [-5_001, 1],
    [5_000, 0],
    [-5_000, 0],
    [0, 0],
  ])('%i ms from ours is told of %i times', async (skewMs, times) => {
    const { world } = worldWith();
    world.hub.skewMs = skewMs;
    await mint(world.ports, ORIGIN, ORDER);
    const told = { event: 'clock.skewed', atMs: NOW_MS, target: 'acme-bot', detail: { skewMs } };
    expect(world.events.filter(({ event }) => event === 'clock.skewed')).toEqual(Array(times).fill(told));
  });

  it('that Docker Hub does not give is no matter', async () => {
    const { world } = worldWith();
    world.hub.datesAnswers = false;
    await mint(world.ports, ORIGIN, ORDER);
    expect(world.eventNames).toEqual(['lease.granted']);
  });

  it('is looked at also when the create did not succeed', async () => {
    const { world } = worldWith();
    world.steering.on('minter.createToken', answers(refusal({ tag: 'forbidden' }, { hubDateMs: NOW_MS + 9_000 })));
    await failureOf(mint(world.ports, ORIGIN, ORDER));
    expect(world.eventNames).toEqual(['clock.skewed', 'lease.mint_failed']);
  });
});

describe('requests that run low on Docker Hub', () => {
  it('put off the next mint, not this one, until they are replenished', async () => {
    const { world } = worldWith();
    const rateResetAtMs = NOW_MS + 40_000;
    world.steering.on('minter.createToken', async (apply) => {
      const reply = (await apply()) as { meta: object };
      return { ...reply, meta: { rateRemaining: 10, rateResetAtMs } };
    });
    await mint(world.ports, ORIGIN, ORDER);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({ tag: 'hub_throttled', retryAfterSeconds: 40 });
    expect(world.leases.rows.all()).toHaveLength(1);
    world.clock.advance(40_000);
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
  });
});

describe('an error that is none of ours', () => {
  it('is audited without its words', async () => {
    const { world } = worldWith();
    const ports = {
      ...world.ports,
      ids: {
        ...world.ports.ids,
        leaseId: () => {
          throw new Error('the password is hunter2');
        },
      },
    };
    await expect(mint(ports, ORIGIN, ORDER)).rejects.not.toBeInstanceOf(Failed);
    expect(world.events).toEqual([{ event: 'lease.mint_failed', atMs: NOW_MS, ...ASKED, code: 'internal' }]);
  });
});
