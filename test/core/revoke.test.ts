import { describe, expect, it, vi } from 'vitest';
import { type RevokeOrder, reopenLease, revokeLease } from '../../functions/core/ending/revoke.ts';
import { type AuditEvent, auditIds } from '../../functions/core/model/audit-event.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { OpenOverrides } from '../contract/builders.ts';
import { losesReply, preceded, rejects } from './ports/steering.ts';
import { LIMITS, NOW_MS, ORIGIN, QUIET_AFTER_MS, World } from './world.ts';

const DUE: RevokeOrder = { trigger: 'due', reason: 'expired' };
const ASKED: RevokeOrder = { trigger: 'asked', reason: 'caller', origin: ORIGIN };

function worldWithTarget() {
  const world = new World();
  return { world, target: world.addTarget() };
}

/** A lease that expires now. */
function worldWithDue(overrides: OpenOverrides = {}) {
  const { world, target } = worldWithTarget();
  const lease = world.addLease(target, { expiresAtMs: NOW_MS, dueAtMs: NOW_MS, ...overrides });
  return { world, target, lease };
}

describe('an expired lease', () => {
  it('is revoked with the evidence of the delete, in one write, and its row given an end', async () => {
    const { world, lease } = worldWithDue();
    world.clock.advance(1_500);
    const revocation = await revokeLease(world.ports, lease.id, DUE);
    const { dueAtMs: _, ...kept } = lease;
    const row = {
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
        ...auditIds(lease),
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
      attemptedAtMs: NOW_MS,
    });
    expect(revocation).toMatchObject({ outcome: 'revoked', lease: { version: 3, status: 'revoked' } });
    expect(world.eventNames).toEqual(['lease.revoke_requested', 'lease.revoked']);
    expect(world.events[0]).toEqual({
      event: 'lease.revoke_requested',
      atMs: NOW_MS,
      ...auditIds(lease),
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
    world.clock.advance(QUIET_AFTER_MS);
    expect(await revokeLease(world.ports, lease.id, DUE)).toMatchObject({
      outcome: 'revoked',
      lease: { evidence: { kind: 'deleted', httpStatus: 404, confirmedBy: 'gone' } },
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
        ...auditIds(lease),
        requestId: 'request-1',
        sourceIp: '192.0.2.7',
        detail: { reason: 'caller' },
      },
      {
        event: 'lease.revoked',
        atMs: NOW_MS,
        ...auditIds(lease),
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
      blockedBy: ['token-s'],
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
    expect(row).not.toHaveProperty('blockedBy');
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

describe('an audit log that is slow', () => {
  it('keeps no token alive: the delete does not wait for it', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target);
    let answer = (_: 'lost') => {};
    const slow = new Promise<'lost'>((resolve) => {
      answer = resolve;
    });
    const record = async ({ event }: AuditEvent) => (event === 'lease.revoke_requested' ? slow : 'stored');
    const revocation = revokeLease({ ...world.ports, audit: { record } }, lease.id, ASKED);
    await vi.waitFor(() => expect(world.lease(lease.id).status).toBe('revoked'));
    expect(world.hub.tokens.size).toBe(0);
    answer('lost');
    expect(await revocation).toMatchObject({ outcome: 'revoked' });
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
        attemptedAtMs: nowMs,
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
      callerId: ORIGIN.caller.id,
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
      { ...lease, version: 2, opId: expect.any(String), tokenId, dueAtMs: NOW_MS, attemptedAtMs: NOW_MS },
    ]);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoked', revokeReason: 'caller', tokenId });
    expect(world.eventNames).toEqual(['lease.revoked']);
  });

  it.each([
    ['what it is', NOW_MS + 9, NOW_MS + 9],
    ['none', null, undefined],
    ['nothing of it', undefined, NOW_MS + 5],
  ])('takes the expiry that Docker Hub reported for that token on record: %s', async (_, reported, kept) => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { hubReportedExpiresAtMs: NOW_MS + 5, blockedBy: ['token-s'] });
    const { tokenId } = world.addToken(target, lease);
    const order: RevokeOrder = { trigger: 'asked', reason: 'mint_failed', tokenId };
    await revokeLease(
      world.ports,
      lease.id,
      reported === undefined ? order : { ...order, reportedExpiresAtMs: reported },
    );
    const [marked] = world.steering.argsOf('leases.update')[0] as [Lease];
    expect(marked.hubReportedExpiresAtMs).toBe(kept);
    expect(marked).not.toHaveProperty('blockedBy');
  });

  it('and whose token was seen in the list is over as soon as the list lacks it', async () => {
    const { world, target } = worldWithTarget();
    const order = { trigger: 'asked', reason: 'verified', tokenId: 'token-9' } as const;
    const [one, other] = [world.addMinting(target), world.addMinting(target)];
    expect(await revokeLease(world.ports, one.id, order)).toMatchObject({ lease: { lastError: 'quiet_period' } });
    const revocation = await revokeLease(world.ports, other.id, { ...order, isListed: true });
    expect(revocation).toMatchObject({ outcome: 'revoked', lease: { evidence: { confirmedBy: 'gone' } } });
  });
});

describe('a lease whose create Docker Hub refused', () => {
  const REFUSED = {
    status: 'revoking',
    createRefused: true,
    revokeReason: 'mint_failed',
    revokingSinceMs: NOW_MS,
    lastError: 'create_refused',
    dueAtMs: NOW_MS + 86_400_000,
  } as const;

  it.each([
    ['asked for', { trigger: 'asked', reason: 'caller' }],
    ['triggered', { trigger: 'due', reason: 'expired' }],
  ] as const)('costs nobody a request when its end is %s: the sweep ends it', async (trigger, order) => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, REFUSED);
    world.clock.advance(86_399_999);
    const outcome = trigger === 'asked for' ? 'pending' : 'not_due';
    expect(await revokeLease(world.ports, lease.id, order)).toEqual({ outcome, lease });
    expect(world.steering.hubCalls).toBe(0);
    expect(world.lease(lease.id)).toEqual(lease);
    expect(world.steering.argsOf('queue.send')).toHaveLength(trigger === 'asked for' ? 0 : 1);
  });

  it('is looked for by itself once no sweep has ended it for a day, and has no places to give back', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { ...REFUSED, counters: ['secret:ci/release'] });
    world.leases.counters.set('secret:ci/release', { open: 3, version: 1, changedAtMs: 0 });
    world.clock.advance(86_400_000);
    expect(await revokeLease(world.ports, lease.id, DUE)).toMatchObject({
      outcome: 'revoked',
      lease: { evidence: { kind: 'absent' }, revokeReason: 'mint_failed' },
    });
    expect(world.leases.counters.get('secret:ci/release')?.open).toBe(3);
  });

  it('and made a token all the same is revoked at once by whoever has seen that', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { ...REFUSED, blockedBy: ['token-s'] });
    const { tokenId } = world.addToken(target, lease);
    const order: RevokeOrder = { trigger: 'asked', reason: 'mint_failed', tokenId };
    const revocation = await revokeLease(world.ports, lease.id, order);
    expect(revocation).toMatchObject({ outcome: 'revoked', lease: { tokenId, evidence: { kind: 'deleted' } } });
    expect(revocation).not.toHaveProperty('lease.blockedBy');
    expect(world.hub.tokens.size).toBe(0);
  });

  it('and names its token is revoked like any other', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addLease(target, { ...REFUSED });
    expect((await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'caller' })).outcome).toBe('revoked');
    expect(world.hub.tokens.has(lease.tokenId)).toBe(false);
  });
});

