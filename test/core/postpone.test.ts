import { describe, expect, it } from 'vitest';
import { type RevokeOrder, revokeLease } from '../../functions/core/ending/revoke.ts';
import { yieldToRevocation } from '../../functions/core/hub/rate.ts';
import { auditIds } from '../../functions/core/model/audit-event.ts';
import type { OpenOverrides } from '../contract/builders.ts';
import { OUR_USER_AGENT } from './ports/hub.ts';
import { answers, appliesThenAnswers, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, QUIET_AFTER_MS, World } from './world.ts';

const DUE: RevokeOrder = { trigger: 'due', reason: 'expired' };
const OUT = refusal({ tag: 'fault', code: 'server_error' });

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

describe('an attempt that fails', () => {
  it('is written down with its code, counted, and repeated two seconds later', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'plan' })));
    const revocation = await revokeLease(world.ports, lease.id, DUE);
    const row = {
      ...lease,
      status: 'revoking',
      version: 2,
      opId: expect.any(String),
      revokeReason: 'expired',
      revokingSinceMs: NOW_MS,
      attempts: 1,
      lastError: 'hub_refused:plan',
      dueAtMs: NOW_MS + 2_000,
      attemptedAtMs: NOW_MS,
    };
    expect(revocation).toEqual({ outcome: 'pending', lease: row });
    expect(world.lease(lease.id)).toEqual(row);
    expect(world.steering.argsOf('leases.update').map(([, count]) => count)).toEqual([undefined]);
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 2_000]]);
    expect(world.events).toEqual([
      {
        event: 'lease.revoke_delayed',
        atMs: NOW_MS,
        ...auditIds(lease),
        code: 'hub_refused:plan',
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
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'plan' })));
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
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'plan' })));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.eventNames).toEqual(['lease.revoke_delayed', ...stuck]);
    const told = { event: 'lease.stuck', atMs: NOW_MS, ...auditIds(lease), code: 'hub_refused:plan' };
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

  it('by whose end somebody else has revoked the lease is over', async () => {
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

  it('by whose end somebody else has changed the lease is left to them', async () => {
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

  it.each<[string, OpenOverrides]>([
    ['a view', { seen: { atMs: NOW_MS, found: true, isActive: true, lastUsedAtMs: null } }],
    ['another attempt', { attemptedAtMs: NOW_MS }],
  ])('by whose end %s was noted is repeated as planned', async (_, noted) => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(OUT));
    world.steering.on(
      'leases.update',
      preceded(() => world.rewrite(lease.id, noted)),
    );
    expect((await revokeLease(world.ports, lease.id, DUE)).outcome).toBe('pending');
    expect(world.lease(lease.id)).toMatchObject({ ...noted, version: 3, attempts: 1, dueAtMs: NOW_MS + 5_000 });
    expect(world.steering.argsOf('queue.send')).toEqual([[lease.id, 5_000]]);
  });

  it('and is outrun by notes again and again is left to the sweep', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(OUT));
    const note = preceded(() => world.rewrite(lease.id, { seen: { atMs: NOW_MS, found: false } }));
    world.steering.on('leases.update', note, { times: 8 });
    expect(await revokeLease(world.ports, lease.id, DUE)).toMatchObject({ outcome: 'pending', lease: { version: 9 } });
    expect(await world.leases.port.due(NOW_MS, { limit: 9 })).toEqual({ items: [lease.id] });
  });

  it('on a row that somebody took away leaves nothing to be said of it', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(OUT));
    world.steering.on(
      'leases.update',
      preceded(() => world.leases.rows.set(lease.id, undefined)),
    );
    expect(await revokeLease(world.ports, lease.id, DUE)).toEqual({ outcome: 'unknown' });
    expect(world.events).toEqual([]);
    expect(world.steering.argsOf('queue.send')).toEqual([]);
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
    world.clock.advance(QUIET_AFTER_MS);
    expect(await revokeLease(world.ports, lease.id, DUE)).toMatchObject({
      outcome: 'revoked',
      lease: { attempts: 1, evidence: { kind: 'deleted', httpStatus: 404, confirmedBy: 'gone' } },
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
    const { world, lease } = worldWithDue({ hubReportedExpiresAtMs: NOW_MS });
    world.hub.change(lease.tokenId, { expiresAtMs: NOW_MS });
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
    const lease = world.addMinting(target, { removedTokenIds: ['token-0'], hubReportedExpiresAtMs: NOW_MS });
    world.clock.advance(300_001);
    world.steering.on('hub.listTokens', answers(OUT));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({ removedTokenIds: ['token-0'], evidence: { kind: 'expired' } });
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
    world.clock.advance(1_001);
    await expect(yieldToRevocation(world.ports, target)).resolves.toBeDefined();
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

describe('a lease that waits for what Docker Hub has only accepted', () => {
  const ACCEPTED = { ok: true, value: { httpStatus: 202 }, meta: {} } as const;

  it.each([
    ['after five seconds at first', 0, 5_000, 3],
    ['after five seconds while half of the time waited is no more', 10_000, 5_000, 3],
    ['after half of the time waited from there on', 10_002, 5_001, 3],
    ['as before just short of ten minutes', 599_998, 299_999, 3],
    ['as before from ten minutes on, and then counts as failing', 600_000, 300_000, 4],
    ['after 15 minutes at the latest', 1_900_000, 900_000, 4],
  ])('is looked at again %s', async (_, waitedMs, pauseMs, attempts) => {
    const waiting = {
      status: 'revoking',
      revokeReason: 'expired',
      revokingSinceMs: NOW_MS - waitedMs,
    } as const;
    const { world, lease } = worldWithDue({ ...waiting, attempts: 3 });
    // Two seconds pass between the two looks.
    world.clock.advance(-2_000);
    world.steering.on('hub.deleteToken', answers(ACCEPTED));
    await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'expired' });
    expect(world.lease(lease.id)).toMatchObject({
      attempts,
      lastError: 'delete_pending',
      dueAtMs: NOW_MS + pauseMs,
    });
  });

  it('says so once', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(ACCEPTED), { times: 3 });
    for (let attempt = 0; attempt < 3; attempt++) {
      await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'expired' });
    }
    expect(world.eventNames.filter((name) => name !== 'lease.revoke_requested')).toEqual(['lease.revoke_delayed']);
  });

  it('says so again where it waits for something else', async () => {
    const { world, lease } = worldWithDue({ status: 'revoking', revokeReason: 'expired', lastError: 'hub_throttled' });
    world.steering.on('hub.deleteToken', answers(ACCEPTED));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.events).toMatchObject([{ event: 'lease.revoke_delayed', code: 'delete_pending' }]);
  });

  it('keeps nobody from minting', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(ACCEPTED));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.sessions.rows.get('acme-bot')).not.toHaveProperty('revocationsUntilMs');
  });

  it('knows the expiry that Docker Hub shows for its token, or none', async () => {
    const { world, lease } = worldWithDue();
    world.steering.on('hub.deleteToken', answers(ACCEPTED), { times: 2 });
    for (const expiresAtMs of [NOW_MS + 5, null]) {
      world.hub.change(lease.tokenId, { expiresAtMs });
      await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'expired' });
      expect(world.lease(lease.id).hubReportedExpiresAtMs).toBe(expiresAtMs ?? undefined);
    }
  });
});

