import { createHash } from 'node:crypto';
import { fail } from '../../core/model/failure.ts';

/** Longest token that is looked at: the checksum and the longest cursor (a name of 131 characters), with room to spare. */
const TOKEN_MOST_CHARACTERS = 512;

const CHECKSUM_BYTES = 12;

/**
 * Writes a page token: where a list goes on, bound to that list. It is no secret and no permission. The checksum has no key, so
 * whoever makes a token up can only choose where their own list goes on; what a list may show is decided without it.
 *
 * @param list what is listed and by which filter.
 * @param cursor the place, in whatever form the list's reader checks.
 */
export function writePageToken(list: readonly (string | undefined)[], cursor: string): string {
  return Buffer.concat([checksum(list, cursor), Buffer.from(cursor)]).toString('base64url');
}

/**
 * Returns the cursor of a token.
 *
 * @throws Failed `invalid_field` `nextToken` for a token of another list, a damaged one, or one whose cursor is not of the form.
 */
export function readPageToken(list: readonly (string | undefined)[], token: string, form: RegExp): string {
  if (token.length <= TOKEN_MOST_CHARACTERS) {
    const bytes = Buffer.from(token, 'base64url');
    const cursor = bytes.subarray(CHECKSUM_BYTES).toString();
    // Node's decoder is lenient; writing the token again settles that every character of it counted.
    if (form.test(cursor) && writePageToken(list, cursor) === token) return cursor;
  }
  throw fail({
    tag: 'invalid_field',
    field: 'nextToken',
    problem: 'expected the nextToken of a former page of this list',
  });
}

function checksum(list: readonly (string | undefined)[], cursor: string): Buffer {
  const text = JSON.stringify([list.map((part) => part ?? null), cursor]);
  return createHash('sha256').update(text).digest().subarray(0, CHECKSUM_BYTES);
}
