import { SWEEP_EVERY_MS } from './bounds.ts';
import type { Happening, Plan } from './plan.ts';
import { Dice } from './prng.ts';
import { firstSweepMs, ttlLagMs } from './recurring.ts';

/** How long after its start a sweep sends what is due, and looks at the leases of the tokens it listed. */
const SWEEP_STEPS_MS = [0, 380] as const;
/** How long the account cannot be reached about a lease's end, so that its first attempt fails. */
const AWAY_MS = 30_000;

/** What of a plan decides where things meet. */
type Place = Pick<Plan, 'seed' | 'installations' | 'targets' | 'hubExpires' | 'faultsEndMs'> & {
  /** Whether something may keep a lease open past its end. */
  readonly faulty: boolean;
  /** How far from the moment each comes at most. */
  readonly withinMs: number;
  /** How likely each is to come. */
  readonly likely: number;
};

/** One lease that all come for at once, at a sweep: its job or its timer, its owner, an admin, and a renewal. */
export function drawCollision(dice: Dice, place: Place): Happening[] {
  const { seed, faulty, installations, targets, hubExpires, faultsEndMs, withinMs, likely } = place;
  const installation = dice.pick(installations);
  const { name: target, username, secret } = dice.pick(targets);
  const mint = 'm7';
  const ttlSeconds = dice.pick([60, 120, 300]);
  const atTimer = faulty && !hubExpires && dice.chance(0.5);
  const lifeMs = ttlSeconds * 1_000 + (atTimer ? ttlLagMs(seed, `ttl ${installation} ${mint}.0`) : 0);
  let meetMs = firstSweepMs(seed, installation) + dice.pick(SWEEP_STEPS_MS) + dice.whole(-withinMs, withinMs);
  while (meetMs - lifeMs < 1_000) meetMs += SWEEP_EVERY_MS;
  if (meetMs >= faultsEndMs) return [];
  const atMs = meetMs - lifeMs;
  const about = () => meetMs + dice.whole(-withinMs, withinMs);
  const together: Happening[] = [{ atMs, does: 'mint', mint, installation, secret, ttlSeconds }];
  // The first attempt fails, and no other is sent until then, so that the lease is still there, and due, for its timer.
  if (atTimer) {
    const endMs = atMs + ttlSeconds * 1_000;
    together.push({ atMs: endMs - AWAY_MS / 2, does: 'rotation', installation, target, forMs: AWAY_MS });
    together.push({ atMs: endMs - AWAY_MS / 2, does: 'end_sessions', username });
    together.push({
      atMs: endMs - AWAY_MS / 2,
      does: 'outage',
      port: 'queue',
      dark: false,
      forMs: meetMs - withinMs - endMs,
    });
  }
  if (dice.chance(likely)) together.push({ atMs: about(), does: 'revoke', mint });
  if (dice.chance(likely))
    together.push({ atMs: about(), does: 'revoke_matching', installation, selector: { target } });
  if (!atTimer && dice.chance(likely / 2)) {
    together.push({ atMs: meetMs - dice.whole(10, withinMs), does: 'renew', mint, ttlSeconds: 60 });
  }
  return together;
}

/** A history of nothing but one collision. */
export function drawCollisionOnly(seed: number): Plan {
  const dice = new Dice(seed);
  const renewable = dice.chance(0.3);
  const plan: Plan = {
    seed,
    startMs: 1_798_761_600_000,
    installations: ['a'],
    targets: [{ name: 'bot', username: 'acme-bot', secret: 'ci/push', renewable }],
    secondFactor: [],
    pageSize: 100,
    listLagMs: 0,
    settleMs: 0,
    hubSkewMs: 0,
    hubExpires: false,
    listsExpired: false,
    schedulerWindowMs: 20,
    intensities: {},
    faultPlace: 'everywhere',
    faultsEndMs: 3_000_000,
    happenings: [],
  };
  return {
    ...plan,
    happenings: drawCollision(dice, { ...plan, faulty: true, withinMs: dice.pick([60, 300]), likely: 0.7 }),
  };
}
