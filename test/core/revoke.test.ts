import { describe, expect, it } from 'vitest';
import type { Lease } from '../../functions/core/lease.ts';
import { yieldToRevocation } from '../../functions/core/rate.ts';
import { auditIds, type RevokeOrder, reopenLease, revokeLease } from '../../functions/core/revoke.ts';
import { answers, appliesThenAnswers, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, LIMITS, NOW_MS, ORIGIN, QUIET_AFTER_MS, World } from './world.ts';

const DUE: RevokeOrder = { trigger: 'due', reason: 'expired' };
const ASKED: RevokeOrder = { trigger: 'asked', reason: 'caller', origin: ORIGIN };
const OUT = refusal({ tag: 'fault', code: 'server_error' });

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

/** A lease that expires now. */
function worldWithDue(overrides: Partial<Lease> = {}) {
  const { world, target } = worldWithTarget();
  const lease = world.addLease(target, { expiresAtMs: NOW_MS, dueAtMs: NOW_MS, ...overrides });
  return { world, target, lease };
}

const ids = ({ id, tokenId, tokenSha256 }: Lease) => ({
  leaseId: id,
  secret: 'ci/release',
  target: 'acme-bot',
  caller: ORIGIN.caller.arn,
  tokenId,
  tokenSha256,
});

