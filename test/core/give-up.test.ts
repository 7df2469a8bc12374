import { describe, expect, it } from 'vitest';
import { abandon, giveUp, leaveToSweep, settled } from '../../functions/core/ending/give-up.ts';
import { revokeLease } from '../../functions/core/ending/revoke.ts';
import { answers, refusal, rejects } from './ports/steering.ts';
import { LIMITS, NOW_MS, World } from './world.ts';

const DAY_MS = 86_400_000;

/** A lease whose create was sent, one of two that hold a place. */
function worldWithIntent() {
  const world = new World();
  const target = world.addTarget();
  const intent = world.addMinting(target, { counters: ['target:acme-bot'] });
  world.leases.counters.set('target:acme-bot', { open: 2, version: 7, changedAtMs: NOW_MS });
  world.clock.advance(300);
  return { world, target, intent, row: () => world.lease(intent.id) };
}

const open = (world: World) => world.leases.counters.get('target:acme-bot')?.open;

/** What both ways to give up a create without a token write. */
const begun = { status: 'revoking', revokeReason: 'mint_failed', revokingSinceMs: NOW_MS + 300 } as const;

describe('a create of unknown outcome', () => {
  it('is handed to the revoker at once, and keeps its place until it is proven over', async () => {
    const { world, intent, row } = worldWithIntent();
    await abandon(world.ports, intent);
    expect(row()).toEqual({ ...intent, ...begun, version: 2, opId: 'op-1', dueAtMs: NOW_MS + 300 });
    expect(row()).not.toHaveProperty('createRefused');
    expect(world.steering.argsOf('queue.send')).toEqual([[intent.id, 0]]);
    expect(open(world)).toBe(2);
  });

  it.each(['leases.update', 'queue.send'] as const)('is due by itself where %s fails', async (call) => {
    const { world, intent, row } = worldWithIntent();
    world.steering.on(call, rejects);
    await abandon(world.ports, intent);
    expect(row().dueAtMs).toBeLessThanOrEqual(intent.mintByMs);
    expect(world.steering.argsOf('queue.send')).toHaveLength(1);
  });
});

describe('a create that Docker Hub refused', () => {
  it('gives its place back in the write that says so, and costs nobody a message or a request', async () => {
    const { world, intent, row } = worldWithIntent();
    await leaveToSweep(world.ports, intent);
    expect(row()).toEqual({
      ...intent,
      ...begun,
      version: 2,
      opId: 'op-1',
      createRefused: true,
      lastError: 'create_refused',
      dueAtMs: NOW_MS + 300 + DAY_MS,
    });
    expect(open(world)).toBe(1);
    expect(world.steering.calls.map(({ name }) => name)).toEqual(['leases.update']);
    expect(world.steering.argsOf('leases.update')).toEqual([[row(), 'release']]);
    expect(world.events).toEqual([]);
  });

  it('is not touched by its timed triggers for a day', async () => {
    const { world, intent, row } = worldWithIntent();
    await leaveToSweep(world.ports, intent);
    const refused = row();
    expect(await world.leases.port.due(NOW_MS + DAY_MS + 299, { limit: 9 })).toEqual({ items: [] });
    // Its backstop was armed for its end.
    world.clock.advance(900_000);
    const outcome = await revokeLease(world.ports, intent.id, { trigger: 'due', reason: 'expired' });
    expect(outcome).toMatchObject({ outcome: 'not_due' });
    expect(row()).toEqual(refused);
    expect(world.steering.hubCalls).toBe(0);
    expect(world.steering.argsOf('queue.send')).toEqual([]);
  });

  it('is looked for by the revoker after a day in which no sweep ended it', async () => {
    const { world, intent, row } = worldWithIntent();
    await leaveToSweep(world.ports, intent);
    world.clock.advance(DAY_MS);
    expect(await world.leases.port.due(world.clock.nowMs(), { limit: 9 })).toEqual({ items: [intent.id] });
    await revokeLease(world.ports, intent.id, { trigger: 'due', reason: 'expired' });
    expect(row()).toMatchObject({ status: 'revoked', revokeReason: 'mint_failed', evidence: { kind: 'absent' } });
    // Its place was given back before.
    expect(open(world)).toBe(1);
  });

  it('whose write is lost is due by itself when its mint window ends', async () => {
    const { world, intent, row } = worldWithIntent();
    world.steering.on('leases.update', rejects);
    await leaveToSweep(world.ports, intent);
    expect(row()).toEqual(intent);
    expect(intent.dueAtMs).toBe(NOW_MS + LIMITS.mintWindowMs);
  });
});

describe('a token that will not be answered', () => {
  function worldWithToken() {
    const made = worldWithIntent();
    const { tokenId } = made.world.addToken(made.target, made.intent);
    const created = { tokenId, token: 'secret', expiresAtMs: NOW_MS + 5_000_000 };
    return { ...made, created };
  }

  it('is deleted by its id at once', async () => {
    const { world, intent, row, created } = worldWithToken();
    await giveUp(world.ports, intent, created);
    expect(row()).toMatchObject({
      status: 'revoked',
      revokeReason: 'mint_failed',
      tokenId: created.tokenId,
      hubReportedExpiresAtMs: NOW_MS + 5_000_000,
      evidence: { kind: 'deleted', httpStatus: 204 },
    });
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
    expect(world.hub.tokens.size).toBe(0);
    expect(open(world)).toBe(1);
  });

  it('and cannot be deleted now is left to the revoker, with its id and the end that was reported', async () => {
    const { world, intent, row, created } = worldWithToken();
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'fault', code: 'server_error' })));
    await giveUp(world.ports, intent, created);
    expect(row()).toMatchObject({
      status: 'revoking',
      tokenId: created.tokenId,
      hubReportedExpiresAtMs: NOW_MS + 5_000_000,
      attempts: 1,
    });
    expect(world.steering.argsOf('queue.send')).toEqual([[intent.id, 5_000]]);
  });

  it('and of which no end was reported has none on record', async () => {
    const { world, intent, row, created } = worldWithToken();
    await giveUp(world.ports, intent, { ...created, expiresAtMs: null });
    expect(row().status).toBe('revoked');
    expect(row()).not.toHaveProperty('hubReportedExpiresAtMs');
  });

  it('is not the caller’s to wait for where the store is out', async () => {
    const { world, intent, row, created } = worldWithToken();
    world.steering.on('leases.get', rejects);
    await expect(giveUp(world.ports, intent, created)).resolves.toBeUndefined();
    expect(row()).toEqual(intent);
  });
});

describe('an effect that may fail without harm', () => {
  it('says whether it came about', async () => {
    expect(await settled(Promise.resolve(false))).toBe(true);
    expect(await settled(Promise.reject(new Error('no')))).toBe(false);
  });
});
