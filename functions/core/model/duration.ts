import { fail } from './failure.ts';

const SECONDS_PER_UNIT = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;
const UNITS = ['d', 'h', 'm', 's'] as const;

/** Ten years. A longer duration is a typing error. Below this limit, sums of times stay exact integers. */
export const MAX_DURATION_SECONDS = 315_360_000;

/**
 * Reads a duration: whole seconds as a number, or text such as `90s`, `15m`, `1h30m`, `2d` (largest unit first, each unit at most
 * once).
 *
 * @param field the field that the failure names if the text is not a duration.
 * @returns whole seconds, 1 to {@link MAX_DURATION_SECONDS}.
 * @throws Failed `invalid_field`.
 */
export function parseDuration(input: number | string, field: string): number {
  const seconds = typeof input === 'number' ? input : secondsOf(input);
  if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > MAX_DURATION_SECONDS) {
    throw fail({
      tag: 'invalid_field',
      field,
      problem: `expected whole seconds from 1 to ${MAX_DURATION_SECONDS}, or a duration such as 90s, 15m, 1h30m or 2d`,
    });
  }
  return seconds;
}

function secondsOf(text: string): number {
  const match = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/.exec(text);
  if (!match) return Number.NaN;
  return UNITS.reduce((sum, unit, index) => sum + Number(match[index + 1] ?? 0) * SECONDS_PER_UNIT[unit], 0);
}

/** Writes whole seconds in the shortest form that {@link parseDuration} can read: 5400 is `1h30m`. */
export function formatDuration(seconds: number): string {
  let rest = seconds;
  let text = '';
  for (const unit of UNITS) {
    const count = Math.floor(rest / SECONDS_PER_UNIT[unit]);
    rest -= count * SECONDS_PER_UNIT[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
