import { createHmac } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { pageTokens } from '../../functions/adapters/page-token.ts';
import type { Page, PageRequest } from '../../functions/core/ports/pages.ts';

/** A position in a token. The key vouches for the rest. */
const POSITION_TEXT = /^\[.*\]$/;

/** What a page may hold at most; `PageRequest` says so too. */
const MAX_ITEMS = 100;

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
  const tokens = pageTokens((list, position) =>
    createHmac('sha256', stored.value)
      .update(`${JSON.stringify(list)}\n${position}`)
      .digest(),
  );

  return {
    page(list, { limit, nextToken }, rowsAfter, positionOf, itemOf) {
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_ITEMS) throw new Error('a page has 1 to 100 items');
      const after =
        nextToken === undefined ? undefined : (JSON.parse(tokens.read(list, nextToken, POSITION_TEXT)) as Position);
      // One row more than asked for tells whether there is a next page.
      const rows = rowsAfter(after, limit + 1);
      const items = rows.slice(0, limit).map(itemOf);
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return last === undefined
        ? { items }
        : { items, nextToken: tokens.write(list, JSON.stringify(positionOf(last))) };
    },
  };
}