describe('an expired lease', () => {
  it('is revoked with the evidence of the delete, in one write, and its row given an end', async () => {
    const { world, lease } = worldWithDue();
    world.clock.advance(1_500);
    const revocation = await revokeLease(world.ports, lease.id, DUE);
    const { dueAtMs: _, ...kept } = lease;
    const row: Lease = {
      ...kept,
      status: 'revoked',
      version: 2,
      opId: expect.any(String),
      revokedAtMs: NOW_MS + 1_500,
      revokeReason: 'expired',
      evidence: { kind: 'deleted', atMs: NOW_MS + 1_500, httpStatus: 204 },
      ttlAtMs: NOW_MS + 1_500 + 30 * 86_400_000,
    };
    expect(revocation).toEqual({ outcome: 'revoked', lease: row });
    expect(world.lease(lease.id)).toEqual(row);
    expect(world.hub.tokens.size).toBe(0);
    expect(world.steering.argsOf('leases.update')).toEqual([[row, 'release']]);
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(1);
    expect(world.steering.argsOf('queue.send')).toEqual([]);
    expect(world.events).toEqual([
      {
        event: 'lease.revoked',
        atMs: NOW_MS + 1_500,
        ...ids(lease),
        detail: { reason: 'expired', evidence: 'deleted', overdueMs: 1_500 },
      },
    ]);
    world.expectNothingLeaked(revocation);
  });

  it('is not touched a moment before it is due', async () => {
    const { world, lease } = worldWithDue({ dueAtMs: NOW_MS + 1 });
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'not_due', lease });
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.steering.hubCalls).toBe(0);
    expect(world.events).toEqual([]);
  });

  it('that was renewed after its trigger was set is left until its new end', async () => {
    const { world, lease } = worldWithDue();
    world.rewrite(lease.id, { expiresAtMs: NOW_MS + 60_000, dueAtMs: NOW_MS + 60_000 });
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('not_due');
    expect(world.hub.tokens.size).toBe(1);
  });

  it.each([
    [1, 1],
    [900_000, 900_000],
    [900_001, 900_000],
  ])('whose trigger comes %i ms early has it sent again %i ms later', async (earlyMs, delayMs) => {
    const { world, lease } = worldWithDue({ dueAtMs: NOW_MS + earlyMs });
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, delayMs]]);
  });

  it('that came due while its early trigger was looked at has it sent again at once', async () => {
    const { world, lease } = worldWithDue({ dueAtMs: NOW_MS + 1 });
    let looks = 0;
    const clock = { ...world.clock, nowMs: () => NOW_MS + 5 * looks++, sleep: () => Promise.resolve() };
    expect((await revokeLease({ ...world.ports, clock }, lease.id, DUE)).outcome).toBe('not_due');
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 0]]);
  });

  it('whose early trigger cannot be sent again fails, so that this one is delivered again', async () => {
    const { world, lease } = worldWithDue({ dueAtMs: NOW_MS + 1 });
    world.steering.on('queue.send', rejects);
    await expect(revokeLease(world.ports, lease.id, DUE)).rejects.toThrow();
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('that could still be renewed is marked before Docker Hub is touched', async () => {
    const { world, lease } = worldWithDue({ renewable: true });
    let marked: Lease | undefined;
    world.steering.on(
      'hub.deleteToken',
      preceded(() => {
        marked = world.lease(lease.id);
      }),
    );
    const revocation = await revokeLease(world.ports, lease.id, DUE);
    expect(marked).toEqual({
      ...lease,
      status: 'revoking',
      version: 2,
      opId: expect.any(String),
      revokeReason: 'expired',
      revokingSinceMs: NOW_MS,
      dueAtMs: NOW_MS,
    });
    expect(revocation).toMatchObject({ outcome: 'revoked', lease: { version: 3, status: 'revoked' } });
    expect(world.eventNames).toEqual(['lease.revoke_requested', 'lease.revoked']);
    expect(world.events[0]).toEqual({
      event: 'lease.revoke_requested',
      atMs: NOW_MS,
      ...ids(lease),
      detail: { reason: 'expired' },
    });
  });

  it('whose marking is not written leaves Docker Hub alone', async () => {
    const { world, lease } = worldWithDue({ renewable: true });
    world.steering.on('leases.update', rejects);
    await expect(revokeLease(world.ports, lease.id, DUE)).rejects.toThrow();
    expect(world.steering.hubCalls).toBe(0);
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('is revoked once by triggers that come twice', async () => {
    const { world, lease } = worldWithDue();
    await revokeLease(world.ports, lease.id, DUE);
    const row = world.lease(lease.id);
    world.clock.advance(60_000);
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'revoked', lease: row });
    expect(world.lease(lease.id)).toEqual(row);
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(1);
    expect(world.eventNames).toEqual(['lease.revoked']);
  });

  it('is revoked once by triggers that come at the same time', async () => {
    const { world, lease } = worldWithDue();
    const outcomes = await Promise.all([1, 2, 3].map(() => revokeLease(world.ports, lease.id, DUE)));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['revoked', 'revoked', 'revoked']);
    expect(world.eventNames).toEqual(['lease.revoked']);
    expect(world.lease(lease.id).version).toBe(2);
  });

  it('that nobody knows is unknown', async () => {
    const { world } = worldWithTarget();
    expect(await revokeLease(world.ports, 'nobody', DUE)).toEqual({ outcome: 'unknown' });
    expect(world.steering.hubCalls).toBe(0);
  });

  it('cannot be revoked while the store is out, and stays due', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('leases.get', rejects);
    await expect(revokeLease(world.ports, lease.id, DUE)).rejects.toThrow();
    expect(world.steering.hubCalls).toBe(0);
    expect(world.lease(lease.id)).toEqual(lease);
  });

  it('whose revocation could not be recorded is still due, and the next attempt finds the token gone', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('leases.update', rejects);
    await expect(revokeLease(world.ports, lease.id, DUE)).rejects.toThrow();
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.events).toEqual([]);
    expect(await revokeLease(world.ports, lease.id, DUE)).toMatchObject({
      outcome: 'revoked',
      lease: { evidence: { kind: 'deleted', httpStatus: 404 } },
    });
  });

  it('whose revocation was recorded though the reply was lost is revoked', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('leases.update', losesReply);
    await expect(revokeLease(world.ports, lease.id, DUE)).rejects.toThrow();
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('revoked');
    expect(world.lease(lease.id).version).toBe(2);
  });
});

