import { type Fault, type FaultKind, type FaultPlan, type Spans, TRIGGER_FAULTS } from './faults.ts';
import { unitOf } from './prng.ts';
import { stepOfKey } from './steps.ts';

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
  repeat: [1, 1_000],
  delay: [1_000, 900_000],
};

/**
 * Draws faults by the seed and the key, so that code which makes other calls does not shift the faults of those it still makes.
 */
export class DrawnFaults implements FaultSource {
  readonly taken: Fault[] = [];
  readonly #plan: FaultPlan;
  readonly #seen: number[];
  /** What a key must hold so that it can be of an aim at all. */
  readonly #aimedAt: readonly string[];

  constructor(plan: FaultPlan) {
    const { aims = [] } = plan;
    this.#plan = plan;
    this.#seen = aims.map(() => 0);
    this.#aimedAt = aims.map(({ step }) => step.split(' ').at(-1) as string);
  }

  at(key: string, kinds: readonly FaultKind[], nowMs: number, spans: Spans = {}): Fault | undefined {
    const { seed, startMs, faultsEndMs } = this.#plan;
    if (nowMs >= startMs + faultsEndMs) return undefined;
    const kind = this.#aimed(key) ?? this.#drawn(key, kinds);
    if (kind === undefined) return undefined;
    const fault = { key, kind, ms: durationIn(spans[kind] ?? SPANS[kind], unitOf(seed, `${key} ms`)) };
    this.taken.push(fault);
    return fault;
  }

  #aimed(key: string): FaultKind | undefined {
    const { aims = [] } = this.#plan;
    if (!this.#aimedAt.some((part) => key.includes(part))) return undefined;
    const step = stepOfKey(key);
    return aims.find((aim, at) => aim.step === step && (this.#seen[at] as number)++ === aim.nth)?.kind;
  }

  #drawn(key: string, kinds: readonly FaultKind[]): FaultKind | undefined {
    const { seed, intensities, faultPlace } = this.#plan;
    if (faultPlace !== 'everywhere' && kinds !== TRIGGER_FAULTS) {
      if (key.includes(' hub.') !== (faultPlace === 'hub')) return undefined;
    }
    let left = unitOf(seed, key);
    return kinds.find((kind) => {
      left -= intensities[kind] ?? 0;
      return left < 0;
    });
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
