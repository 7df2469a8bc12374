import type { Failure, FailureTag } from '../../core/model/failure.ts';

/** What a failure looks like from outside. */
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

/** How each kind of failure looks from outside. */
export type Outsides = {
  readonly [T in FailureTag]: (failure: Extract<Failure, { tag: T }>) => Outside;
};

/** What a detail says where Retry-After tells how long to wait. */
export const AGAIN = 'Send the request again after the time in Retry-After.';

/** Whole seconds of UTC; what is no time at all says so rather than fail. */
export function instant(atMs: number): string {
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString() : 'a later time';
}
