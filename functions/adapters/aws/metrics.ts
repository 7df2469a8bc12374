import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName, type MetricShape } from './metric-names.ts';

/** Writes measurements. */
export interface Meter {
  /**
   * Writes one value at once, so that nothing is lost when the process ends. Never throws.
   *
   * @param note the value of the metric's dimension, if `METRICS` gives it one, and more facts to search for: only ids and codes,
   *   never a secret.
   */
  record(
    name: MetricName,
    value: number,
    note?: { readonly by?: string; readonly facts?: Record<string, string> },
  ): void;
}

/**
 * Writes CloudWatch's Embedded Metric Format to stdout, one line per value, which Lambda turns into metrics.
 * Source: CloudWatch user guide, "Specification: Embedded metric format". A value that is not a finite number is dropped.
 */
export function emfMeter({ namespace }: { readonly namespace: string }): Meter {
  const metrics = new Metrics({ namespace });
  // Powertools adds a dimension for the function, which would split every total by function.
  metrics.clearDefaultDimensions();
  return {
    record(name, value, { by, facts = {} } = {}) {
      if (!Number.isFinite(value)) return;
      try {
        const { unit, dimension }: MetricShape = METRICS[name];
        // The empty set of dimensions is the total.
        metrics.addDimensions({});
        if (dimension !== undefined && by !== undefined && by !== '') metrics.addDimensions({ [dimension]: by });
        for (const [key, fact] of Object.entries(facts)) metrics.addMetadata(key, fact);
        metrics.addMetric(name, unit, value);
        metrics.publishStoredMetrics();
      } catch {
        // A failed measurement must not stop the work that is measured.
        metrics.clearMetrics();
        metrics.clearDimensions();
        metrics.clearMetadata();
      }
    },
  };
}
