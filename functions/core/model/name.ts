import { fail } from './failure.ts';

const SEGMENT = /^[a-z0-9][a-z0-9-]{0,31}$/;
const MAX_SEGMENTS = 4;

/** Whether `text` is a legal name of a secret or target: up to 4 segments of `[a-z0-9][a-z0-9-]*`, 32 characters each. */
export function isName(text: string): boolean {
  const segments = text.split('/', MAX_SEGMENTS + 1);
  return segments.length <= MAX_SEGMENTS && segments.every((segment) => SEGMENT.test(segment));
}

/**
 * Returns `text` if it is a legal name.
 *
 * @throws Failed `invalid_field` that names `field`.
 */
export function parseName(text: string, field: string): string {
  if (isName(text)) return text;
  throw fail({
    tag: 'invalid_field',
    field,
    problem: `expected 1 to ${MAX_SEGMENTS} segments joined by "/", each 1 to 32 of a-z, 0-9 and "-", beginning with a letter or digit`,
  });
}

/** Whether `name` is `prefix` or lies below it. Only whole segments count: `team/a` covers `team/a/x`, not `team/ab`. */
export function isUnder(name: string, prefix: string): boolean {
  return name === prefix || name.startsWith(`${prefix}/`);
}
