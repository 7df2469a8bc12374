import { timingSafeEqual } from 'node:crypto';
import { fail } from '../core/model/failure.ts';

/** Longest token that is read: the mark and the longest cursor (a name of 131 characters), with some reserve. */
const TOKEN_MAX_CHARACTERS = 512;

/** 96 bits: no other list or place has the same by chance, and tokens stay short. */
const MARK_BYTES = 12;

/** The list and its filter. */
export type ListName = readonly (string | number | undefined)[];

/** Page tokens of one store: the place where a list continues, bound to that list. A token grants no permission. */
export interface PageTokens {
  /** @param cursor the place, in a form that the list's reader checks. */
  write(list: ListName, cursor: string): string;
  /**
   * Returns the cursor of a token.
   *
   * @throws Failed `invalid_field` `nextToken` for a token of another list, a damaged one, or one whose cursor is not of the form.
   */
  read(list: ListName, token: string, form: RegExp): string;
}

/** @param digest of a list and a cursor, at least 12 bytes. If it uses a key, nobody else can make a valid token. */
export function pageTokens(digest: (list: ListName, cursor: string) => Buffer): PageTokens {
  const markOf = (list: ListName, cursor: string) => digest(list, cursor).subarray(0, MARK_BYTES);
  return {
    write: (list, cursor) => Buffer.concat([markOf(list, cursor), Buffer.from(cursor)]).toString('base64url'),
    read(list, token, form) {
      const bytes = Buffer.from(token.slice(0, TOKEN_MAX_CHARACTERS), 'base64url');
      const mark = bytes.subarray(0, MARK_BYTES);
      const cursor = bytes.subarray(MARK_BYTES).toString();
      // Node's decoders are lenient. Encoding the token again shows whether every character of it counted.
      const isWhole = Buffer.concat([mark, Buffer.from(cursor)]).toString('base64url') === token;
      const isOurs = mark.length === MARK_BYTES && timingSafeEqual(mark, markOf(list, cursor));
      if (isWhole && isOurs && form.test(cursor)) return cursor;
      throw fail({
        tag: 'invalid_field',
        field: 'nextToken',
        problem: 'expected the nextToken of a former page of this list',
      });
    },
  };
}