describe('a lease whose end is asked for', () => {
  it('is revoked before it is due: marked first, with who asked', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    const revocation = await revokeLease(world.ports, lease.id, ASKED);
    expect(revocation).toMatchObject({
      outcome: 'revoked',
      lease: { version: 3, revokeReason: 'caller', revokingSinceMs: NOW_MS, revokedAtMs: NOW_MS },
    });
    expect(world.steering.order('leases.update', 'hub.deleteToken')).toEqual([
      'leases.update',
      'hub.deleteToken',
      'leases.update',
    ]);
    expect(world.events).toEqual([
      {
        event: 'lease.revoke_requested',
        atMs: NOW_MS,
        ...ids(lease),
        requestId: 'request-1',
        sourceIp: '192.0.2.7',
        detail: { reason: 'caller' },
      },
      {
        event: 'lease.revoked',
        atMs: NOW_MS,
        ...ids(lease),
        detail: { reason: 'caller', evidence: 'deleted', overdueMs: 0 },
      },
    ]);
  });

  it('names who asked, also where that is not its owner, and no address that is not known', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    const admin = { arn: 'arn:aws:iam::111122223333:role/admin', accountId: '111122223333' };
    const origin = { caller: admin, requestId: 'request-2' };
    await revokeLease(world.ports, lease.id, { ...ASKED, origin });
    expect(world.events[0]).toMatchObject({ requestId: 'request-2', caller: admin.arn });
    expect(world.events[0]).not.toHaveProperty('sourceIp');
  });

  it('that is being revoked already is taken up without marking it again, and keeps its first reason and time', async () => {
    const { world, lease } = worldWithDue({
      status: 'revoking',
      revokeReason: 'mint_failed',
      revokingSinceMs: NOW_MS - 9_000,
      attempts: 3,
      lastError: 'hub_unavailable:timeout',
      dueAtMs: NOW_MS + 60_000,
    });
    await revokeLease(world.ports, lease.id, ASKED);
    const row = world.lease(lease.id);
    expect(row).toMatchObject({
      version: 2,
      status: 'revoked',
      revokeReason: 'mint_failed',
      revokingSinceMs: NOW_MS - 9_000,
      attempts: 3,
    });
    expect(row).not.toHaveProperty('lastError');
    expect(row).not.toHaveProperty('dueAtMs');
    expect(world.eventNames).toEqual(['lease.revoked']);
  });

  it('that is revoked already is a success without a call', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target);
    expect(await revokeLease(world.ports, lease.id, ASKED)).toEqual({ outcome: 'revoked', lease });
    expect(world.steering.hubCalls).toBe(0);
    expect(world.events).toEqual([]);
  });

  it('and whose marking conflicts is read anew: the other writer’s changes stay', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { renewable: true });
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, { expiresAtMs: NOW_MS + 7, dueAtMs: NOW_MS + 7 })),
    );
    await revokeLease(world.ports, lease.id, ASKED);
    expect(world.lease(lease.id)).toMatchObject({ version: 4, status: 'revoked', expiresAtMs: NOW_MS + 7 });
    expect(world.eventNames).toEqual(['lease.revoke_requested', 'lease.revoked']);
  });

  it('and whose marking conflicts again and again is given up after eight, with Docker Hub untouched', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, {})),
      { times: 8 },
    );
    await expect(revokeLease(world.ports, lease.id, ASKED)).rejects.toThrow('too many writers');
    expect(world.steering.argsOf('leases.update')).toHaveLength(8);
    expect(world.steering.hubCalls).toBe(0);

    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, {})),
      { times: 7 },
    );
    expect((await revokeLease(world.ports, lease.id, ASKED)).outcome).toBe('revoked');
  });
});

