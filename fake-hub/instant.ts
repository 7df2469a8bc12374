/** Instants as Docker Hub writes and reads them. */

import type { ExpiryGranularity } from './settings.ts';

const RFC3339 = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

const STEP_MS: Record<ExpiryGranularity, number> = {
  any: 1,
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** With microseconds and `Z`, the form of `created_at`. */
export function microsecondText(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '000Z');
}

/** Whole seconds come back as they were sent, without a fraction; the rest with microseconds. */
export function expiryText(atMs: number): string {
  return atMs % 1_000 === 0 ? new Date(atMs).toISOString().replace('.000Z', 'Z') : microsecondText(atMs);
}

/** Milliseconds of an RFC 3339 instant, or undefined when it is none or no such day exists. */
export function parseInstant(text: string): number | undefined {
  const date = RFC3339.exec(text)?.[1];
  if (date === undefined) return undefined;
  const atMs = Date.parse(text);
  const midnightMs = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(atMs) || Number.isNaN(midnightMs)) return undefined;
  return new Date(midnightMs).toISOString().startsWith(date) ? atMs : undefined;
}

export function isOnStep(atMs: number, granularity: ExpiryGranularity): boolean {
  return atMs % STEP_MS[granularity] === 0;
}

/** Why an `expires_at` is refused, or its milliseconds; null when there is none. */
export function readExpiry(
  input: unknown,
  nowMs: number,
  granularity: ExpiryGranularity,
): { readonly atMs: number | null } | { readonly problem: string } {
  if (input === undefined || input === null) return { atMs: null };
  const atMs = typeof input === 'string' ? parseInstant(input) : undefined;
  if (atMs === undefined) return { problem: 'must be an RFC 3339 date-time' };
  if (atMs <= nowMs) return { problem: 'must be in the future' };
  if (!isOnStep(atMs, granularity)) return { problem: `must be a whole ${granularity}` };
  return { atMs };
}
