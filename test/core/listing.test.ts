import { describe, expect, it } from 'vitest';
import { listAll } from '../../functions/core/hub/listing.ts';
import type { DockerHub, HubToken } from '../../functions/core/ports/docker-hub.ts';
import { answers, followed, refusal, rejects } from './ports/steering.ts';
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

function windowsOf(world: World) {
  const asked = world.steering.argsOf('hub.listTokens') as Parameters<DockerHub['listTokens']>[];
  return asked.map(([, place, window]) => [place, window] as const);
}

describe('a listing of an account', () => {
  it('that has no tokens is complete', async () => {
    const { world, target } = worldWith(0, 2);
    expect(await listAll(world.ports, target, PAT, 'look')).toEqual({
      startedAtMs: NOW_MS,
      tokens: [],
      complete: true,
      hubDateMs: NOW_MS,
    });
  });

  it('says what time it was on Docker Hub with its last page that said so', async () => {
    const { world, target } = worldWith(12, 5);
    world.hub.skewMs = 7;
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(100)),
      { times: 2 },
    );
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'forbidden' })), { nth: 3 });
    expect((await listAll(world.ports, target, PAT, 'look')).hubDateMs).toBe(NOW_MS + 107);
    world.hub.datesAnswers = false;
    expect(await listAll(world.ports, target, PAT, 'look')).not.toHaveProperty('hubDateMs');
  });

  it('takes every page, each begun within the one before, and no further one', async () => {
    const { world, target, all, ids } = worldWith(250, 100);
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(ids(listing)).toEqual(all);
    expect(listing.complete).toBe(true);
    expect(listing.problem).toBeUndefined();
    // From the first token, the 91st and the 171st.
    expect(windowsOf(world)).toEqual([
      [PAT, { page: 1, pageSize: 100 }],
      [PAT, { page: 2, pageSize: 90 }],
      [PAT, { page: 3, pageSize: 85 }],
    ]);
  });

  it('goes on from page to page as far as each may reach, by the largest that Docker Hub gives where that is furthest', async () => {
    const { world, target, all, ids } = worldWith(12, 4);
    expect(ids(await listAll(world.ports, target, PAT, 'look'))).toEqual(all);
    // From the first token, the 4th, the 5th, the 7th and the 9th.
    expect(windowsOf(world).map(([, window]) => window)).toEqual([
      { page: 1, pageSize: 100 },
      { page: 2, pageSize: 3 },
      { page: 2, pageSize: 4 },
      { page: 3, pageSize: 3 },
      { page: 3, pageSize: 4 },
    ]);
  });

  it('is of one page where one holds them all', async () => {
    const { world, target, all, ids } = worldWith(100, 100);
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(ids(listing)).toEqual(all);
    expect(listing.complete).toBe(true);
    expect(windowsOf(world)).toHaveLength(1);
  });

  it.each([5, 7, 10, 30, 99])('is complete where Docker Hub gives %d tokens at once and no more', async (pageSize) => {
    const { world, target, all, ids } = worldWith(59, pageSize);
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(ids(listing)).toEqual(all);
    expect(listing.complete).toBe(true);
    const sizes = windowsOf(world).map(([, window]) => window.pageSize);
    expect(sizes[0]).toBe(100);
    expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(pageSize);
  });

  it.each([1, 2, 3, 4])(
    'shows all tokens in pages of %d, which are too small to be joined to each other, and is not complete',
    async (pageSize) => {
      const { world, target, all, ids } = worldWith(14, pageSize);
      const listing = await listAll(world.ports, target, PAT, 'look');
      expect(ids(listing)).toEqual(all);
      expect(listing.complete).toBe(false);
    },
  );

  it('is of the organization when its tokens are asked for', async () => {
    const { world, target } = worldWith(1, 2);
    const own = world.hub.give('acme', 'of the organization');
    const listing = await listAll(world.ports, target, { kind: 'oat', organization: 'acme' }, 'look');
    expect(listing.tokens.map(({ tokenId }) => tokenId)).toEqual([own.tokenId]);
  });

  it('says when it began, not when it ended', async () => {
    const { world, target } = worldWith(3, 2);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(7_000)),
    );
    expect((await listAll(world.ports, target, PAT, 'look')).startedAtMs).toBe(NOW_MS);
  });

  it('is complete when tokens came and went between its pages, and none slipped by', async () => {
    const { world, target, tokens } = worldWith(30, 20);
    world.steering.on(
      'hub.listTokens',
      followed(() => {
        world.hub.tokens.delete(tokens[0]?.tokenId ?? '');
        world.hub.give('acme-bot', 'new');
      }),
    );
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing.tokens.map(({ label }) => label)).toContain('laptop 20');
    expect(listing.tokens).toHaveLength(31);
    expect(listing.complete).toBe(true);
  });

  it('is not complete when more went between its pages than these overlap', async () => {
    const { world, target, tokens } = worldWith(12, 5);
    world.steering.on(
      'hub.listTokens',
      followed(() => {
        for (const { tokenId } of tokens.slice(0, 4)) world.hub.tokens.delete(tokenId);
      }),
    );
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing.tokens.map(({ label }) => label)).not.toContain('laptop 5');
    expect(listing.complete).toBe(false);
  });

  it('is not complete when pages shifted so that one token came twice and another never', async () => {
    const { world, target, tokens, all, ids } = worldWith(8, 5);
    world.steering.on('hub.listTokens', page([tokens[4], tokens[6], tokens[7]] as HubToken[], 8, false), { nth: 2 });
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(ids(listing)).toEqual([...all.slice(0, 5), all[6], all[7]]);
    expect(listing.complete).toBe(false);
    expect(listing.problem).toBeUndefined();
  });

  it('is not complete when a page shares no token with the one before, though the count fits', async () => {
    const { world, target, tokens, all, ids } = worldWith(8, 5);
    world.steering.on('hub.listTokens', page(tokens.slice(5), 8, false), { nth: 2 });
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(ids(listing)).toEqual(all);
    expect(listing.complete).toBe(false);
  });

  it('that was once not joined does not become complete with the pages that follow', async () => {
    const { world, target, tokens } = worldWith(12, 5);
    world.steering.on('hub.listTokens', page(tokens.slice(5, 8), 12, true), { nth: 2 });
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing.tokens).toHaveLength(12);
    expect(listing.complete).toBe(false);
  });

  it('is not complete when it shows fewer tokens than Docker Hub counts', async () => {
    const { world, target, tokens } = worldWith(8, 5);
    world.steering.on('hub.listTokens', page(tokens.slice(4, 7), 8, false), { nth: 2 });
    expect((await listAll(world.ports, target, PAT, 'look')).complete).toBe(false);
  });

  it.each([
    [9, 8, true],
    [8, 9, true],
    [9, 9, false],
  ])('of 8 tokens, of which Docker Hub counts %d and then %d, is complete: %s', async (first, then, complete) => {
    const { world, target, tokens } = worldWith(8, 5);
    world.steering.on('hub.listTokens', page(tokens.slice(0, 5), first, true));
    world.steering.on('hub.listTokens', page(tokens.slice(4), then, false), { nth: 2 });
    expect((await listAll(world.ports, target, PAT, 'look')).complete).toBe(complete);
  });

  it('ends with the problem of the page that could not be read, and what came before it', async () => {
    const { world, target, all, ids } = worldWith(8, 5);
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'forbidden' })), { nth: 2 });
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing).toMatchObject({ startedAtMs: NOW_MS, complete: false, problem: { tag: 'forbidden' } });
    expect(ids(listing)).toEqual(all.slice(0, 5));
    expect(world.steering.argsOf('hub.listTokens')).toHaveLength(2);
  });

  it('whose last page is gone with its tokens is not complete, and has no problem', async () => {
    const { world, target, all, ids } = worldWith(8, 5);
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'not_found' })), { nth: 2 });
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing.complete).toBe(false);
    expect(listing).not.toHaveProperty('problem');
    expect(ids(listing)).toEqual(all.slice(0, 5));
  });

  it('that is not there at all has that for its problem', async () => {
    const { world, target } = worldWith(8, 5);
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'not_found' })));
    expect(await listAll(world.ports, target, PAT, 'look')).toMatchObject({
      complete: false,
      problem: { tag: 'not_found' },
    });
  });

  it.each([
    [0, 0],
    [1, 5],
  ])('ends before page %i + 1 where its caller wants no more, and is then not complete', async (pages, read) => {
    const { world, target, all, ids } = worldWith(8, 5);
    const asked: number[] = [];
    const listing = await listAll(world.ports, target, PAT, 'look', async () => asked.push(0) <= pages);
    expect(listing).toMatchObject({ startedAtMs: NOW_MS, complete: false, interrupted: true });
    expect(ids(listing)).toEqual(all.slice(0, read));
    expect(windowsOf(world)).toHaveLength(pages);
  });

  it('that names a further page and shows none is not complete', async () => {
    const { world, target } = worldWith(1, 100);
    world.steering.on('hub.listTokens', page([], 1, true));
    expect(await listAll(world.ports, target, PAT, 'look')).toEqual({
      startedAtMs: NOW_MS,
      tokens: [],
      complete: false,
    });
    expect(windowsOf(world)).toHaveLength(1);
  });

  it('may be of 10,000 tokens', async () => {
    const { world, target, all } = worldWith(10_000, 100);
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing.complete).toBe(true);
    expect(listing.tokens).toHaveLength(all.length);
  });

  it('stops after 150 pages and is then not complete', async () => {
    const { world, target } = worldWith(151, 1);
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing).toMatchObject({ startedAtMs: NOW_MS, complete: false });
    expect(listing.tokens).toHaveLength(150);
    expect(windowsOf(world)).toHaveLength(150);
  });

  it('goes on with a new session where Docker Hub refused the shared one', async () => {
    const { world, target, all, ids } = worldWith(8, 5);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.hub.endSessions()),
    );
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(ids(listing)).toEqual(all);
    expect(listing.complete).toBe(true);
    expect(world.steering.argsOf('hub.login')).toHaveLength(2);
  });

  it('fails where no session can be had', async () => {
    const { world, target } = worldWith(1, 2);
    world.credentials.current.clear();
    expect(await failureOf(listAll(world.ports, target, PAT, 'look'))).toEqual({
      tag: 'credential_unavailable',
      target: 'acme-bot',
      retryAfterSeconds: 5,
    });
  });
});