describe('a lease that is still minting', () => {
  it('is taken up when its mint window is over, and waits for the quiet period without counting it a failure', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    world.clock.advance(LIMITS.mintWindowMs - 1);
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('not_due');
    world.clock.advance(1);
    const nowMs = NOW_MS + LIMITS.mintWindowMs;
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({
      outcome: 'pending',
      lease: {
        ...lease,
        status: 'revoking',
        version: 3,
        opId: expect.any(String),
        revokeReason: 'expired',
        revokingSinceMs: nowMs,
        attempts: 0,
        lastError: 'quiet_period',
        dueAtMs: NOW_MS + QUIET_AFTER_MS,
      },
    });
    expect(world.steering.argsOf('queue.send')).toEqual([
      [lease.id, 1],
      [lease.id, QUIET_AFTER_MS - LIMITS.mintWindowMs],
    ]);
    expect(world.events.at(-1)).toEqual({
      event: 'lease.revoke_delayed',
      atMs: nowMs,
      leaseId: lease.id,
      secret: 'ci/release',
      target: 'acme-bot',
      caller: ORIGIN.caller.arn,
      code: 'quiet_period',
      detail: { attempts: 0, nextInMs: QUIET_AFTER_MS - LIMITS.mintWindowMs, waiting: true },
    });
  });

  it('is revoked on two listings at the end of the quiet period, and what was found by label stays on record', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    const { tokenId } = world.addToken(target, lease);
    world.clock.advance(LIMITS.mintWindowMs);
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id).removedTokenIds).toEqual([tokenId]);
    world.clock.advance(QUIET_AFTER_MS - LIMITS.mintWindowMs);
    const revocation = await revokeLease(world.ports, lease.id, DUE);
    expect(revocation).toMatchObject({
      outcome: 'revoked',
      lease: { removedTokenIds: [tokenId], evidence: { kind: 'absent', removedTokenIds: [tokenId] } },
    });
    expect(revocation).not.toHaveProperty('lease.lastError');
    expect(world.events.at(-1)).toMatchObject({ detail: { reason: 'expired', evidence: 'absent', overdueMs: 0 } });
  });

  it('without anything found has no removed tokens on record', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    world.clock.advance(QUIET_AFTER_MS);
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).not.toHaveProperty('removedTokenIds');
  });

  it('whose token the asker knows is deleted by id, without waiting', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    const { tokenId } = world.addToken(target, lease);
    const order: RevokeOrder = { trigger: 'asked', reason: 'mint_failed', tokenId };
    expect(await revokeLease(world.ports, lease.id, order)).toMatchObject({
      outcome: 'revoked',
      lease: { tokenId, version: 3, revokeReason: 'mint_failed', evidence: { kind: 'deleted', httpStatus: 204 } },
    });
    expect(world.hub.tokens.size).toBe(0);
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
  });

  it('and being revoked by label already takes the token that the asker knows on record first', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, {
      status: 'revoking',
      revokeReason: 'caller',
      revokingSinceMs: NOW_MS - 5,
      dueAtMs: NOW_MS + 999,
    });
    const { tokenId } = world.addToken(target, lease);
    await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'mint_failed', tokenId });
    expect(world.steering.argsOf('leases.update')[0]).toEqual([
      { ...lease, version: 2, opId: expect.any(String), tokenId, dueAtMs: NOW_MS },
    ]);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'caller', tokenId });
    expect(world.eventNames).toEqual(['lease.revoked']);
  });
});

