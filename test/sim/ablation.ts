import { drawPlan } from './draw-plan.ts';
import type { Violation } from './invariants.ts';
import { lifeWith } from './life.ts';
import type { Trace } from './seeds.ts';
import { inWorker } from './worker.ts';

/**
 * Guards that can be taken away: by altering a port or a bound, or in the source of core as it is loaded. With one gone, the
 * invariants must be seen to break, or they see nothing.
 */
export type Ablation =
  | 'none'
  /** Every label that looks like ours counts as ours. */
  | 'mac_check'
  /** Whoever logs in is taken for the target's account. */
  | 'account_pin'
  /** A token whose id nobody knows is not looked for by its label. */
  | 'label_lookup'
  /** Absence is believed at once. */
  | 'quiet_period'
  /** What is due is found by nobody. */
  | 'due_sweep'
  /** Tokens are made without an end of their own. */
  | 'expires_at'
  /** One listing is believed. */
  | 'second_listing'
  /** The expiry that was asked for is believed, not the one that Docker Hub reports. */
  | 'reported_expiry'
  /** A token is answered even if Docker Hub changed its label. */
  | 'label_echo'
  /** Listed tokens that may be a lease's do not keep it from being absent. */
  | 'suspects'
  /** A 404 is believed without the account's list. */
  | 'list_confirmation'
  /** A list that lacks a token proves that it is gone, however far the list lags. */
  | 'listed_by'
  /** Any 2xx to a delete is the end. */
  | 'delete_status'
  /** The quiet period is the same however far the list lags. */
  | 'list_lag'
  /** The age of a token that a list lacks is taken for the list's whole lag. */
  | 'lag_measured'
  /** A list serves proofs while a verification waits to learn its lag. */
  | 'lag_doubt'
  /** A listed token counts as alive, active or not. */
  | 'is_active'
  /** A create that Docker Hub refused in its own words counts as one that made nothing. */
  | 'create_refused'
  /** A password that worked before is tried again at once when it is refused. */
  | 'doubt_pause'
  /** Such a password is tried every half minute. */
  | 'doubt_once'
  /** Every caller sends its login to a page that answers in Docker Hub's place. */
  | 'edge_pause'
  /** A token is answered whatever becomes of its audit event. */
  | 'audit_required'
  /** A store takes the repetition of a write for somebody else's. */
  | 'op_id';

export const ABLATIONS: readonly Exclude<Ablation, 'none'>[] = [
  'mac_check',
  'account_pin',
  'label_lookup',
  'quiet_period',
  'due_sweep',
  'expires_at',
  'second_listing',
  'op_id',
  'reported_expiry',
  'label_echo',
  'suspects',
  'list_confirmation',
  'listed_by',
  'delete_status',
  'list_lag',
  'lag_measured',
  'lag_doubt',
  'is_active',
  'create_refused',
  'doubt_pause',
  'doubt_once',
  'edge_pause',
  'audit_required',
];

/** How the lack of a guard showed. */
export interface Sighting {
  readonly by: 'random seed' | 'pair of faults' | 'directed trace';
  /** Run until then, this one included. */
  readonly histories: number;
  readonly violation: Violation;
  readonly trace: Trace;
}

/** The first of so many random histories that breaks a promise without the guard; undefined when none does. */
export async function seenInSeeds(ablation: Ablation, first: number, count: number): Promise<Sighting | undefined> {
  const { failures, histories } = await inWorker('seeds', { first, count, ablation, mostFailures: 1 });
  const [failure] = failures;
  if (failure === undefined) return undefined;
  const { seed, faults, violation } = failure;
  return { by: 'random seed', histories, violation, trace: { ablation, plan: drawPlan(seed), faults } };
}

/** The first of all single faults and pairs that does; undefined when none does. */
export async function seenInPairs(ablation: Ablation): Promise<Sighting | undefined> {
  const { failures, singles, pairs } = await inWorker('pairs', { share: 0, of: 1, ablation, mostFailures: 1 });
  const [failure] = failures;
  if (failure === undefined) return undefined;
  const { faults, violation } = failure;
  return {
    by: 'pair of faults',
    histories: singles + pairs + 1,
    violation,
    trace: { ablation, ...lifeWith('usual', faults) },
  };
}

/** A committed trace that does. */
export async function seenInTrace(trace: Trace, ablation: Ablation): Promise<Sighting | undefined> {
  const [violation] = await inWorker('trace', { trace, ablation });
  return violation && { by: 'directed trace', histories: 1, violation, trace };
}
