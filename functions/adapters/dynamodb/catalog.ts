import { isName } from '../../core/model/name.ts';
import type { DynamicSecret } from '../../core/model/secret.ts';
import type { Target } from '../../core/model/target.ts';
import type { Catalog } from '../../core/ports/catalog.ts';
import type { WriteOutcome } from '../../core/ports/leases.ts';
import type { Page, PageRequest } from '../../core/ports/pages.ts';
import { readPageToken, writePageToken } from './page-token.ts';
import {
  assertSchema,
  createRow,
  type DynamodbTable,
  deleteRow,
  queryRows,
  type Row,
  readRow,
  replaceRow,
} from './rows.ts';
import { CATALOG_PARTITIONS } from './tables.ts';

type Entry = DynamicSecret | Target;
type Partition = typeof CATALOG_PARTITIONS.secret | typeof CATALOG_PARTITIONS.target;

/** The form of a cursor. The token's checksum shows that it was a name of this list. */
const CURSOR = /^[a-z0-9/-]{1,131}$/;

/** These sort before and after every character with which a name may continue. */
const BEFORE_ALL = '!';
const AFTER_ALL = '~';

/**
 * Maximum answers that are read for one page, each of 1 MB or about 1,000 secrets. More secrets than this are not listed by
 * target.
 */
const LIST_MAX_READS = 50;

/**
 * The catalog in DynamoDB: all secrets in one partition and all targets in another, in order of their names, so that a list is a
 * range of names and strongly consistent. Never scans.
 *
 * The secrets of a target are found by reading all secrets and filtering them, at about 250 read units per 1,000 secrets. An
 * index would be cheaper, but it lags: a target could be deleted although a secret that names it was written a moment before.
 */
export function dynamodbCatalog(table: DynamodbTable): Catalog {
  async function get(partition: Partition, name: string): Promise<Entry | undefined> {
    if (!isName(name)) return undefined;
    const row = await readRow(table, { partition, entry: name });
    return row && rowToEntry(row);
  }

  function put(partition: Partition, entry: Entry): Promise<WriteOutcome> {
    const row = { ...entry, partition, entry: entry.name };
    return entry.version === 1 ? createRow(table, row) : replaceRow(table, row);
  }

  async function list(
    partition: Partition,
    filter: { readonly prefix?: string; readonly target?: string },
    page: PageRequest,
  ): Promise<Page<Entry>> {
    const list = [partition, filter.prefix, filter.target];
    const after = page.nextToken === undefined ? undefined : readPageToken(list, page.nextToken, CURSOR);
    const { prefix } = filter;
    if (prefix !== undefined && !isName(prefix)) return { items: [] };
    // `team/a` and `team/a/…` are no single range: `team/a-b` sorts between them. So the entry itself comes first, by itself.
    const own = prefix === undefined || after !== undefined ? undefined : await get(partition, prefix);
    const items = own !== undefined && matches(own, filter) ? [own] : [];
    const below = prefix === undefined ? '' : `${prefix}/`;
    const from = after === undefined || after === prefix ? `${below}${BEFORE_ALL}` : `${after}${BEFORE_ALL}`;
    const rest = await range(partition, from, `${below}${AFTER_ALL}`, filter.target, page.limit + 1 - items.length);
    items.push(...rest);
    const last = items.length > page.limit ? items[page.limit - 1] : undefined;
    return last === undefined
      ? { items }
      : { items: items.slice(0, page.limit), nextToken: writePageToken(list, last.name) };
  }

  /** Up to `limit` entries with names between the two texts. */
  async function range(
    partition: Partition,
    from: string,
    to: string,
    target: string | undefined,
    limit: number,
  ): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    let start: Row | undefined;
    for (let reads = 0; reads < LIST_MAX_READS; reads++) {
      const { rows, more } = await queryRows(table, {
        KeyConditionExpression: '#partition = :partition AND #entry BETWEEN :from AND :to',
        ...(target !== undefined && { FilterExpression: '#target = :target' }),
        ExpressionAttributeNames: {
          '#partition': 'partition',
          '#entry': 'entry',
          ...(target !== undefined && { '#target': 'target' }),
        },
        ExpressionAttributeValues: {
          ':partition': partition,
          ':from': from,
          ':to': to,
          ':target': target,
        },
        ConsistentRead: true,
        // Limit counts the rows that are read, not those that pass the filter. With a filter, an answer reads as much as it can.
        ...(target === undefined && { Limit: limit - entries.length }),
        ExclusiveStartKey: start && { ...start },
      });
      entries.push(...rows.slice(0, limit - entries.length).map(rowToEntry));
      start = more;
      if (start === undefined || entries.length === limit) return entries;
    }
    throw new Error('the catalog holds more entries than can be listed');
  }

  const { secret, target } = CATALOG_PARTITIONS;
  return {
    getSecret: async (name) => (await get(secret, name)) as DynamicSecret | undefined,
    putSecret: (entry) => put(secret, entry),
    deleteSecret: (name, version) => deleteRow(table, { partition: secret, entry: name }, version),
    listSecrets: async (filter, page) => (await list(secret, filter, page)) as Page<DynamicSecret>,
    getTarget: async (name) => (await get(target, name)) as Target | undefined,
    putTarget: (entry) => put(target, entry),
    deleteTarget: (name, version) => deleteRow(table, { partition: target, entry: name }, version),
    listTargets: async (filter, page) => (await list(target, { ...filter }, page)) as Page<Target>,
  };
}

function matches(entry: Entry, filter: { readonly target?: string }): boolean {
  return filter.target === undefined || ('target' in entry && entry.target === filter.target);
}

function rowToEntry(stored: Row): Entry {
  assertSchema(stored);
  const { partition, entry, ...fields } = stored;
  return fields as unknown as Entry;
}
