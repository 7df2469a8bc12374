import type { Failed } from '../model/failure.ts';

/** Why there is no proof yet, and when to try again. */
export interface Delay {
  /** A stable code; shown as the lease's last error. */
  readonly code: string;
  /** No retry before this time, by our clock. */
  readonly retryAtMs?: number;
  /** Nothing failed. Docker Hub has not finished yet, or must first accept more requests. */
  readonly waiting?: boolean;
}

/** How a failure delays the next attempt. */
export function delayOf({ failure }: Failed, nowMs: number): Delay {
  const code = 'code' in failure ? `${failure.tag}:${failure.code}` : failure.tag;
  if (!('retryAfterSeconds' in failure)) return { code };
  const retryAtMs = nowMs + failure.retryAfterSeconds * 1_000;
  return failure.tag === 'hub_throttled' ? { code, retryAtMs, waiting: true } : { code, retryAtMs };
}
