import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ABLATIONS, seenWithout } from './ablation.ts';
import { RecordedFaults } from './faults.ts';
import { runHistory } from './history.ts';
import { drawPlan } from './plan.ts';
import { runSeeds, type Tally, type Trace } from './run.ts';
import { shrink } from './shrink.ts';

const TRACES = new URL('./traces/', import.meta.url);

/** Where the histories of this file begin. */
const FIRST_SEED = 100;
/** Seeds within which the lack of each guard must show. Found by `node test/sim/run.ts --ablation NAME --seeds 2000`. */
const MOST_SEEDS = 1_500;

describe('over a few hundred histories full of faults', () => {
  let tally: Tally;
  beforeAll(async () => {
    tally = await runSeeds(FIRST_SEED, 500);
  });

  it('no token outlives its lease, nothing of others is touched, and no promise of the simulator’s list breaks', () => {
    expect(tally.failures.map(({ seed, violation }) => ({ seed, ...violation }))).toEqual([]);
    expect(tally.answered).toBeGreaterThan(500);
    expect(tally.faults).toBeGreaterThan(2_000);
  });

  it('nor where admins are careless and coincidences are frequent', async () => {
    const { failures } = await runSeeds(FIRST_SEED, 250, { harshness: 'harsh' });
    expect(failures.map(({ seed, violation }) => ({ seed, ...violation }))).toEqual([]);
  });

  it('every kind of evidence, of failure and of repair comes about, so that the silence means something', () => {
    for (const what of [
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
      'lease.mint_failed quota_reached',
      'lease.mint_failed in_flight',
      'lease.revoke_delayed quiet_period',
      'lease.revoke_delayed listing_incomplete',
      'target.deleted',
    ]) {
      expect(tally.reached.get(what) ?? 0, what).toBeGreaterThan(0);
    }
  });
});

describe('a history', () => {
  it('is the same every time', async () => {
    const [once, again] = [await runSeeds(77, 40), await runSeeds(77, 40)];
    expect(again.hash).toBe(once.hash);
    expect((await runSeeds(78, 40)).hash).not.toBe(once.hash);
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

describe('a guard taken away', () => {
  for (const ablation of ABLATIONS) {
    it(`is missed: ${ablation}`, async () => {
      expect(await seenWithout(ablation, 1, MOST_SEEDS)).toBeDefined();
    });
  }

  it('leaves a trace that shrinks to what matters and still shows it', async () => {
    const seen = (await seenWithout('due_sweep', 1, MOST_SEEDS)) as Trace;
    const wanted = (await runHistory(seen.plan, { faults: seen.faults, ablation: 'due_sweep' })).violations[0];
    const trace = await shrink(seen, 'due_sweep');
    expect(trace.faults.length + trace.plan.happenings.length).toBeLessThan(8);
    const told = await runHistory(trace.plan, { faults: trace.faults, ablation: 'due_sweep' });
    expect(told.violations[0]?.invariant).toBe(wanted?.invariant);
    expect((await runHistory(trace.plan, { faults: trace.faults })).violations).toEqual([]);
  });
});

describe('a committed trace', () => {
  for (const file of readdirSync(TRACES).filter((name) => name.endsWith('.json'))) {
    const trace = JSON.parse(readFileSync(new URL(file, TRACES), 'utf8')) as Trace;
    it(`breaks nothing: ${trace.shows ?? file}`, async () => {
      const { violations } = await runHistory(trace.plan, { faults: trace.faults });
      expect(violations).toEqual([]);
    });
    const { ablation } = trace;
    if (ablation === undefined) continue;
    it(`breaks a promise without ${ablation}`, async () => {
      const { violations } = await runHistory(trace.plan, { faults: trace.faults, ablation });
      expect(violations).not.toEqual([]);
    });
  }

  it('can be told again from text', async () => {
    const { faults, hash } = await runHistory(drawPlan(3));
    const trace = JSON.parse(JSON.stringify({ plan: drawPlan(3), faults })) as Trace;
    expect((await runHistory(trace.plan, { faults: trace.faults })).hash).toBe(hash);
  });
});
