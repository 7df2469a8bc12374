import { unitOf } from './prng.ts';

/**
 * What can go wrong with one call of a port, or with one delivery of a trigger.
 *
 * - `fail`: nothing happened, and the call rejects. `lose`: it happened, and the answer was lost.
 * - `late`: the call rejects, and happens `ms` later. `twice`: it happens, and again after `ms`; the second answer counts, as
 *   when an SDK repeats a write whose first answer was lost.
 * - `stall`: it happens only after `ms`. `freeze`: it happens, and the answer is noticed after `ms`.
 * - `crash_before`, `crash_after`: the actor dies, and none of its calls ever answers.
 * - `throttle`: Docker Hub answers 429 with a pause of `ms`. `refuse`: it answers 401 to a good session.
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
export const LOGIN_FAULTS: readonly FaultKind[] = [...STORE_FAULTS.filter((kind) => kind !== 'twice'), 'throttle'];
/** Without `twice`: a create is an HTTP POST that nobody repeats. */
export const CREATE_FAULTS: readonly FaultKind[] = [...HUB_FAULTS.filter((kind) => kind !== 'twice'), 'duplicate'];
/** The audit port never rejects. */
export const AUDIT_FAULTS: readonly FaultKind[] = ['freeze', 'crash_before', 'crash_after'];
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

/** Decides what goes wrong. */
export interface FaultSource {
  /** The fault of this call, among the kinds that it can have; undefined for none. `spans` where a call has its own. */
  at(key: string, kinds: readonly FaultKind[], nowMs: number, spans?: Spans): Fault | undefined;
  /** Those that were decided so far, in order. */
  readonly taken: readonly Fault[];
}

const SPANS: Spans = {
  lose: [50, 8_000],
  late: [20, 20_000],
  twice: [5, 3_000],
  stall: [200, 20_000],
  freeze: [500, 600_000],
  throttle: [1_000, 300_000],
  delay: [1_000, 900_000],
};

/**
 * Draws faults by the seed and the key, so that code which makes other calls does not shift the faults of those it still makes.
 */
export class DrawnFaults implements FaultSource {
  readonly taken: Fault[] = [];
  readonly #seed: number;
  readonly #intensities: Intensities;
  readonly #endMs: number;
  readonly #place: FaultPlace;

  constructor(seed: number, intensities: Intensities, endMs: number, place: FaultPlace) {
    this.#seed = seed;
    this.#intensities = intensities;
    this.#endMs = endMs;
    this.#place = place;
  }

  at(key: string, kinds: readonly FaultKind[], nowMs: number, spans: Spans = {}): Fault | undefined {
    if (nowMs >= this.#endMs) return undefined;
    if (this.#place !== 'everywhere' && kinds !== TRIGGER_FAULTS) {
      if (key.includes(' hub.') !== (this.#place === 'hub')) return undefined;
    }
    let left = unitOf(this.#seed, key);
    for (const kind of kinds) {
      left -= this.#intensities[kind] ?? 0;
      if (left >= 0) continue;
      const fault = { key, kind, ms: durationIn(spans[kind] ?? SPANS[kind], unitOf(this.#seed, `${key} ms`)) };
      this.taken.push(fault);
      return fault;
    }
    return undefined;
  }
}

/** Replays decisions. One whose call never comes is passed over. */
export class RecordedFaults implements FaultSource {
  readonly taken: Fault[] = [];
  readonly #byKey: ReadonlyMap<string, Fault>;

  constructor(faults: readonly Fault[]) {
    this.#byKey = new Map(faults.map((fault) => [fault.key, fault]));
  }

  at(key: string, kinds: readonly FaultKind[]): Fault | undefined {
    const fault = this.#byKey.get(key);
    if (fault === undefined || !kinds.includes(fault.kind)) return undefined;
    this.taken.push(fault);
    return fault;
  }
}

/** As often short as long, whatever the magnitude. */
function durationIn(span: readonly [number, number] | undefined, unit: number): number {
  return span === undefined ? 0 : Math.round(span[0] * (span[1] / span[0]) ** unit);
}
