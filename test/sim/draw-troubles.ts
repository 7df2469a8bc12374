import type { Frame } from './draw-happenings.ts';
import type { Happening } from './plan.ts';
import type { Dice } from './prng.ts';

/** What a proven credential's one more try outlasts. */
const PASSING_MS = 25_000;

/** Draws what Docker Hub does beside its habits, and what admins do about it. */
export function drawTroubles(dice: Dice, frame: Frame, mints: readonly Happening[]): Happening[] {
  const { wants, targets, installations, faultsEndMs, faulty } = frame;
  const troubles: Happening[] = [];
  const anywhere = () => dice.whole(0, faultsEndMs);
  // About a lease's end, where they hurt.
  const ends = mints.flatMap((one) => (one.does === 'mint' ? [one.atMs + one.ttlSeconds * 1_000] : []));
  const aboutAnEnd = () => (dice.chance(0.6) ? Math.max(0, dice.pick(ends) - dice.magnitude(10, 60_000)) : anywhere());
  for (const installation of installations) {
    for (const { name: target } of targets) {
      if (!dice.chance(0.12) && !wants.has('verification')) continue;
      const atMs = dice.chance(0.7) ? dice.whole(0, 20_000) : anywhere();
      troubles.push({ atMs, does: 'verify', installation, target, by: dice.pick(['put', 'verify']) });
    }
  }
  for (const { username } of targets) {
    if (dice.chance(0.08)) {
      const atMs = aboutAnEnd();
      const forMs = faulty ? dice.magnitude(100, 600_000) : dice.magnitude(100, PASSING_MS);
      troubles.push({ atMs, does: 'trouble_logins', username, how: 'refused', forMs });
      if (dice.chance(0.7)) troubles.push({ atMs: atMs + dice.whole(0, 1_000), does: 'end_sessions', username });
    }
    if (!faulty) continue;
    if (dice.chance(0.06)) {
      const atMs = aboutAnEnd();
      const forMs = dice.magnitude(1_000, 900_000);
      troubles.push({ atMs, does: 'trouble_logins', username, how: 'edge', forMs });
      if (dice.chance(0.7)) troubles.push({ atMs: atMs + dice.whole(0, 1_000), does: 'end_sessions', username });
    }
    if (dice.chance(0.1)) {
      const how = dice.pick(['list_404', 'list_403'] as const);
      troubles.push({ atMs: aboutAnEnd(), does: 'lose_role', username, how, forMs: dice.magnitude(500, 900_000) });
    }
  }
  for (const one of mints) {
    if (!faulty || one.does !== 'mint' || !dice.chance(0.05)) continue;
    const atMs = one.atMs + one.ttlSeconds * 1_000 + dice.whole(200_000, 900_000);
    troubles.push({ atMs, does: 'attest', mint: one.mint });
  }
  return troubles;
}
