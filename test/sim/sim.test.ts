import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ABLATIONS, seenInSeeds, seenInTrace } from './ablation.ts';
import { CANARY, leaks } from './canary.ts';
import { drawCollisionOnly } from './collision.ts';
import { coverageOf } from './coverage.ts';
import { drawPlan } from './draw-plan.ts';
import { RecordedFaults } from './fault-sources.ts';
import { withoutGuard } from './guards.ts';
import { runHistory } from './history.ts';
import { runPairs } from './pairs.ts';
import { runSeeds, shareOut, type Tally, type Trace, total } from './seeds.ts';
import { shrink } from './shrink.ts';
import { CELLS } from './steps.ts';

const TRACES_FOLDER = new URL('./traces/', import.meta.url);
const TRACES = readdirSync(TRACES_FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((file) => ({ file, trace: JSON.parse(readFileSync(new URL(file, TRACES_FOLDER), 'utf8')) as Trace }));

/** Where the histories of this file begin. */
const FIRST_SEED = 100;
/** Seeds within which the lack of a guard must show; one that shows later has a trace of its own. */
const MAX_SEEDS = 1_000;

describe('over a few hundred histories full of faults', () => {
  let tally: Tally;
  beforeAll(async () => {
    tally = await runSeeds({ first: FIRST_SEED, count: 500 });
  });

  it('no token outlives its lease, nothing of others is touched, and no promise of the simulator’s list breaks', () => {
    expect(tally.failures.map(({ seed, violation }) => ({ seed, ...violation }))).toEqual([]);
    expect(tally.answered).toBeGreaterThan(500);
    expect(tally.faults).toBeGreaterThan(2_000);
  });

  it('nor where admins are careless and coincidences are frequent', async () => {
    const { failures } = await runSeeds({ first: FIRST_SEED, count: 250, harshness: 'harsh' });
    expect(failures.map(({ seed, violation }) => ({ seed, ...violation }))).toEqual([]);
  });

  it('every kind of evidence, of failure and of repair comes about, so that the silence means something', () => {
    for (const what of [
      'happening revoke_matching',
      'happening hammer',
      'look with a view',
      'lease.granted',
      'lease.renewed',
      'lease.revoked deleted',
      'lease.revoked absent',
      'lease.revoked expired',
      'lease.orphan_adopted',
      'lease.reopened',
      'token.stray_deleted',
      'login.refused',
      'lease.mint_failed not_recorded',
      'lease.mint_failed audit_unavailable',
      'lease.mint_failed quota_reached',
      'lease.mint_failed in_flight',
      'lease.mint_failed hub_throttled',
      'lease.revoke_delayed quiet_period',
      'lease.revoke_delayed listing_incomplete',
      'target.deleted',
      'happening verify',
      'happening lose_role',
      'happening trouble_logins',
      'target.verified',
      'target.refused expiry_refused',
      'target.refused label_refused',
      'lease.mint_failed expiry_refused',
      'lease.mint_failed label_refused',
      'lease.mint_failed list_lags',
      'lease.revoke_delayed account_unreachable',
      'lease.revoke_delayed delete_pending',
      'lease.revoke_delayed still_listed',
      'lease.revoke_delayed list_lag_unknown',
      'lease.revoke_delayed unclear_token',
      'lease.blocked unclear_token',
      'lease.attested attested',
      'token.dismissed',
      'listing.unusable listing_incomplete',
      'login.retried',
    ]) {
      expect(tally.reached.get(what) ?? 0, what).toBeGreaterThan(0);
    }
  });

  it('most faults strike at most steps already', () => {
    const { cells, below } = coverageOf({ ...tally, histories: 1_000 });
    expect(cells).toBe(CELLS.length);
    expect(below.length / cells).toBeLessThan(0.2);
  });
});

describe('a race of two triggers on one lease', () => {
  /** Each of the first wins against each of the second, and loses. */
  const RACES: readonly (readonly [string, readonly string[]])[] = [
    ['ask', ['job', 'due', 'retry', 'ttl', 'match', 'sweep']],
    ['job', ['retry', 'due']],
    ['due', ['retry', 'ttl']],
    ['match', ['sweep']],
  ];
  const HISTORIES = 2_500;

  it('is won by either, and breaks nothing', async () => {
    const won = new Set<string>();
    const violations: unknown[] = [];
    for (let seed = 1; seed <= HISTORIES; seed++) {
      const result = await runHistory(drawCollisionOnly(seed), { faults: [] });
      violations.push(...result.violations);
      for (const what of result.reached.keys()) won.add(what);
    }
    expect(violations).toEqual([]);
    const orders = RACES.flatMap(([one, others]) =>
      others.flatMap((other) => [`race ${one} before ${other}`, `race ${other} before ${one}`]),
    );
    expect(orders.filter((order) => !won.has(order))).toEqual([]);
  });
});

describe('a history', () => {
  it('is the same every time, however its seeds are shared out', async () => {
    const [once, again] = [await runSeeds({ first: 77, count: 40 }), await runSeeds({ first: 77, count: 40 })];
    expect(again.hash).toBe(once.hash);
    expect((await runSeeds({ first: 78, count: 40 })).hash).not.toBe(once.hash);
    const shares = shareOut({ first: 77, count: 40 }, 3);
    const tallies: Tally[] = [];
    for (const share of shares) tallies.push(await runSeeds(share));
    expect(total(tallies)).toMatchObject({ histories: 40, hash: once.hash, answered: once.answered });
  });

  it('is the same when its fault decisions are replayed, without a draw', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const drawn = await runHistory(drawPlan(seed));
      const replayed = await runHistory(drawPlan(seed), { faults: drawn.faults });
      expect(replayed.hash, `seed ${seed}`).toBe(drawn.hash);
    }
  });

  it('keeps its faults when others are left out, as each is named by its call', async () => {
    const { faults } = await runHistory(drawPlan(5));
    const kept = new RecordedFaults(faults.slice(1));
    expect(kept.at(faults[1]?.key ?? '', [faults[1]?.kind ?? 'fail'])).toEqual(faults[1]);
    expect(kept.at(faults[0]?.key ?? '', [faults[0]?.kind ?? 'fail'])).toBeUndefined();
  });
});

