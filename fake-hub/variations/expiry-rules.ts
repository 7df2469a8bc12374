/** How the `expires_at` of a create is treated. */

import { type Answer, json } from '../answer.ts';
import { readExpiry } from '../instant.ts';
import type { FakeHubSettings } from '../settings.ts';

const DAY_MS = 86_400_000;

/** The expiry that a token gets, the problem of the field, or a refusal that does not name the field. */
export type KeptExpiry = { readonly atMs: number | null } | { readonly problem: string } | { readonly refusal: Answer };

/** Reads an `expires_at` by the rules that are switched on. `atMs` null: the token never expires. */
export function keptExpiry(
  input: unknown,
  nowMs: number,
  { expiryRule, expiryGranularity }: Pick<FakeHubSettings, 'expiryRule' | 'expiryGranularity'>,
): KeptExpiry {
  const asked = readExpiry(input, nowMs, expiryGranularity);
  if ('problem' in asked || asked.atMs === null) return asked;
  const dayAheadMs = nowMs + DAY_MS;
  switch (expiryRule) {
    case 'kept':
      return asked;
    case 'ignored':
      return { atMs: null };
    case 'day-end':
      return { atMs: Math.ceil(asked.atMs / DAY_MS) * DAY_MS };
    case 'at-least-day':
      return { atMs: Math.max(asked.atMs, dayAheadMs) };
    case 'at-least-day-400':
      return asked.atMs < dayAheadMs ? { problem: 'must be at least one day ahead' } : asked;
    case 'at-least-day-400-plain':
      return asked.atMs < dayAheadMs ? { refusal: json(400, { message: 'invalid expiration date' }) } : asked;
  }
}