describe('a lease whose account cannot be reached', () => {
  it('is told of at every attempt, beside what every failed attempt says', async () => {
    const { world, lease } = worldWithDue();
    for (const call of ['hub.deleteToken', 'hub.getToken', 'hub.listTokens'] as const) {
      world.steering.on(call, answers(refusal({ tag: 'not_found' })), { times: 2 });
    }
    await revokeLease(world.ports, lease.id, DUE);
    await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'expired' });
    expect(world.eventNames).toEqual([
      'lease.revoke_delayed',
      'account.unreachable',
      'lease.revoke_delayed',
      'account.unreachable',
    ]);
    expect(world.events[1]).toEqual({
      event: 'account.unreachable',
      atMs: NOW_MS,
      target: 'acme-bot',
      leaseId: lease.id,
    });
    expect(world.lease(lease.id)).toMatchObject({ attempts: 2, lastError: 'account_unreachable' });
  });
});

describe('a lease that a listed token may belong to', () => {
  function worldWithSuspect(overrides: OpenOverrides = {}) {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, { status: 'revoking', revokeReason: 'expired', ...overrides });
    const { tokenId } = world.hub.give('acme-bot', 'cut', { creatorUserAgent: OUR_USER_AGENT });
    world.clock.advance(QUIET_AFTER_MS);
    return { world, lease, tokenId };
  }

  it('stays open, names that token, and is counted as failing', async () => {
    const { world, lease, tokenId } = worldWithSuspect({ revokingSinceMs: NOW_MS });
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({ attempts: 1, lastError: 'unclear_token', blockedBy: [tokenId] });
    expect(world.eventNames).toEqual(['lease.revoke_delayed']);
  });

  it('is told of after ten minutes', async () => {
    const { world, lease, tokenId } = worldWithSuspect({ revokingSinceMs: NOW_MS + QUIET_AFTER_MS - 600_000 });
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.events.slice(1)).toEqual([
      {
        event: 'lease.blocked',
        atMs: NOW_MS + QUIET_AFTER_MS,
        ...auditIds(lease),
        code: 'unclear_token',
        detail: { tokenIds: tokenId },
      },
    ]);
  });

  it('goes on naming it where a listing fails, which is no reason to believe that it is gone', async () => {
    const { world, lease } = worldWithSuspect({ blockedBy: ['token-s'], hubReportedExpiresAtMs: NOW_MS - 999_999 });
    world.steering.on('hub.listTokens', answers(OUT));
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({
      status: 'revoking',
      lastError: 'hub_unavailable:server_error',
      blockedBy: ['token-s'],
    });
    expect(world.eventNames).toEqual(['lease.revoke_delayed']);
  });

  it('is over once that token is', async () => {
    const { world, lease, tokenId } = worldWithSuspect();
    await revokeLease(world.ports, lease.id, DUE);
    world.hub.change(tokenId, { isActive: false });
    expect(await revokeLease(world.ports, lease.id, { trigger: 'asked', reason: 'admin' })).toMatchObject({
      outcome: 'revoked',
      lease: { evidence: { kind: 'absent' } },
    });
    expect(world.lease(lease.id)).not.toHaveProperty('blockedBy');
  });
});

describe('a lease whose account’s list serves no proof', () => {
  const LAGS = { refusal: { code: 'list_lags', sinceMs: NOW_MS, triedAtMs: NOW_MS } } as const;

  it.each([
    ['waits for ten minutes', 599_999, 7, []],
    ['then counts as failing, which is told of as stuck', 600_000, 8, ['lease.stuck']],
  ])('%s', async (_, revokingForMs, attempts, told) => {
    const { world, target } = worldWithTarget();
    const lease = world.addMinting(target, {
      status: 'revoking',
      revokeReason: 'mint_failed',
      mintByMs: NOW_MS - QUIET_AFTER_MS,
      revokingSinceMs: NOW_MS - revokingForMs,
      dueAtMs: NOW_MS,
      attempts: 7,
    });
    world.addFacts(target.name, LAGS);
    await revokeLease(world.ports, lease.id, DUE);
    expect(world.lease(lease.id)).toMatchObject({ status: 'revoking', lastError: 'list_lag_unknown', attempts });
    expect(world.eventNames).toEqual(['lease.revoke_delayed', ...told]);
  });
});
