import { patternOf } from '../canary.ts';

/**
 * Begins every password, token, session and second factor, and stands in what a rejected call says; it must never stand
 * anywhere else. Eight characters, so that whoever shows only the beginning of a secret shows it; with characters that are
 * written otherwise in a URL.
 */
export const CANARY = 'cA/nA+rY';

const LEAK = patternOf(CANARY);

/** Whether a text shows a secret, or eight characters of one: raw, URL-encoded, or in base64 at whatever offset. */
export function leaks(text: string): boolean {
  return LEAK.test(text);
}