describe('a page that Docker Hub finds too large', () => {
  const sizesOf = (world: World) => windowsOf(world).map(([, window]) => window.pageSize);

  it.each([
    [99, 50, [100, 50]],
    [50, 50, [100, 50]],
    [49, 10, [100, 50, 10]],
    [10, 10, [100, 50, 10]],
  ])('is asked for smaller, and that is remembered: at most %i', async (maxPageSize, pageSize, sizes) => {
    const { world, target, all, ids } = worldWith(8, 100);
    world.hub.maxPageSize = maxPageSize;
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(ids(listing)).toEqual(all);
    expect(listing.complete).toBe(true);
    expect(sizesOf(world)).toEqual(sizes);
    expect(world.factsOf('acme-bot')).toEqual({ pageSize });
    await listAll(world.ports, target, PAT, 'look');
    expect(sizesOf(world)).toEqual([...sizes, pageSize]);
  });

  it('is as small as it gets at 10: the listing has failed then, and nothing is remembered', async () => {
    const { world, target } = worldWith(8, 100);
    world.hub.maxPageSize = 9;
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing).toMatchObject({ complete: false, tokens: [], problem: { tag: 'invalid' } });
    expect(sizesOf(world)).toEqual([100, 50, 10]);
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('is asked for smaller still where the remembered size is refused, too', async () => {
    const { world, target } = worldWith(8, 100);
    world.addFacts('acme-bot', { pageSize: 50 });
    world.hub.maxPageSize = 10;
    expect((await listAll(world.ports, target, PAT, 'look')).complete).toBe(true);
    expect(sizesOf(world)).toEqual([50, 10]);
    expect(world.factsOf('acme-bot')).toEqual({ pageSize: 10 });
  });

  it('is remembered once', async () => {
    const { world, target } = worldWith(8, 100);
    world.addFacts('acme-bot', { pageSize: 50 });
    await listAll(world.ports, target, PAT, 'look');
    // Both are the login's.
    expect(world.steering.argsOf('sessions.write')).toHaveLength(2);
  });

  it('is no matter where a later page is refused: the listing has failed', async () => {
    const { world, target, all, ids } = worldWith(8, 5);
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'invalid', fields: [] })), { nth: 2 });
    const listing = await listAll(world.ports, target, PAT, 'look');
    expect(listing).toMatchObject({ complete: false, problem: { tag: 'invalid' } });
    expect(ids(listing)).toEqual(all.slice(0, 5));
    expect(sizesOf(world)).toHaveLength(2);
  });

  it('is not what another refusal means', async () => {
    const { world, target } = worldWith(8, 5);
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'forbidden' })));
    expect(await listAll(world.ports, target, PAT, 'look')).toMatchObject({ problem: { tag: 'forbidden' } });
    expect(sizesOf(world)).toEqual([100]);
  });

  it('is looked up in the target’s record, without which nothing is listed', async () => {
    const { world, target } = worldWith(8, 5);
    world.steering.on('sessions.read', rejects);
    expect(await failureOf(listAll(world.ports, target, PAT, 'look'))).toMatchObject({ tag: 'store_unavailable' });
    expect(world.steering.hubCalls).toBe(0);
  });
});
