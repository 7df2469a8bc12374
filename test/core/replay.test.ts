import { describe, expect, it } from 'vitest';
import { revokeLease } from '../../functions/core/ending/revoke.ts';
import { mint } from '../../functions/core/leases/mint.ts';
import { openReplay, REPLAY_MS } from '../../functions/core/leases/replay.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { Target } from '../../functions/core/model/target.ts';
import { TOKEN_CANARY } from './ports/hub.ts';
import { answers, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, LABELS, LIMITS, NOW_MS, ORIGIN, QUIET_AFTER_MS, World } from './world.ts';

const ORDER = { secret: 'ci/release', idempotencyKey: 'key-1' } as const;
const OUT = answers(refusal({ tag: 'fault', code: 'timeout' }));
const ID = LABELS.sha256(`hublease-replay-1\n${ORIGIN.caller.arn}\nkey-1`);

function newWorld() {
  const world = new World();
  world.addTarget();
  world.addSecret();
  return world;
}

describe('an order with an Idempotency-Key', () => {
  it('is recorded under caller and key with its lease, for a day', async () => {
    expect(REPLAY_MS).toBe(24 * 3_600_000);
    const world = newWorld();
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    expect(await world.leases.port.readReplay(ID)).toEqual({
      id: ID,
      version: 1,
      opId: expect.any(String),
      orderSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      leaseId: lease.id,
      ttlAtMs: NOW_MS + REPLAY_MS,
    });
    expect(JSON.stringify(world.lease(lease.id))).not.toContain('key-1');
  });

  it('has its first token revoked, provably, before the second is minted', async () => {
    const world = newWorld();
    const first = await mint(world.ports, ORIGIN, ORDER);
    const second = await mint(world.ports, ORIGIN, ORDER);
    expect(second.lease.id).not.toBe(first.lease.id);
    expect(world.lease(first.lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'replayed' });
    expect([...world.hub.tokens.keys()]).toEqual([second.lease.tokenId]);
    expect(world.steering.order('minter.createToken', 'hub.deleteToken')).toEqual([
      'minter.createToken',
      'hub.deleteToken',
      'minter.createToken',
    ]);
    expect(world.events.find(({ event }) => event === 'lease.revoke_requested')).toMatchObject({
      requestId: 'request-1',
      detail: { reason: 'replayed' },
    });
    expect(await world.leases.port.readReplay(ID)).toMatchObject({ version: 2, leaseId: second.lease.id });
  });

  it('leaves the lease of an earlier role of the same ARN alone, whatever that ordered', async () => {
    const world = newWorld();
    const former = { ...ORIGIN, caller: { ...ORIGIN.caller, id: 'AROACKCEVSQ6C2EXAMPLE' } };
    const first = await mint(world.ports, former, { ...ORDER, ttlSeconds: 120 });
    const second = await mint(world.ports, ORIGIN, ORDER);
    expect(world.lease(first.lease.id).status).toBe('active');
    expect(second.lease.callerId).toBe(ORIGIN.caller.id);
    expect(await world.leases.port.readReplay(ID)).toMatchObject({ version: 2, leaseId: second.lease.id });
  });

  it('revokes a first lease that was recorded without an id', async () => {
    const world = newWorld();
    const { caller } = ORIGIN;
    const first = await mint(
      world.ports,
      { ...ORIGIN, caller: { arn: caller.arn, accountId: caller.accountId } },
      ORDER,
    );
    await mint(world.ports, ORIGIN, ORDER);
    expect(world.lease(first.lease.id).status).toBe('revoked');
  });

  it('whose first lease is revoked already is minted without a call for that', async () => {
    const world = newWorld();
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'caller' });
    await mint(world.ports, ORIGIN, ORDER);
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(1);
    expect(world.lease(lease.id).revokeReason).toBe('caller');
  });

  it('whose first lease is gone from the table is minted', async () => {
    const world = newWorld();
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    world.leases.rows.set(lease.id, undefined);
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
  });

  it('whose first lease goes while it is being revoked is minted', async () => {
    const world = newWorld();
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    world.steering.on(
      'leases.get',
      preceded(() => world.leases.rows.set(lease.id, undefined)),
      { nth: 2 },
    );
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
  });

  it('gets no second token while the first cannot be proven gone, and is told when to ask again', async () => {
    const world = newWorld();
    await mint(world.ports, ORIGIN, ORDER);
    world.steering.on('hub.deleteToken', OUT);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({ tag: 'in_flight', retryAfterSeconds: 5 });
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({ tag: 'in_flight', retryAfterSeconds: 5 });
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(1);
    expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
    world.clock.advance(5_000);
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
  });

  describe('whose first create was refused', () => {
    const REFUSED = answers(refusal({ tag: 'forbidden' }, { httpStatus: 403, isJson: true }));

    it('is minted at once, and the first lease is left to the sweep', async () => {
      const world = newWorld();
      world.steering.on('minter.createToken', REFUSED);
      await failureOf(mint(world.ports, ORIGIN, ORDER));
      const [refused] = world.leases.rows.all();
      const { lease } = await mint(world.ports, ORIGIN, ORDER);
      expect(lease.status).toBe('active');
      expect(world.lease(refused?.id as string)).toEqual(refused);
      expect(await world.leases.port.readReplay(ID)).toMatchObject({ version: 2, leaseId: lease.id });
    });

    it('and made a token all the same waits for that token’s end', async () => {
      const world = newWorld();
      world.steering.on('minter.createToken', REFUSED);
      await failureOf(mint(world.ports, ORIGIN, ORDER));
      const [refused] = world.leases.rows.all();
      const { tokenId } = world.addToken(world.catalog.targets.get('acme-bot') as Target, refused as Lease);
      world.rewrite(refused?.id as string, { tokenId });
      world.steering.on('hub.deleteToken', OUT);
      expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({ tag: 'in_flight', retryAfterSeconds: 5 });
      world.clock.advance(5_000);
      const { lease } = await mint(world.ports, ORIGIN, ORDER);
      expect([...world.hub.tokens.keys()]).toEqual([lease.tokenId]);
    });
  });

  it('is in flight while the first is being minted, until a create of it can be over', async () => {
    const world = newWorld();
    world.steering.on('leases.create', losesReply);
    await failureOf(mint(world.ports, ORIGIN, ORDER));
    const windowMs = LIMITS.mintWindowMs + LIMITS.hubTimeoutMs;
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({ tag: 'in_flight', retryAfterSeconds: 28 });
    world.clock.advance(windowMs);
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({ tag: 'in_flight', retryAfterSeconds: 1 });
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
    world.clock.advance(1);
    // Taken up now, and provably gone only at the end of the quiet period.
    expect(await failureOf(mint(world.ports, ORIGIN, ORDER))).toEqual({
      tag: 'in_flight',
      retryAfterSeconds: Math.ceil((QUIET_AFTER_MS - windowMs - 1) / 1_000),
    });
    world.clock.advance(QUIET_AFTER_MS);
    expect((await mint(world.ports, ORIGIN, ORDER)).lease.status).toBe('active');
  });

  it('that comes twice at once mints one token; the other is in flight', async () => {
    const world = newWorld();
    const outcomes = await Promise.allSettled([mint(world.ports, ORIGIN, ORDER), mint(world.ports, ORIGIN, ORDER)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason.failure).toEqual({ tag: 'in_flight', retryAfterSeconds: 2 });
    expect(world.hub.tokens.size).toBe(1);
    expect(world.leases.rows.all()).toHaveLength(1);
  });

  it('is forgotten at the end of its day, and its lease left alone', async () => {
    const world = newWorld();
    const first = await mint(world.ports, ORIGIN, ORDER);
    world.clock.advance(REPLAY_MS - 1);
    expect(await failureOf(mint(world.ports, ORIGIN, { ...ORDER, ttlSeconds: 60 }))).toMatchObject({
      tag: 'idempotency_mismatch',
    });
    world.clock.advance(1);
    await mint(world.ports, ORIGIN, { ...ORDER, ttlSeconds: 60 });
    expect(world.lease(first.lease.id).status).toBe('active');
    expect(await world.leases.port.readReplay(ID)).toMatchObject({ version: 2, ttlAtMs: NOW_MS + 2 * REPLAY_MS });
  });
});

