import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { fail } from '../../functions/core/model/failure.ts';
import type { Page, PageRequest } from '../../functions/core/ports/pages.ts';

/** 96 bits: nobody guesses one, and tokens stay short. */
const MAC_BYTES = 12;

/** Longer than any position here: a name is at most 131 characters. */
const TOKEN_MAX_CHARACTERS = 512;

/** What a page may hold at most; `PageRequest` says so too. */
const MOST_ITEMS = 100;

/** The sort key of the last item of a page. The next page begins behind it, whatever was written or removed meanwhile. */
export type Position = readonly (string | number)[];

/** Writes and reads the `nextToken`s of one database. */
export interface Pager {
  /**
   * Reads one page.
   *
   * @param list names the list with its filter; a token of one list is refused by every other.
   * @param rowsAfter gives up to `count` rows behind `after`, or from the beginning.
   * @throws Failed `invalid_field` `nextToken` for a token that was not issued for this list.
   */
  page<Row, T>(
    list: Position,
    request: PageRequest,
    rowsAfter: (after: Position | undefined, count: number) => Row[],
    positionOf: (row: Row) => Position,
    itemOf: (row: Row) => T,
  ): Page<T>;
}

/** The pager of a database. Tokens carry a MAC under a key in the database, so they outlive a restart and nothing else. */
export function pagerOf(database: DatabaseSync): Pager {
  const stored = database.prepare("SELECT value FROM meta WHERE name = 'page_key'").get() as { value: Uint8Array };
  const macOf = (list: Position, position: string) =>
    createHmac('sha256', stored.value)
      .update(`${JSON.stringify(list)}\n${position}`)
      .digest()
      .subarray(0, MAC_BYTES);

  function write(list: Position, position: Position): string {
    const text = JSON.stringify(position);
    return Buffer.concat([macOf(list, text), Buffer.from(text)]).toString('base64url');
  }

  function read(list: Position, token: string): Position {
    const bytes = Buffer.from(token.slice(0, TOKEN_MAX_CHARACTERS), 'base64url');
    const [mac, text] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES).toString()];
    // Decoding passes over characters and bits that mean nothing; a token that we wrote has none.
    const ours =
      bytes.toString('base64url') === token && mac.length === MAC_BYTES && timingSafeEqual(mac, macOf(list, text));
    if (!ours) {
      throw fail({
        tag: 'invalid_field',
        field: 'nextToken',
        problem: 'expected the nextToken of a page of this very list',
      });
    }
    return JSON.parse(text) as Position;
  }

  return {
    page(list, { limit, nextToken }, rowsAfter, positionOf, itemOf) {
      if (!Number.isInteger(limit) || limit < 1 || limit > MOST_ITEMS) throw new Error('a page has 1 to 100 items');
      const after = nextToken === undefined ? undefined : read(list, nextToken);
      // One row more than asked for tells whether there is a next page.
      const rows = rowsAfter(after, limit + 1);
      const items = rows.slice(0, limit).map(itemOf);
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return last === undefined ? { items } : { items, nextToken: write(list, positionOf(last)) };
    },
  };
}
