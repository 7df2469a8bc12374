import type { Limits } from './core/ports/environment.ts';

/**
 * The bounds that both editions share. An API call that logs in with two factors and mints takes at most three of the
 * Docker Hub timeouts, and API Gateway waits 29 s.
 */
export function limitsOf(minTtlSeconds: number, auditRetentionDays = 30): Limits {
  return {
    minTtlSeconds,
    mintWindowMs: 20_000,
    hubTimeoutMs: 8_000,
    quietMs: 60_000,
    maxRetryMs: 900_000,
    auditRetentionMs: auditRetentionDays * 86_400_000,
  };
}
