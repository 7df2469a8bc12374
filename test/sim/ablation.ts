import { runHistory } from './history.ts';
import { drawPlan } from './plan.ts';
import type { Trace } from './run.ts';

/**
 * Guards that can be taken away without touching core, by altering a port or a bound. With one gone, the invariants must be
 * seen to break, or they see nothing.
 */
export type Ablation =
  | 'none'
  /** Every label that looks like ours counts as ours. */
  | 'mac_check'
  /** Whoever logs in is taken for the target's account. */
  | 'account_pin'
  /** Absence is believed at once. */
  | 'quiet_period'
  /** What is due is found by nobody. */
  | 'due_sweep'
  /** Tokens are made without an end of their own. */
  | 'expires_at'
  /** A store takes the repetition of a write for somebody else's. */
  | 'op_id';

export const ABLATIONS: readonly Exclude<Ablation, 'none'>[] = [
  'mac_check',
  'account_pin',
  'quiet_period',
  'due_sweep',
  'expires_at',
  'op_id',
];

/** The first history that breaks a promise without the guard and none with it; undefined when `seeds` of them show nothing. */
export async function seenWithout(
  ablation: Exclude<Ablation, 'none'>,
  firstSeed: number,
  seeds: number,
): Promise<Trace | undefined> {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const plan = drawPlan(seed);
    const { violations, faults } = await runHistory(plan, { ablation });
    if (violations.length === 0) continue;
    if ((await runHistory(plan, { faults })).violations.length === 0) return { plan, faults };
  }
  return undefined;
}
