/** The tokens of somebody else that an account has before a variation is tried. */

import type { ForeignToken } from '../control/control.ts';
import type { Variation } from '../variations.ts';

const DAY_MS = 86_400_000;

/** All are old, the odd one the oldest. */
export function tokensBefore(
  { otherTokens = 0, oddToken }: Variation,
  nowMs: number,
): Omit<ForeignToken, 'kind' | 'account'>[] {
  const others = Array.from({ length: otherTokens }, (_, index) => ({
    label: `other ${index + 1}`,
    createdAtMs: nowMs - 30 * DAY_MS + index * 1_000,
  }));
  const odd = { label: 'odd', createdAtMs: nowMs - 60 * DAY_MS };
  return oddToken === undefined ? others : [...others, { ...odd, odd: oddToken }];
}
