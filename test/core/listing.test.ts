import { describe, expect, it } from 'vitest';
import { listAll } from '../../functions/core/listing.ts';
import type { HubToken } from '../../functions/core/ports.ts';
import { answers, followed, refusal } from './ports/steering.ts';
import { failureOf, NOW_MS, World } from './world.ts';

const PAT = { kind: 'pat' } as const;

function worldWith(count: number, pageSize: number) {
  const world = new World();
  const target = world.addTarget();
  const tokens = Array.from({ length: count }, (_, index) => world.hub.give('acme-bot', `laptop ${index}`));
  world.hub.pageSize = pageSize;
  const ids = (listing: { tokens: readonly HubToken[] }) => listing.tokens.map(({ tokenId }) => tokenId);
  return { world, target, tokens, ids, all: tokens.map(({ tokenId }) => tokenId) };
}

/** A page of an answer that nothing of what is in the world gave. */
function page(tokens: readonly HubToken[], total: number, more: boolean) {
  return answers({ ok: true, value: { tokens, total, more }, meta: {} });
}

describe('a listing of an account', () => {
  it('that has no tokens is complete', async () => {
    const { world, target } = worldWith(0, 2);
    expect(await listAll(world.ports, target, PAT)).toEqual({ startedAtMs: NOW_MS, tokens: [], complete: true });
  });

  it('takes every page, by its number, and no further one', async () => {
    const { world, target, all, ids } = worldWith(5, 2);
    const listing = await listAll(world.ports, target, PAT);
    expect(ids(listing)).toEqual(all);
    expect(listing.complete).toBe(true);
    expect(listing.problem).toBeUndefined();
    expect(world.steering.argsOf('hub.listTokens').map(([, place, number]) => [place, number])).toEqual([
      [PAT, 1],
      [PAT, 2],
      [PAT, 3],
    ]);
  });

  it('is of the organization when its tokens are asked for', async () => {
    const { world, target } = worldWith(1, 2);
    const own = world.hub.give('acme', 'of the organization');
    const listing = await listAll(world.ports, target, { kind: 'oat', organization: 'acme' });
    expect(listing.tokens.map(({ tokenId }) => tokenId)).toEqual([own.tokenId]);
  });

  it('says when it began, not when it ended', async () => {
    const { world, target } = worldWith(3, 2);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(7_000)),
    );
    expect((await listAll(world.ports, target, PAT)).startedAtMs).toBe(NOW_MS);
  });

  it('is not complete when pages shifted so that one token came twice and another never', async () => {
    const { world, target, tokens, all, ids } = worldWith(4, 2);
    world.steering.on('hub.listTokens', page([tokens[1], tokens[3]] as HubToken[], 4, false), { nth: 2 });
    const listing = await listAll(world.ports, target, PAT);
    expect(ids(listing)).toEqual([all[0], all[1], all[3]]);
    expect(listing.complete).toBe(false);
    expect(listing.problem).toBeUndefined();
  });

  it('is not complete when it shows fewer tokens than Docker Hub counts', async () => {
    const { world, target } = worldWith(4, 2);
    world.steering.on('hub.listTokens', page([], 4, false), { nth: 2 });
    expect((await listAll(world.ports, target, PAT)).complete).toBe(false);
  });

  it('is not complete when Docker Hub counted differently on two pages, though the last count fits', async () => {
    const { world, target, tokens } = worldWith(4, 2);
    world.steering.on('hub.listTokens', page(tokens.slice(0, 2), 5, true));
    expect((await listAll(world.ports, target, PAT)).complete).toBe(false);
  });

  it('ends with the problem of the page that could not be read, and what came before it', async () => {
    const { world, target, all, ids } = worldWith(5, 2);
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'forbidden' })), { nth: 2 });
    const listing = await listAll(world.ports, target, PAT);
    expect(listing).toMatchObject({ startedAtMs: NOW_MS, complete: false, problem: { tag: 'forbidden' } });
    expect(ids(listing)).toEqual(all.slice(0, 2));
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(2);
  });

  it('may have 100 pages', async () => {
    const { world, target, all } = worldWith(100, 1);
    const listing = await listAll(world.ports, target, PAT);
    expect(listing.complete).toBe(true);
    expect(listing.tokens).toHaveLength(all.length);
  });

  it('stops after 100 pages and is then not complete', async () => {
    const { world, target } = worldWith(101, 1);
    const listing = await listAll(world.ports, target, PAT);
    expect(listing).toMatchObject({ startedAtMs: NOW_MS, complete: false });
    expect(listing.tokens).toHaveLength(100);
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(100);
  });

  it('goes on with a new session where Docker Hub refused the shared one', async () => {
    const { world, target, all, ids } = worldWith(3, 2);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.hub.endSessions()),
    );
    const listing = await listAll(world.ports, target, PAT);
    expect(ids(listing)).toEqual(all);
    expect(listing.complete).toBe(true);
    expect(world.steering.argsOf('hub.login')).toHaveLength(2);
  });

  it('fails where no session can be had', async () => {
    const { world, target } = worldWith(1, 2);
    world.credentials.current.clear();
    expect(await failureOf(listAll(world.ports, target, PAT))).toEqual({
      tag: 'credential_unavailable',
      target: 'acme-bot',
      retryAfterSeconds: 5,
    });
  });
});
