/**
 * What can go wrong with one call of a port, or with one delivery of a trigger.
 *
 * - `fail`: nothing happened, and the call rejects. `lose`: it happened, and the answer was lost.
 * - `late`: the call rejects, and happens `ms` later. `twice`: it happens, and again after `ms`; the second answer counts, as
 *   when an SDK repeats a write whose first answer was lost.
 * - `stall`: it happens only after `ms`. `freeze`: it happens, and the answer is noticed after `ms`.
 * - `crash_before`, `crash_after`: the actor dies, and none of its calls ever answers.
 * - Nothing happens, and Docker Hub says so: `throttle`: 429 with a pause of `ms`. `refuse`: 401 to a good session. `decline`: 403 to
 *   a create. `reject`: 401 to a login with a good password.
 * - `repeat`: an edge before Docker Hub sends a create twice. The first made a token, and the caller sees how the second was refused,
 *   in Docker Hub's own form. `ms` says which refusal.
 * - `duplicate`: Docker Hub makes two tokens of one create. Nobody repeats that request, so this is rare and stands apart.
 * - `drop`, `delay`: a trigger is lost, or comes `ms` late.
 */
export type FaultKind =
  | 'fail'
  | 'lose'
  | 'late'
  | 'twice'
  | 'stall'
  | 'freeze'
  | 'crash_before'
  | 'crash_after'
  | 'throttle'
  | 'refuse'
  | 'decline'
  | 'reject'
  | 'repeat'
  | 'duplicate'
  | 'drop'
  | 'delay';

export const STORE_FAULTS: readonly FaultKind[] = [
  'fail',
  'lose',
  'late',
  'twice',
  'stall',
  'freeze',
  'crash_before',
  'crash_after',
];
export const HUB_FAULTS: readonly FaultKind[] = [...STORE_FAULTS, 'throttle', 'refuse'];
export const LOGIN_FAULTS: readonly FaultKind[] = [
  ...STORE_FAULTS.filter((kind) => kind !== 'twice'),
  'throttle',
  'reject',
];
/** Without `twice`: a create is an HTTP POST that hublease does not repeat. */
export const CREATE_FAULTS: readonly FaultKind[] = [
  ...HUB_FAULTS.filter((kind) => kind !== 'twice'),
  'decline',
  'repeat',
  'duplicate',
];
/** The audit port never rejects: it says that the event is lost. */
export const AUDIT_FAULTS: readonly FaultKind[] = ['fail', 'lose', 'freeze', 'crash_before', 'crash_after'];
export const TRIGGER_FAULTS: readonly FaultKind[] = ['drop', 'delay', 'twice'];

/** One decision. The key names the actor, the call and its ordinal: `mint m3 leases.update#0`. */
export interface Fault {
  readonly key: string;
  readonly kind: FaultKind;
  readonly ms: number;
}

/** How likely each kind is at a call that can have it, 0 to 1. */
export type Intensities = Readonly<Partial<Record<FaultKind, number>>>;

/** Least and most `ms` of a kind. */
export type Spans = Readonly<Partial<Record<FaultKind, readonly [number, number]>>>;

/** Which calls can have faults. Where all can, a create is seldom reached; where only Docker Hub's can, it often is. */
export type FaultPlace = 'everywhere' | 'hub' | 'stores';

/** A fault at the call of a step that is the `nth` from 0, wherever else faults are. */
export interface Aim {
  readonly step: string;
  readonly kind: FaultKind;
  readonly nth: number;
}

/** What faults are drawn by. */
export interface FaultPlan {
  readonly seed: number;
  readonly startMs: number;
  readonly faultsEndMs: number;
  readonly intensities: Intensities;
  readonly faultPlace: FaultPlace;
  readonly aims?: readonly Aim[];
}