describe('an attempt that fails', () => {
  it('is written down with its code, counted, and repeated two seconds later', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'forbidden' })));
    const revocation = await revokeLease(world.ports, lease.id, DUE);
    const row: Lease = {
      ...lease,
      status: 'revoking',
      version: 2,
      opId: expect.any(String),
      revokeReason: 'expired',
      revokingSinceMs: NOW_MS,
      attempts: 1,
      lastError: 'hub_refused:forbidden',
      dueAtMs: NOW_MS + 2_000,
    };
    expect(revocation).toEqual({ outcome: 'pending', lease: row });
    expect(world.lease(lease.id)).toEqual(row);
    expect(world.steering.argsOf('leases.update').map(([, count]) => count)).toEqual([undefined]);
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 2_000]]);
    expect(world.events).toEqual([
      {
        event: 'lease.revoke_delayed',
        atMs: NOW_MS,
        ...ids(lease),
        code: 'hub_refused:forbidden',
        detail: { attempts: 1, nextInMs: 2_000, waiting: false },
      },
    ]);
  });

  it.each([
    [1, 4_000],
    [2, 8_000],
    [7, 256_000],
    [8, 512_000],
    [9, 900_000],
    [60, 900_000],
    [5_000, 900_000],
  ])('after %i others is repeated %i ms later: twice the last pause, at most 15 minutes', async (attempts, pauseMs) => {
    const { world, lease } = worldWithDue({ status: 'revoking', revokeReason: 'expired', attempts });
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'forbidden' })));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({ attempts: attempts + 1, dueAtMs: NOW_MS + pauseMs });
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, pauseMs]]);
  });

  it('honours the installation’s own longest pause', async () => {
    const world = new World({ limits: { maxRetryMs: 3_000 } });
    const lease = world.addLease(world.addTarget(), { dueAtMs: NOW_MS, attempts: 1 });
    world.steering.on('hub.deleteToken', answers(OUT));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id).dueAtMs).toBe(NOW_MS + 3_000);
  });

  it.each([
    [6, []],
    [7, ['lease.stuck']],
    [8, []],
  ])('after %i others is told of as stuck, once, in all its attempts: %j', async (attempts, stuck) => {
    const { world, lease } = worldWithDue({ status: 'revoking', revokeReason: 'expired', attempts });
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'forbidden' })));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.eventNames).toEqual(['lease.revoke_delayed', ...stuck]);
    const told = { event: 'lease.stuck', atMs: NOW_MS, ...ids(lease), code: 'hub_refused:forbidden' };
    expect(world.events.slice(1)).toEqual(stuck.map(() => told));
  });

  it('is not stuck that only waits for the quiet period', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, {
      status: 'revoking',
      revokeReason: 'expired',
      attempts: 8,
      dueAtMs: NOW_MS,
    });
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.eventNames).toEqual(['lease.revoke_delayed']);
    expect(world.lease(lease.id)).toMatchObject({ attempts: 8, lastError: 'quiet_period' });
  });

  it('matters no more when its message is lost: the row is due', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(OUT));
    world.steering.on('queue.send', rejects);
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('pending');
    expect(await world.leases.port.due(NOW_MS + 5_000, { limit: 9 })).toEqual({ items: [lease.id] });
  });

  it('with a lost reply of the delete is followed by one that finds the token gone', async () => {
    const { world, lease } = worldWithDue();
    const timeout = refusal({ tag: 'fault', code: 'timeout' });
    world.steering.on('hub.deleteToken', appliesThenAnswers(timeout));
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('pending');
    world.clock.advance(5_000);
    expect(await revokeLease(world.ports, lease.id, DUE)).toMatchObject({
      outcome: 'revoked',
      lease: { attempts: 1, evidence: { kind: 'deleted', httpStatus: 404 } },
    });
  });

  it('on another account leaves the lease revoking for as long as its token may live', async () => {
    const { world, lease } = worldWithDue();
    world.addTarget({ username: 'acme-bot2' });
    expect(await revokeLease(world.ports, lease.id, DUE)).toMatchObject({
      outcome: 'pending',
      lease: { status: 'revoking', lastError: 'wrong_account' },
    });
    expect(world.hub.tokens.size).toBe(1);
  });

  it.each([
    ['the target is gone', (world: World) => world.catalog.targets.set('acme-bot', undefined)],
    ['the credential is refused', (world: World) => world.hub.accounts.clear()],
    ['Docker Hub does not delete', (world: World) => world.steering.on('hub.deleteToken', answers(OUT))],
  ])('because %s is no matter once Docker Hub’s own clock has passed the expiry by five minutes', async (_, happen) => {
    const { world, lease } = worldWithDue({ hubExpiresAtMs: NOW_MS });
    happen(world);
    world.clock.advance(300_001);
    expect(await revokeLease(world.ports, lease.id, DUE)).toMatchObject({
      outcome: 'revoked',
      lease: { status: 'revoked', evidence: { kind: 'expired', hubDateMs: NOW_MS + 300_001, hubExpiresAtMs: NOW_MS } },
    });
    expect(world.events.find(({ event }) => event === 'lease.revoked')).toMatchObject({
      detail: { evidence: 'expired', overdueMs: 300_001 },
    });
  });

  it('keeps on record what was found by label, also when expiry is the proof in the end', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { hubExpiresAtMs: NOW_MS });
    const { tokenId } = world.addToken(target, lease);
    world.clock.advance(300_001);
    world.steering.on('hub.listTokens', answers(OUT), { nth: 2 });
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({ removedTokenIds: [tokenId], evidence: { kind: 'expired' } });
  });

  it('that began in the quiet period and ends after it asks for the next at once', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    world.clock.advance(QUIET_AFTER_MS - 1_000);
    world.steering.on(
      'hub.listTokens',
      preceded(() => world.clock.advance(3_000)),
    );
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({ attempts: 0, lastError: 'quiet_period' });
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 0]]);
  });
});

