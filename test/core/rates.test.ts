import { describe, expect, it } from 'vitest';
import { mint } from '../../functions/core/leases/mint.ts';
import { admitCaller, admitMint, Rates } from '../../functions/core/leases/rates.ts';
import { perMinute } from '../../functions/core/model/pace.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { CallerRates } from '../../functions/core/ports/caller-rates.ts';
import { memoryRates } from '../../local/memory-rates.ts';
import { rejects } from './ports/steering.ts';
import { failureOf, LABELS, NOW_MS, ORIGIN, SECRET, World } from './world.ts';

const { caller } = ORIGIN;
const ROOT = `arn:aws:iam::${caller.accountId}:root`;
/** One request a second, three at once. */
const PACE = { everyMs: 1_000, burst: 3 };

/** What asks over rates that several processes share. */
function processes(count: number, store: CallerRates = memoryRates()) {
  let nowMs = NOW_MS;
  const takes: string[] = [];
  const watched: CallerRates = {
    take: (key, pace, atMs, places) => {
      takes.push(`${places} of ${key}`);
      return store.take(key, pace, atMs, places);
    },
  };
  const ports = Array.from({ length: count }, () => ({
    rates: new Rates(watched, PACE),
    labels: LABELS,
    clock: { nowMs: () => nowMs },
  }));
  return {
    ports,
    takes,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('a caller', () => {
  it('is told to wait after a burst, until there is room again', async () => {
    const { ports, advance } = processes(1);
    const [one] = ports as [(typeof ports)[0]];
    for (let times = 0; times < 3; times++) await admitCaller(one, caller);
    const limited = { tag: 'rate_limited', of: 'caller', name: caller.arn, retryAfterSeconds: 1 };
    expect(await failureOf(admitCaller(one, caller))).toEqual({ ...limited, isFirst: true });
    expect(await failureOf(admitCaller(one, caller))).toEqual({ ...limited, isFirst: false });
    advance(1_000);
    await admitCaller(one, caller);
  });

  it('takes nothing from another', async () => {
    const { ports } = processes(1);
    const [one] = ports as [(typeof ports)[0]];
    for (let times = 0; times < 9; times++) await admitCaller(one, caller).catch(() => undefined);
    await admitCaller(one, { ...caller, arn: `${caller.arn}-other` });
  });

  it('is counted over all processes', async () => {
    const { ports } = processes(4);
    for (const one of ports.slice(1)) await admitCaller(one, caller);
    expect(await failureOf(admitCaller(ports[0] as never, caller))).toMatchObject({ tag: 'rate_limited' });
  });

  it('that is refused costs no write until the refusal ends', async () => {
    const { ports, takes, advance } = processes(1);
    const [one] = ports as [(typeof ports)[0]];
    for (let times = 0; times < 4; times++) await admitCaller(one, caller).catch(() => undefined);
    const { length } = takes;
    advance(999);
    for (let times = 0; times < 50; times++) await failureOf(admitCaller(one, caller));
    expect(takes).toHaveLength(length);
    advance(1);
    await admitCaller(one, caller);
    expect(takes).toHaveLength(length + 1);
  });

  it('is asked for anew where the clock was set back', async () => {
    const { ports, advance } = processes(1);
    const [one] = ports as [(typeof ports)[0]];
    for (let times = 0; times < 4; times++) await admitCaller(one, caller).catch(() => undefined);
    advance(-3_600_000);
    await admitCaller(one, caller);
  });

  it('is let through where the store fails, and where nobody counts', async () => {
    const failing = processes(1, { take: () => Promise.reject(new Error('out')) });
    for (let times = 0; times < 9; times++) await admitCaller(failing.ports[0] as never, caller);
    const { labels, clock } = failing.ports[0] as (typeof failing.ports)[0];
    await admitCaller({ labels, clock }, caller);
    await admitMint({ labels, clock }, caller, { ...SECRET, allow: [ROOT], maxMintsPerMinute: 1 });
  });

  it('is counted under a hash alone', async () => {
    const { ports, takes } = processes(1);
    await admitCaller(ports[0] as never, caller);
    expect(takes).toEqual([expect.stringMatching(/^1 of [0-9a-f]{64}$/)]);
  });
});

describe('a mint', () => {
  const secret = (change: Partial<DynamicSecret> = {}): DynamicSecret => ({ ...SECRET, ...change });

  it('by a caller whom its role lists counts against nobody else', async () => {
    const { ports, takes } = processes(1);
    await admitMint(ports[0] as never, caller, secret());
    await admitMint(ports[0] as never, caller, secret({ allow: [ROOT, caller.arn] }));
    expect(takes).toEqual([]);
  });

  it('by a caller whom only the account’s root lists counts against the account, whatever role it is', async () => {
    const { ports } = processes(1);
    const [one] = ports as [(typeof ports)[0]];
    const listed = secret({ allow: ['arn:aws:iam::111122223333:role/none', ROOT] });
    for (const role of ['a', 'b', 'c']) {
      await admitMint(one, { ...caller, arn: `arn:aws:iam::111122223333:role/${role}` }, listed);
    }
    const another = { ...caller, arn: 'arn:aws:iam::111122223333:role/d' };
    expect(await failureOf(admitMint(one, another, listed))).toMatchObject({
      tag: 'rate_limited',
      of: 'account',
      name: caller.accountId,
    });
  });

  it('is one of as many a minute as its secret gives', async () => {
    const { ports, advance } = processes(1);
    const [one] = ports as [(typeof ports)[0]];
    const limited = secret({ maxMintsPerMinute: 2 });
    await admitMint(one, caller, limited);
    await admitMint(one, caller, limited);
    expect(await failureOf(admitMint(one, caller, limited))).toEqual({
      tag: 'rate_limited',
      of: 'secret',
      name: SECRET.name,
      isFirst: true,
      retryAfterSeconds: 30,
    });
    await admitMint(one, caller, secret({ name: 'ci/other', maxMintsPerMinute: 2 }));
    advance(30_000);
    await admitMint(one, caller, limited);
  });

  it('is taken from a block, so that a busy secret costs few writes, and all processes give no more than the limit', async () => {
    const { ports, takes } = processes(3);
    const busy = secret({ maxMintsPerMinute: 600 });
    let given = 0;
    for (let times = 0; times < 900; times++) {
      const refused = await failureOf(admitMint(ports[times % 3] as never, caller, busy)).catch(() => undefined);
      if (refused === undefined) given += 1;
    }
    expect(given).toBe(600);
    // Ten at a time, and what shows each process that there are no more.
    expect(takes.length).toBeLessThanOrEqual(60 + 3 * 2);
  });

  it('finds room for one where there is none for a block', async () => {
    const { ports, takes } = processes(2);
    const busy = secret({ maxMintsPerMinute: 125 });
    const [one, other] = ports as [(typeof ports)[0], (typeof ports)[0]];
    for (let times = 0; times < 124; times++) await admitMint(one, caller, busy);
    takes.length = 0;
    await admitMint(other, caller, busy);
    expect(takes.map((take) => take[0])).toEqual(['2', '1']);
    expect(await failureOf(admitMint(other, caller, busy))).toMatchObject({ of: 'secret' });
  });

  it('gives up what is left of a block after ten seconds', async () => {
    const { ports, takes, advance } = processes(1);
    const [one] = ports as [(typeof ports)[0]];
    const busy = secret({ maxMintsPerMinute: 600 });
    await admitMint(one, caller, busy);
    advance(9_999);
    await admitMint(one, caller, busy);
    expect(takes).toHaveLength(1);
    advance(1);
    await admitMint(one, caller, busy);
    expect(takes).toHaveLength(2);
  });
});

describe('an order', () => {
  function limitedWorld(burst: number, change: Partial<DynamicSecret> = {}) {
    const world = new World();
    world.addTarget();
    world.catalog.secrets.set(SECRET.name, { ...SECRET, ...change });
    const rates = new Rates(memoryRates(), { everyMs: 1_000, burst });
    return { world, order: () => mint({ ...world.ports, rates }, ORIGIN, { secret: SECRET.name }) };
  }

  it('beyond the caller’s rate writes nothing, asks Docker Hub nothing, and is audited once', async () => {
    const { world, order } = limitedWorld(1);
    await order();
    const { hubCalls } = world.steering;
    const events = world.events.length;
    for (let times = 0; times < 5; times++) expect(await failureOf(order())).toMatchObject({ tag: 'rate_limited' });
    expect(world.steering.hubCalls).toBe(hubCalls);
    expect(world.leases.rows.all()).toHaveLength(1);
    expect(world.events.slice(events)).toMatchObject([{ event: 'lease.mint_failed', code: 'rate_limited' }]);
  });

  it('beyond it is told so, whatever else is wrong with it', async () => {
    const { world, order } = limitedWorld(1);
    await order();
    world.steering.on('catalog.getSecret', rejects);
    expect(await failureOf(order())).toMatchObject({ tag: 'rate_limited' });
  });

  it('that is refused for what it asks takes no mint of its secret', async () => {
    const { world, order } = limitedWorld(9, { maxMintsPerMinute: 1 });
    const rates = new Rates(memoryRates(), perMinute(600, 9));
    const asked = { secret: SECRET.name, ttlSeconds: 999_999 };
    expect(await failureOf(mint({ ...world.ports, rates }, ORIGIN, asked))).toMatchObject({ tag: 'ttl_too_long' });
    expect((await mint({ ...world.ports, rates }, ORIGIN, { secret: SECRET.name })).lease.status).toBe('active');
    expect((await order()).lease.status).toBe('active');
    expect(await failureOf(order())).toMatchObject({ tag: 'rate_limited', of: 'secret' });
  });
});
