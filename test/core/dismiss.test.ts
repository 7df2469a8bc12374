import { describe, expect, it } from 'vitest';
import { dismissTokens } from '../../functions/core/ending/dismiss.ts';
import type { Target } from '../../functions/core/model/target.ts';
import { preceded, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORIGIN, World } from './world.ts';

function worldWith(dismissedTokenIds?: readonly string[]) {
  const world = new World();
  const target = world.addTarget(dismissedTokenIds === undefined ? {} : { dismissedTokenIds });
  const dismiss = (...tokenIds: string[]) => dismissTokens(world.ports, ORIGIN, 'acme-bot', tokenIds);
  return { world, target, dismiss };
}

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `token-${from + index}`);

describe('an admin who dismisses tokens', () => {
  it('has them on record with the target, each told of with who dismissed it, and nothing is deleted', async () => {
    const { world, target, dismiss } = worldWith(['token-a']);
    const changed: Target = {
      ...target,
      dismissedTokenIds: ['token-a', 'token-b', 'token-c'],
      version: 2,
      opId: expect.any(String),
    };
    expect(await dismiss('token-b', 'token-a', 'token-c', 'token-b')).toEqual(changed);
    expect(world.catalog.targets.get('acme-bot')).toEqual(changed);
    expect(world.events).toEqual(
      ['token-b', 'token-c'].map((tokenId) => ({
        event: 'token.dismissed',
        atMs: NOW_MS,
        caller: ORIGIN.caller.arn,
        callerId: ORIGIN.caller.id,
        requestId: 'request-1',
        sourceIp: '192.0.2.7',
        target: 'acme-bot',
        tokenId,
      })),
    );
    expect(world.steering.hubCalls).toBe(0);
  });

  it('may be of no known address, and the first', async () => {
    const { world } = worldWith();
    const { sourceIp: _, ...origin } = ORIGIN;
    const changed = await dismissTokens(world.ports, origin, 'acme-bot', ['token-a']);
    expect(changed.dismissedTokenIds).toEqual(['token-a']);
    expect(world.events[0]).not.toHaveProperty('sourceIp');
  });

  it('changes nothing where all are dismissed already', async () => {
    const { world, target, dismiss } = worldWith(['token-a', 'token-b']);
    expect(await dismiss('token-b')).toEqual(target);
    expect(world.steering.argsOf('catalog.putTarget')).toEqual([]);
    expect(world.events).toEqual([]);
  });

  it('has a hundred remembered, of which the oldest go first', async () => {
    const { dismiss } = worldWith(ids(0, 99));
    expect((await dismiss('token-99')).dismissedTokenIds).toEqual(ids(0, 100));
    expect((await dismiss('token-100')).dismissedTokenIds).toEqual(ids(1, 101));
  });

  it('hears that the target is not there, that somebody else changed it, or that the store is out', async () => {
    const { world, target, dismiss } = worldWith();
    world.steering.on(
      'catalog.putTarget',
      preceded(() => world.catalog.targets.set('acme-bot', { ...target, version: 2 })),
    );
    expect(await failureOf(dismiss('token-a'))).toEqual({ tag: 'version_conflict', name: 'acme-bot' });
    world.steering.on('catalog.putTarget', rejects);
    expect(await failureOf(dismiss('token-a'))).toMatchObject({ tag: 'store_unavailable' });
    world.steering.on('catalog.getTarget', rejects);
    expect(await failureOf(dismiss('token-a'))).toMatchObject({ tag: 'store_unavailable' });
    world.catalog.targets.set('acme-bot', undefined);
    expect(await failureOf(dismiss('token-a'))).toEqual({ tag: 'target_not_found', target: 'acme-bot' });
    expect(world.events).toEqual([]);
  });
});