describe('a lease for which Docker Hub takes no more requests', () => {
  const THROTTLED = refusal({ tag: 'throttled', retryAtMs: NOW_MS + 42_000 });

  /** Revokes in a crowd of leases that have waited so long, and says when each comes back. */
  async function turnsOf(count: number, waitedMs: number, askedMs = 42_000): Promise<number[]> {
    const { world, target } = worldWithTarget();
    const waiting = { status: 'revoking', revokeReason: 'expired', revokingSinceMs: NOW_MS - waitedMs } as const;
    const leases = Array.from({ length: count }, () => world.addLease(target, { dueAtMs: NOW_MS, ...waiting }));
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'throttled', retryAtMs: NOW_MS + askedMs })));
    for (const lease of leases) await revokeLease(world.ports, lease.id, DUE);
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(1);
    const turns = leases.map(({ id }) => (world.lease(id).dueAtMs as number) - NOW_MS);
    expect(world.steering.argsOf('queue.send')).toEqual(leases.map(({ id }, at) => [id, turns[at]]));
    return turns;
  }

  it.each([
    ['at first within ten seconds of the next window', 0, 42_000, 52_000],
    ['after an hour within fifteen minutes, which is the longest pause', 3_600_000, 42_000, 900_000],
    ['after a day within fifteen minutes too, and not all at their end', 86_400_000, 42_000, 900_000],
    ['after ten minutes within a quarter of that', 600_000, 42_000, 192_000],
  ])('comes back %s, each at its own time, and one request has told them all', async (_, waitedMs, leastMs, mostMs) => {
    const turns = await turnsOf(40, waitedMs);
    const spanMs = mostMs - leastMs;
    expect(Math.min(...turns)).toBeGreaterThanOrEqual(leastMs);
    expect(Math.max(...turns)).toBeLessThan(mostMs);
    for (const quarter of [0, 1, 2, 3]) {
      const from = leastMs + (spanMs * quarter) / 4;
      expect(turns.filter((turn) => turn >= from && turn < from + spanMs / 4).length, `${turns}`).toBeGreaterThan(1);
    }
  });

  it('comes back after 15 minutes at the latest, whatever Docker Hub asks', async () => {
    expect(await turnsOf(1, 0, 3_600_000)).toEqual([900_000]);
  });

  it('has not failed: nothing is counted, nobody alarmed, and it is told of once', async () => {
    const { world, lease } = worldWithDue({ attempts: 7 });
    world.steering.on('hub.deleteToken', answers(THROTTLED));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', attempts: 7, lastError: 'hub_throttled' });
    world.clock.advance((world.lease(lease.id).dueAtMs as number) - NOW_MS);
    world.steering.on(
      'hub.deleteToken',
      answers(refusal({ tag: 'throttled', retryAtMs: world.clock.nowMs() + 9_000 })),
    );
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({ version: 3, attempts: 7 });
    expect(world.events).toMatchObject([
      { event: 'lease.revoke_delayed', code: 'hub_throttled', detail: { attempts: 7, waiting: true } },
    ]);
  });

  it('keeps minting from taking the requests that it waits for', async () => {
    const { world, target, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(THROTTLED));
    await revokeLease(world.ports, lease.id, DUE);
    world.clock.advance((world.lease(lease.id).dueAtMs as number) - NOW_MS - 1);
    expect(await failureOf(yieldToRevocation(world.ports, target))).toMatchObject({ tag: 'hub_throttled' });
    world.clock.advance(60_001);
    await expect(yieldToRevocation(world.ports, target)).resolves.toBeUndefined();
  });

  it('that is looked at before its turn is not sent again: a message of its own is on its way', async () => {
    const { world, lease } = worldWithDue({ status: 'revoking', revokeReason: 'expired', dueAtMs: NOW_MS + 10_001 });
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('not_due');
    expect(world.steering.argsOf('queue.send')).toEqual([]);
  });

  it('whose message only met a clock that is behind is sent again', async () => {
    const { world, lease } = worldWithDue({ status: 'revoking', revokeReason: 'expired', dueAtMs: NOW_MS + 10_000 });
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('not_due');
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 10_000]]);
  });
});