describe('a revoked lease of which a live token is seen', () => {
  it('is open again, without the evidence that was wrong, and due at once', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target, { reopened: 1, counters: ['secret:ci/release'] });
    world.leases.counters.set('secret:ci/release', { open: 3, version: 1, changedAtMs: 0 });
    await reopenLease(world.ports, lease, { tokenId: 'token-7' });
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
    await reopenLease(world.ports, lease, { tokenId: 'token-7' });
    expect(world.lease(lease.id).reopened).toBe(1);
  });

  it.each([
    ['what it is', NOW_MS + 9, NOW_MS + 9],
    ['none', null, undefined],
    ['nothing of it', undefined, NOW_MS + 5],
  ])('takes the expiry that Docker Hub reports for it on record: %s', async (_, reported, kept) => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target, { hubReportedExpiresAtMs: NOW_MS + 5 });
    const seen = reported === undefined ? {} : { reportedExpiresAtMs: reported };
    await reopenLease(world.ports, lease, { tokenId: 'token-7', ...seen });
    expect(world.lease(lease.id).hubReportedExpiresAtMs).toBe(kept);
  });

  it('though its create was refused has its places again, and gives them back in the end', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target, { createRefused: true, counters: ['secret:ci/release'] });
    world.leases.counters.set('secret:ci/release', { open: 3, version: 1, changedAtMs: 0 });
    const { tokenId } = world.addToken(target, lease);
    await reopenLease(world.ports, lease, { tokenId });
    expect(world.lease(lease.id)).not.toHaveProperty('createRefused');
    expect(world.leases.counters.get('secret:ci/release')?.open).toBe(4);
    await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'reopened' });
    expect(world.leases.counters.get('secret:ci/release')?.open).toBe(3);
  });

  it('that somebody else reopened first is left to them', async () => {
    const { world, target } = worldWithTarget();
    const lease = world.addRevoked(target);
    world.rewrite(lease.id, { reason: 'theirs' });
    await reopenLease(world.ports, lease, { tokenId: 'token-7' });
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
