import { afterTaking } from '../functions/core/model/pace.ts';
import type { CallerRates } from '../functions/core/ports/caller-rates.ts';

/** Callers, accounts and secrets that are kept in mind. The one that asked longest ago makes room, and begins anew. */
const MAX_KEPT = 10_000;

/** Paces in this process' memory: the embedded edition is one process, and a restart may begin anew. */
export function memoryRates(): CallerRates {
  const kept = new Map<string, number>();
  return {
    async take(key, pace, nowMs, count) {
      const outcome = afterTaking(kept.get(key), pace, nowMs, count);
      if ('retryAtMs' in outcome) return outcome.retryAtMs;
      kept.delete(key);
      kept.set(key, outcome.fullMs);
      const oldest = kept.keys().next();
      if (kept.size > MAX_KEPT && !oldest.done) kept.delete(oldest.value);
      return undefined;
    },
  };
}
