import type { HubMeta } from '../../core/ports/docker-hub.ts';

/** Maximum wait, even if Docker Hub asks for a longer one. It is also the longest pause between two attempts to revoke. */
export const RETRY_MAX_MS = 900_000;
/** Docker Hub's limit counts per minute. Source: Docker Hub API reference, "Rate Limiting". */
const RETRY_DEFAULT_MS = 60_000;
/** A smaller number is a duration in seconds. Other numbers are unix times (from September 2001 on). */
const FIRST_UNIX_SECONDS = 1_000_000_000;

/** An answer's headers, names in lower case. */
export type HubHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Reads the facts in every answer of Docker Hub: its `Date`, and how many requests are left. */
export function readMeta(headers: HubHeaders): HubMeta {
  const hubDateMs = httpDateMs(header(headers, 'date'));
  const resetSeconds = wholeNumber(header(headers, 'x-ratelimit-reset'));
  const rateLimit = wholeNumber(header(headers, 'x-ratelimit-limit'));
  const rateRemaining = wholeNumber(header(headers, 'x-ratelimit-remaining'));
  return {
    ...(hubDateMs === undefined ? {} : { hubDateMs }),
    ...(rateLimit === undefined || rateLimit === 0 ? {} : { rateLimit }),
    ...(rateRemaining === undefined ? {} : { rateRemaining }),
    ...(resetSeconds === undefined || resetSeconds < FIRST_UNIX_SECONDS ? {} : { rateResetAtMs: resetSeconds * 1_000 }),
  };
}

/**
 * When Docker Hub may be asked again, by our clock, from now to {@link RETRY_MAX_MS} later. Reads `Retry-After` (seconds, HTTP
 * date or unix time), then `X-Retry-After` (unix time), then `X-RateLimit-Reset`. Instants count from the answer's own `Date`, so
 * that a difference between the clocks does not matter.
 *
 * @param defaultMs the wait if Docker Hub names none.
 */
export function readRetryAtMs(headers: HubHeaders, nowMs: number, defaultMs = RETRY_DEFAULT_MS): number {
  const waitMs =
    waitOf(headers, 'retry-after', nowMs) ??
    waitOf(headers, 'x-retry-after', nowMs) ??
    waitOf(headers, 'x-ratelimit-reset', nowMs) ??
    defaultMs;
  return nowMs + Math.min(Math.max(waitMs, 0), RETRY_MAX_MS);
}

function waitOf(headers: HubHeaders, name: string, nowMs: number): number | undefined {
  const text = header(headers, name);
  const seconds = wholeNumber(text);
  if (seconds !== undefined && seconds < FIRST_UNIX_SECONDS) return seconds * 1_000;
  const atMs = seconds === undefined ? httpDateMs(text) : seconds * 1_000;
  return atMs === undefined ? undefined : atMs - (httpDateMs(header(headers, 'date')) ?? nowMs);
}

/** A header's value; the first if there are several. */
export function header(headers: HubHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Reads an IMF-fixdate, the only form that servers may send. Source: RFC 9110 section 5.6.7. */
function httpDateMs(text: string | undefined): number | undefined {
  const atMs = text !== undefined && HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}
