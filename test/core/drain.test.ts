import { describe, expect, it } from 'vitest';
import { removeDrainedSecret, removeDrainedSecrets, removeDrainedTarget } from '../../functions/core/catalog/drain.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { Target } from '../../functions/core/model/target.ts';
import { losesReply, preceded, rejects } from './ports/steering.ts';
import { NOW_MS, World, type WorldOptions } from './world.ts';

const DRAINING = { status: 'draining', updatedAtMs: NOW_MS } as const;

function worldWithDraining(options: WorldOptions = {}) {
  const world = new World(options);
  const target = world.addTarget(DRAINING);
  world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'op' });
  return { world, target };
}

describe('a draining target', () => {
  it('is removed with its credential and session once no lease of it is open: the credential first, its row last', async () => {
    const { world, target } = worldWithDraining();
    world.addRevoked(target);
    expect(await removeDrainedTarget(world.ports, target)).toBe(true);
    expect(world.catalog.targets.all()).toEqual([]);
    expect(world.credentials.current.size).toBe(0);
    expect(world.sessions.rows.all()).toEqual([]);
    expect(world.steering.calls.map(({ name }) => name)).toEqual([
      'leases.countOpen',
      'credentials.remove',
      'sessions.remove',
      'catalog.deleteTarget',
    ]);
    expect(world.steering.argsOf('leases.countOpen')).toEqual([[{ target: 'acme-bot' }]]);
  });

  it('stays, with its credential, while a lease of it is open', async () => {
    const { world, target } = worldWithDraining();
    world.addLease(target);
    expect(await removeDrainedTarget(world.ports, target)).toBe(false);
    expect(world.steering.calls.map(({ name }) => name)).toEqual(['leases.countOpen']);
  });

  it('is not kept by a lease of another target', async () => {
    const { world, target } = worldWithDraining();
    world.addLease(world.addTarget({ name: 'other' }));
    expect(await removeDrainedTarget(world.ports, target)).toBe(true);
  });

  it('stays until every lease recorded before the draining is certain to be counted', async () => {
    const { world, target } = worldWithDraining({ settleMs: 30_000 });
    world.clock.advance(29_999);
    expect(await removeDrainedTarget(world.ports, target)).toBe(false);
    expect(world.steering.calls).toEqual([]);
    world.clock.advance(1);
    expect(await removeDrainedTarget(world.ports, target)).toBe(true);
  });

  it('that was made ready again in between stays', async () => {
    const { world, target } = worldWithDraining();
    world.steering.on(
      'catalog.deleteTarget',
      preceded(() => world.catalog.targets.set('acme-bot', { ...target, version: 2 })),
    );
    expect(await removeDrainedTarget(world.ports, target)).toBe(false);
    expect(world.catalog.targets.get('acme-bot')).toMatchObject({ version: 2 });
  });

  it.each(['credentials.remove', 'sessions.remove', 'catalog.deleteTarget'] as const)(
    'is found again and removed after a crash before %s',
    async (call) => {
      const { world, target } = worldWithDraining();
      world.steering.on(call, rejects);
      await expect(removeDrainedTarget(world.ports, target)).rejects.toThrow();
      expect(world.catalog.targets.get('acme-bot')).toEqual(target);
      expect(await removeDrainedTarget(world.ports, target)).toBe(true);
      expect(world.credentials.current.size).toBe(0);
      expect(world.catalog.targets.all()).toEqual([]);
    },
  );

  it('is not removed, nor is anything of it, when it is ready', async () => {
    const { world, target } = worldWithDraining();
    const ready: Target = { ...target, status: 'ready' };
    expect(await removeDrainedTarget(world.ports, ready)).toBe(false);
    expect(world.steering.calls).toEqual([]);
  });
});

describe('a draining secret', () => {
  function worldWithSecret(overrides: Partial<DynamicSecret> = {}, options: WorldOptions = {}) {
    const world = new World(options);
    return { world, target: world.addTarget(), secret: world.addSecret({ ...DRAINING, ...overrides }) };
  }

  it('is removed once no lease of it is open, and its target stays', async () => {
    const { world, secret } = worldWithSecret();
    expect(await removeDrainedSecret(world.ports, secret)).toBe(true);
    expect(world.catalog.secrets.all()).toEqual([]);
    expect(world.catalog.targets.all()).toHaveLength(1);
    expect(world.credentials.current.size).toBe(1);
    expect(world.steering.argsOf('leases.countOpen')).toEqual([[{ secret: 'ci/release' }]]);
  });

  it('stays while a lease of it is open', async () => {
    const { world, target, secret } = worldWithSecret();
    world.addLease(target);
    expect(await removeDrainedSecret(world.ports, secret)).toBe(false);
    expect(world.catalog.secrets.all()).toEqual([secret]);
  });

  it('stays until every lease recorded before the draining is certain to be counted', async () => {
    const { world, secret } = worldWithSecret({}, { settleMs: 30_000 });
    world.clock.advance(29_999);
    expect(await removeDrainedSecret(world.ports, secret)).toBe(false);
    expect(world.steering.calls).toEqual([]);
    world.clock.advance(1);
    expect(await removeDrainedSecret(world.ports, secret)).toBe(true);
  });

  it('that was changed in between stays', async () => {
    const { world, secret } = worldWithSecret();
    world.catalog.secrets.set(secret.name, { ...secret, version: 2 });
    expect(await removeDrainedSecret(world.ports, secret)).toBe(false);
    expect(world.catalog.secrets.all()).toHaveLength(1);
  });

  it('is not removed when it is ready', async () => {
    const { world, secret } = worldWithSecret({ status: 'ready' });
    expect(await removeDrainedSecret(world.ports, secret)).toBe(false);
    expect(world.steering.calls).toEqual([]);
  });
});