describe('another order under the same key', () => {
  it.each([
    ['secret', { secret: 'ci/other' }],
    ['TTL', { ttlSeconds: 60 }],
    ['scope', { scope: 'repo:read' }],
    ['resources', { resources: [] }],
    ['label', { label: 'x' }],
    ['reason', { reason: 'x' }],
  ] as const)('(%s) is refused, and the first lease stays', async (_, change) => {
    const world = newWorld();
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    const failure = await failureOf(openReplay(world.ports, ORIGIN, { ...ORDER, ...change }));
    expect(failure).toEqual({ tag: 'idempotency_mismatch' });
    expect(world.lease(lease.id).status).toBe('active');
  });

  it('by another caller is another order', async () => {
    const world = newWorld();
    const { lease } = await mint(world.ports, ORIGIN, ORDER);
    const caller = { ...ORIGIN.caller, arn: 'arn:aws:iam::111122223333:role/ci2' };
    await mint(world.ports, { ...ORIGIN, caller }, ORDER);
    expect(world.lease(lease.id).status).toBe('active');
    expect(world.hub.tokens.size).toBe(2);
  });

  it('under another key is another order', async () => {
    const world = newWorld();
    await mint(world.ports, ORIGIN, ORDER);
    await mint(world.ports, ORIGIN, { ...ORDER, idempotencyKey: 'key-2' });
    expect(world.hub.tokens.size).toBe(2);
  });
});

describe('an order without a key', () => {
  it('is not looked up', async () => {
    const world = newWorld();
    expect(await openReplay(world.ports, ORIGIN, { secret: 'ci/release' })).toBeUndefined();
    expect(world.steering.calls).toEqual([]);
  });
});

describe('a key that cannot be looked up', () => {
  it.each(['leases.readReplay', 'leases.get'] as const)(
    'because of %s is a failure of the store: nothing is minted',
    async (call) => {
      const world = newWorld();
      await mint(world.ports, ORIGIN, ORDER);
      world.steering.on(call, rejects);
      const failure = await failureOf(mint(world.ports, ORIGIN, ORDER));
      expect(failure).toEqual({ tag: 'store_unavailable', retryAfterSeconds: 2 });
      expect(world.steering.argsOf('minter.createToken')).toHaveLength(1);
      expect(JSON.stringify(failure)).not.toContain(TOKEN_CANARY);
    },
  );
});
