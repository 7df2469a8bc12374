/** How times read, above all where there is none. */

import { expiryText, microsecondText } from '../instant.ts';
import type { NoTimeForm } from '../settings.ts';

/** The zero time of Go, which Docker Hub is written in. */
const YEAR_1 = '0001-01-01T00:00:00Z';

/** A time that is null where there is none, unless it reads as year 1. */
export function timeOrNone(atMs: number | null, form: NoTimeForm, write = microsecondText): string | null {
  if (atMs !== null) return write(atMs);
  return form === 'year-1' ? YEAR_1 : null;
}

/** The expiry of a personal token: a field, or none. */
export function patExpiry(atMs: number | null, form: NoTimeForm): { readonly expires_at?: string | null } {
  if (atMs === null && form === 'absent') return {};
  return { expires_at: atMs === null && form === 'empty' ? '' : timeOrNone(atMs, form, expiryText) };
}