describe('one lease’s life', () => {
  it('survives every single fault, and every pair that begins with the create’s lost answer or its late landing', async () => {
    const { singles, pairs, failures } = await runPairs({
      share: 0,
      of: 1,
      onlySinglesUnless: /^mint m1 hub\.createToken#0 (lose|late)$/,
    });
    expect(failures).toEqual([]);
    expect(singles).toBeGreaterThan(400);
    expect(pairs).toBeGreaterThan(500);
  });

  it('survives every single fault beside a Docker Hub that shows late what it made, and only accepts deletes', async () => {
    const { singles, failures } = await runPairs({ share: 0, of: 1, life: 'odd', onlySinglesUnless: /^never$/ });
    expect(failures).toEqual([]);
    expect(singles).toBeGreaterThan(400);
  });
});

describe('a guard taken away', () => {
  for (const ablation of ABLATIONS) {
    const traces = TRACES.filter(({ trace }) => trace.ablation === ablation);
    it(`is missed: ${ablation}`, async () => {
      let sighting = traces.length > 0 ? undefined : await seenInSeeds(ablation, 1, MAX_SEEDS);
      for (const { trace } of traces) sighting ??= await seenInTrace(trace, ablation);
      if (sighting === undefined) throw new Error(`nothing breaks without ${ablation}`);
      const { plan, faults } = sighting.trace;
      expect((await runHistory(plan, { faults })).violations).toEqual([]);
    });
  }

  it('must be where it was in core, else nothing would be taken away', () => {
    const guard = { file: 'x.ts', anchor: 'if (guarded)', without: 'if (true)' };
    expect(withoutGuard('if (guarded) go();', guard)).toBe('if (true) go();');
    expect(() => withoutGuard('if (moved) go();', guard)).toThrow('x.ts does not hold');
    expect(() => withoutGuard('if (guarded) if (guarded)', guard)).toThrow('once');
  });

  it('leaves a trace that shrinks to what matters and still shows it', async () => {
    // From seed 18 on: the two that break before it take a day of bad luck in a row, of which nothing can be left out.
    const seen = (await seenInSeeds('due_sweep', 18, MAX_SEEDS))?.trace;
    if (seen === undefined) throw new Error('nothing breaks without the due sweep');
    const wanted = (await runHistory(seen.plan, { faults: seen.faults, ablation: 'due_sweep' })).violations[0];
    const trace = await shrink(seen, 'due_sweep');
    expect(trace.faults.length + trace.plan.happenings.length).toBeLessThan(8);
    const told = await runHistory(trace.plan, { faults: trace.faults, ablation: 'due_sweep' });
    expect(told.violations[0]?.invariant).toBe(wanted?.invariant);
    expect((await runHistory(trace.plan, { faults: trace.faults })).violations).toEqual([]);
  });
});

describe('a committed trace', () => {
  for (const { file, trace } of TRACES) {
    it(`breaks nothing: ${trace.shows ?? file}`, async () => {
      const { violations } = await runHistory(trace.plan, { faults: trace.faults });
      expect(violations).toEqual([]);
    });
  }

  it('can be told again from text', async () => {
    const { faults, hash } = await runHistory(drawPlan(3));
    const trace = JSON.parse(JSON.stringify({ plan: drawPlan(3), faults })) as Trace;
    expect((await runHistory(trace.plan, { faults: trace.faults })).hash).toBe(hash);
  });
});

describe('a secret is seen', () => {
  it('as it is, or its first eight characters', () => {
    expect(leaks(`the password ${CANARY}-acme-bot-0`)).toBe(true);
    expect(leaks(`it begins with ${CANARY}`)).toBe(true);
    expect(leaks(`it begins with ${CANARY.slice(0, 7)}`)).toBe(false);
    expect(leaks('hublease knows nothing')).toBe(false);
  });

  it('URL-encoded', () => {
    expect(leaks(`?password=${encodeURIComponent(`${CANARY}-acme-bot-0`)}`)).toBe(true);
  });

  for (const before of ['', 'a', 'ab', 'abc']) {
    it(`in base64 behind ${before.length} bytes, and before others`, () => {
      const bytes = Buffer.from(`${before}${CANARY}-acme-bot-0`);
      expect(leaks(bytes.toString('base64'))).toBe(true);
      expect(leaks(bytes.toString('base64url'))).toBe(true);
      expect(leaks(Buffer.from(before + CANARY).toString('base64'))).toBe(true);
    });
  }
});
