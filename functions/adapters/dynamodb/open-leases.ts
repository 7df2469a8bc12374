import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { isOpen, type Lease } from '../../core/model/lease.ts';
import type { Clock } from '../../core/ports/environment.ts';
import type { LeaseStore } from '../../core/ports/leases.ts';
import type { Page, PageRequest } from '../../core/ports/pages.ts';
import { INSTANT_KEY, type IndexKey, lastInstantKey, leaseIdOf, leaseKey, rowToLease } from './lease-row.ts';
import { readPageToken, writePageToken } from './page-token.ts';
import { type DynamodbTable, queryRows, readRows } from './rows.ts';
import { ALL_SHARDS, LEASE_INDEXES } from './tables.ts';

/**
 * Maximum open leases of one shard, about 100,000 in total. Counting them takes 1,000 batches. With more, an API call could not
 * finish.
 */
export const SHARD_MAX_OPEN = 12_500;

/** A shard's digit and a lease id. */
const OPEN_KEY = /^[0-7][0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Queries of the due index, which contains exactly the installation's open leases. */
export function openLeases(
  table: DynamodbTable,
  clock: Pick<Clock, 'sleep'>,
): Pick<LeaseStore, 'due' | 'listOpen' | 'countOpen'> {
  /**
   * Asks every shard for a full page and merges the answers. That is 8 small queries per page. Up to seven eighths of the keys
   * are read again for the next page. A key has about 150 bytes, so 100 keys are 2 read units.
   */
  async function due(nowMs: number, page: PageRequest): Promise<Page<string>> {
    const list = ['due'];
    const after = page.nextToken === undefined ? '' : readPageToken(list, page.nextToken, INSTANT_KEY);
    const shards = await Promise.all(
      ALL_SHARDS.map((shard) => dueKeys(shard, { after, upTo: lastInstantKey(nowMs), limit: page.limit + 1 })),
    );
    const keys = shards.flatMap((shard) => shard.keys).sort();
    const items = keys.slice(0, page.limit);
    const last = keys.length > page.limit ? items.at(-1) : undefined;
    return {
      items: items.map(leaseIdOf),
      ...(last !== undefined && { nextToken: writePageToken(list, last) }),
    };
  }

  /** Keys of one shard's open leases, in order of due time. `more` is where DynamoDB stopped, if it stopped early. */
  async function dueKeys(
    shard: number,
    range: { after: string; upTo: string; limit?: number; start?: QueryCommandInput['ExclusiveStartKey'] },
  ) {
    const { rows, more } = await queryRows(table, {
      IndexName: LEASE_INDEXES.due,
      KeyConditionExpression: 'dueShard = :shard AND dueAt BETWEEN :from AND :to',
      // BETWEEN includes both ends. All keys of an instant have the same length, so a longer text comes right after a key.
      ExpressionAttributeValues: { ':shard': shard, ':from': `${range.after}!`, ':to': range.upTo },
      Limit: range.limit,
      ExclusiveStartKey: range.start,
    });
    return { keys: rows.map((row) => row.dueAt as IndexKey), more };
  }

  /**
   * Ids of one shard's open leases, with one query for about 7,000 leases. A lease whose due time changes meanwhile may be found
   * twice, and is returned once.
   *
   * @throws Error if there are too many. With only some of them, a target with live tokens could be removed.
   */
  async function openIds(shard: number): Promise<readonly string[]> {
    const ids = new Set<string>();
    let start: QueryCommandInput['ExclusiveStartKey'];
    do {
      const { keys, more } = await dueKeys(shard, { after: '', upTo: '~', start });
      for (const key of keys) ids.add(leaseIdOf(key));
      if (ids.size > SHARD_MAX_OPEN) throw new Error(`more than ${SHARD_MAX_OPEN} leases of one shard are open`);
      start = more;
    } while (start !== undefined);
    return [...ids];
  }

  /**
   * Pages are in order of shard and lease id. The index is in order of due time, which changes. A lease that is revoked between
   * two pages would move to an earlier place and be missed, and its quota would be counted one too low. So each page reads all
   * keys of its shard again, at 20 read units per 1,000 open leases.
   */
  async function listOpen(page: PageRequest): Promise<Page<Lease>> {
    const list = ['open'];
    const after = page.nextToken === undefined ? '' : readPageToken(list, page.nextToken, OPEN_KEY);
    const keys: string[] = [];
    for (const shard of ALL_SHARDS.slice(Number(after.charAt(0)))) {
      const ids = await openIds(shard);
      keys.push(...ids.map((leaseId) => `${shard}${leaseId}`).filter((key) => key > after));
      if (keys.length > page.limit) break;
    }
    const items = keys.sort().slice(0, page.limit);
    const last = keys.length > page.limit ? items.at(-1) : undefined;
    const rows = await readRows(
      table,
      clock,
      items.map((key) => leaseKey(key.slice(1))),
    );
    return {
      items: rows.map(rowToLease).filter(isOpen),
      ...(last !== undefined && { nextToken: writePageToken(list, last) }),
    };
  }

  /**
   * Reads a few fields of every open lease's row, at about one read unit each. 10,000 leases are about 100 batches. The indexes
   * by secret and by caller would also read all leases that were revoked within the audit retention. Only used for deleting and
   * draining.
   */
  async function countOpen(of: { readonly target: string } | { readonly secret: string }): Promise<number> {
    const counts = await Promise.all(ALL_SHARDS.map((shard) => countShard(shard, of)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async function countShard(
    shard: number,
    of: { readonly target: string } | { readonly secret: string },
  ): Promise<number> {
    const keys = (await openIds(shard)).map(leaseKey);
    const rows = await readRows(table, clock, keys, ['target', 'secret', 'status']);
    const open = rows.filter(({ status }) => status !== 'revoked');
    return open.filter((row) => ('target' in of ? row.target === of.target : row.secret === of.secret)).length;
  }

  return { due, listOpen, countOpen };
}