describe('a draining secret with a credential of its own', () => {
  const OWN = { ...DRAINING, target: 'inline/abc', ownTarget: true } as const;

  function worldWithOwn(target: Partial<Target> = {}, options: WorldOptions = {}) {
    const world = new World(options);
    return { world, secret: world.addSecret(OWN), target: world.addTarget({ name: 'inline/abc', ...target }) };
  }

  it('takes its target and credential with it, and its own row goes last', async () => {
    const { world, secret } = worldWithOwn();
    expect(await removeDrainedSecret(world.ports, secret)).toBe(true);
    expect([world.catalog.secrets.all(), world.catalog.targets.all()]).toEqual([[], []]);
    expect(world.credentials.current.size).toBe(0);
    expect(world.steering.argsOf('catalog.putTarget')).toEqual([
      [expect.objectContaining({ status: 'draining', version: 2, updatedAtMs: NOW_MS, opId: 'op-1' })],
    ]);
    expect(world.steering.order('credentials.remove', 'catalog.deleteTarget', 'catalog.deleteSecret')).toEqual([
      'credentials.remove',
      'catalog.deleteTarget',
      'catalog.deleteSecret',
    ]);
  });

  it('whose target drains already does not begin that anew', async () => {
    const { world, secret } = worldWithOwn(DRAINING);
    expect(await removeDrainedSecret(world.ports, secret)).toBe(true);
    expect(world.steering.argsOf('catalog.putTarget')).toEqual([]);
    expect(world.catalog.targets.all()).toEqual([]);
  });

  it('whose target is gone already goes too', async () => {
    const { world, secret } = worldWithOwn();
    world.catalog.targets.set('inline/abc', undefined);
    expect(await removeDrainedSecret(world.ports, secret)).toBe(true);
    expect(world.catalog.secrets.all()).toEqual([]);
  });

  it('stays until its target is gone: first that settles', async () => {
    const { world, secret } = worldWithOwn({}, { settleMs: 30_000 });
    world.clock.advance(30_000);
    expect(await removeDrainedSecret(world.ports, secret)).toBe(false);
    expect(world.catalog.targets.get('inline/abc')?.status).toBe('draining');
    world.clock.advance(30_000);
    expect(await removeDrainedSecret(world.ports, secret)).toBe(true);
    expect([world.catalog.secrets.all(), world.catalog.targets.all()]).toEqual([[], []]);
  });

  it('stays while a lease of its target is open that is not of the secret', async () => {
    const { world, secret, target } = worldWithOwn();
    world.addLease(target, { secret: 'verification' });
    expect(await removeDrainedSecret(world.ports, secret)).toBe(false);
    expect(world.catalog.secrets.all()).toHaveLength(1);
    expect(world.credentials.current.size).toBe(1);
  });

  it('stays when its target was changed in between', async () => {
    const { world, secret, target } = worldWithOwn();
    world.steering.on(
      'catalog.putTarget',
      preceded(() => world.catalog.targets.set('inline/abc', { ...target, version: 2 })),
    );
    expect(await removeDrainedSecret(world.ports, secret)).toBe(false);
    expect(world.credentials.current.size).toBe(1);
  });
});

describe('all draining secrets', () => {
  it('are looked at, page by page, and those that have drained are removed and counted', async () => {
    const world = new World();
    const target = world.addTarget();
    for (let index = 0; index < 250; index++) {
      const status = index % 2 === 0 ? 'draining' : 'ready';
      world.addSecret({ name: `s${String(index).padStart(3, '0')}`, status, updatedAtMs: NOW_MS });
    }
    world.addLease(target, { secret: 's000' });
    expect(await removeDrainedSecrets(world.ports)).toBe(124);
    expect(world.catalog.secrets.all().filter(({ status }) => status === 'draining')).toMatchObject([{ name: 's000' }]);
    expect(world.catalog.secrets.all()).toHaveLength(126);
  });

  it('are found again after a lost reply', async () => {
    const world = new World();
    world.addSecret(DRAINING);
    world.steering.on('catalog.deleteSecret', losesReply);
    await expect(removeDrainedSecrets(world.ports)).rejects.toThrow();
    expect(await removeDrainedSecrets(world.ports)).toBe(0);
    expect(world.catalog.secrets.all()).toEqual([]);
  });
});
