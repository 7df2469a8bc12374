import type { Failure, FailureTag } from '../../core/model/failure.ts';

/** A failure as the caller sees it. */
export interface Outside {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly field?: string;
  readonly holders?: readonly string[];
  /** Methods for the `Allow` header, which a 405 must have. Source: RFC 9110, section 15.5.6. */
  readonly allowed?: readonly string[];
  readonly retryAfterSeconds?: number;
}

/** How the caller sees each kind of failure. */
export type Outsides = {
  readonly [T in FailureTag]: (failure: Extract<Failure, { tag: T }>) => Outside;
};

/** The last sentence of a detail whose answer has Retry-After. */
export const AGAIN = 'Send the request again after the time in Retry-After.';

/** The time in UTC. A number that is not a valid time gets a fixed text, because `Date` would throw. */
export function instant(atMs: number): string {
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString() : 'a later time';
}
