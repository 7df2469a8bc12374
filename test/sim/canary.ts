/**
 * Begins every password, token, session and second factor, and stands in what a rejected call says; it must never stand
 * anywhere else. Eight characters, so that whoever shows only the beginning of a secret shows it; with characters that are
 * written otherwise in a URL.
 */
export const CANARY = 'cA/nA+rY';

/** Characters of a base64 text before the first that only the canary decides, by how many bytes stand before the canary. */
const SHARED_CHARACTERS = [0, 2, 3] as const;

const FORMS: readonly string[] = [
  CANARY,
  encodeURIComponent(CANARY),
  ...SHARED_CHARACTERS.flatMap((shared, bytesBefore) => {
    const bytes = Buffer.from(' '.repeat(bytesBefore) + CANARY);
    // The last character may hold bits of what follows.
    const settled = Math.floor((bytes.length * 8) / 6);
    return [bytes.toString('base64').slice(shared, settled), bytes.toString('base64url').slice(shared, settled)];
  }),
];

const LEAK = new RegExp(FORMS.map((form) => form.replace(/[+/.%]/g, '\\$&')).join('|'), 'i');

/** Whether a text shows a secret, or eight characters of one: raw, URL-encoded, or in base64 at whatever offset. */
export function leaks(text: string): boolean {
  return LEAK.test(text);
}
