import { METRICS, type MetricName, type MetricShape } from './metric-names.ts';

/** What a value is broken down by, and searchable facts beside it. */
interface Note {
  readonly by?: string;
  readonly facts?: Readonly<Record<string, string>>;
}

interface MeterOptions {
  readonly namespace: string;
  /** @default standard output, which Lambda reads metrics from. `console` would put a time in front of each line. */
  readonly out?: { write(line: string): unknown };
}

/** Writes measurements. */
export interface Meter {
  /**
   * Writes one value at once, so that nothing is lost when the process ends. Never throws.
   *
   * @param note the value of the metric's dimension, if `METRICS` gives it one, and more facts to search for: only ids and codes,
   *   never a secret.
   */
  record(name: MetricName, value: number, note?: Note): void;
}

/**
 * Writes CloudWatch's Embedded Metric Format to stdout, one line per value, which Lambda turns into metrics.
 * Source: CloudWatch user guide, "Specification: Embedded metric format". A value that is not a finite number is dropped.
 */
export function emfMeter({ namespace, out = process.stdout }: MeterOptions): Meter {
  return {
    record(name, value, note) {
      if (!Number.isFinite(value)) return;
      try {
        out.write(`${JSON.stringify(lineOf(namespace, name, value, note))}\n`);
      } catch {
        // A failed measurement must not stop the work that is measured.
      }
    },
  };
}

function lineOf(namespace: string, name: MetricName, value: number, { by = '', facts = {} }: Note = {}) {
  const { unit, dimension }: MetricShape = METRICS[name];
  const isBrokenDown = dimension !== undefined && by !== '';
  // The empty set of dimensions is the total.
  const Dimensions = isBrokenDown ? [[], [dimension]] : [[]];
  const directive = { Namespace: namespace, Dimensions, Metrics: [{ Name: name, Unit: unit }] };
  return {
    _aws: { Timestamp: Date.now(), CloudWatchMetrics: [directive] },
    ...facts,
    ...(isBrokenDown && { [dimension]: by }),
    [name]: value,
  };
}