describe('other writers of a lease', () => {
  it('that revoked it in between have the last word on a failed attempt', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(OUT));
    world.steering.on(
      'leases.update',
      preceded(() => revokeLease({ ...world.ports, leases: world.leases.port }, lease.id, DUE)),
    );
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'revoked', lease: world.lease(lease.id) });
    expect(world.eventNames).toEqual(['lease.revoked']);
    expect(world.steering.argsOf('queue.send')).toEqual([]);
  });

  it('that only changed it leave a failed attempt pending, on their terms', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(OUT));
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, { dueAtMs: NOW_MS + 77 })),
    );
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'pending', lease: world.lease(lease.id) });
    expect(world.lease(lease.id)).toMatchObject({ version: 2, dueAtMs: NOW_MS + 77, attempts: 0 });
    expect(world.events).toEqual([]);
  });

  it.each([true, false])('that took the row away leave nothing to be said of it (evidence: %s)', async (evidence) => {
    const { world, lease } = worldWithDue();
    if (!evidence) world.steering.on('hub.deleteToken', answers(OUT));
    world.steering.on(
      'leases.update',
      preceded(() => world.leases.rows.set(lease.id, undefined)),
    );
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'unknown' });
    expect(world.events).toEqual([]);
  });

  it('that only changed it do not undo the proof: it is written over their row', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on(
      'leases.update',
      preceded(() =>
        world.rewrite(lease.id, {
          status: 'revoking',
          revokeReason: 'admin',
          attempts: 4,
          expiresAtMs: NOW_MS - 500,
        }),
      ),
    );
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({
      version: 3,
      status: 'revoked',
      revokeReason: 'admin',
      attempts: 4,
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
    expect(world.events).toMatchObject([{ detail: { reason: 'admin', overdueMs: 500 } }]);
  });

  it('that came with a token make the proof of none worthless', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    world.clock.advance(QUIET_AFTER_MS);
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, { tokenId: 'token-9' })),
      { nth: 2 },
    );
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'pending', lease: world.lease(lease.id) });
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', tokenId: 'token-9', version: 3 });
    expect(world.eventNames).toEqual(['lease.revoke_requested']);
  });

  it('that keep changing it end the attempt after eight conflicts, with the lease still due', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, {})),
      { times: 8 },
    );
    await expect(revokeLease(world.ports, lease.id, DUE)).rejects.toThrow('too many writers');
    expect(world.steering.argsOf('leases.update')).toHaveLength(8);
    expect(world.openLeases).toHaveLength(1);
  });

  it('may conflict seven times', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, {})),
      { times: 7 },
    );
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('revoked');
    expect(world.steering.argsOf('hub.deleteToken')).toHaveLength(1);
  });
});

describe('a revoked lease of which a live token is seen', () => {
  it('is open again, without the evidence that was wrong, and due at once', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target, { reopened: 1, counters: ['secret:ci/release'] });
    world.leases.counters.set('secret:ci/release', { open: 3, version: 1, changedAtMs: 0 });
    await reopenLease(world.ports, lease, 'token-7');
    const { evidence: _, revokedAtMs: __, ttlAtMs: ___, ...kept } = lease;
    expect(world.lease(lease.id)).toEqual({
      ...kept,
      status: 'revoking',
      version: 2,
      opId: expect.any(String),
      revokeReason: 'reopened',
      revokingSinceMs: NOW_MS,
      dueAtMs: NOW_MS,
      tokenId: 'token-7',
      reopened: 2,
    });
    expect(world.leases.counters.get('secret:ci/release')?.open).toBe(4);
    expect(world.events).toEqual([{ event: 'lease.reopened', atMs: NOW_MS, ...auditIds(lease), tokenId: 'token-7' }]);
  });

  it('counts how often that happened, from one', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target);
    await reopenLease(world.ports, lease, 'token-7');
    expect(world.lease(lease.id).reopened).toBe(1);
  });

  it('that somebody else reopened first is left to them', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target);
    world.rewrite(lease.id, { reason: 'theirs' });
    await reopenLease(world.ports, lease, 'token-7');
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', reason: 'theirs' });
    expect(world.events).toEqual([]);
  });

  it('by the minter that learns of its token too late is reopened and revoked by id', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target);
    const { tokenId } = world.addToken(target, lease);
    const order: RevokeOrder = { trigger: 'asked', reason: 'mint_failed', tokenId };
    expect(await revokeLease(world.ports, lease.id, order)).toMatchObject({
      outcome: 'revoked',
      lease: { version: 3, tokenId, reopened: 1, revokeReason: 'reopened', evidence: { kind: 'deleted' } },
    });
    expect(world.hub.tokens.size).toBe(0);
    expect(world.eventNames).toEqual(['lease.reopened', 'lease.revoked']);
  });
});

describe('what an audit event says of a lease', () => {
  it('leaves out a token that is not known', () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target);
    expect(auditIds(lease)).toStrictEqual({
      leaseId: lease.id,
      secret: 'ci/release',
      target: 'acme-bot',
      caller: ORIGIN.caller.arn,
    });
  });

  it('names the token by id and hash where both are known', () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    expect(auditIds(lease)).toEqual(ids(lease));
  });
});
