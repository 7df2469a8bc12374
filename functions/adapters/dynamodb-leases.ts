import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { isOpen, type Lease } from '../core/lease.ts';
import { isName } from '../core/name.ts';
import type { Clock, LeaseFilter, LeaseStore, Page, PageRequest } from '../core/ports.ts';
import {
  dayShard,
  INSTANT_KEY,
  instantOf,
  LEASE_ID,
  lastInstantKey,
  leaseIdOf,
  leaseToRow,
  rowToLease,
} from './dynamodb-lease-row.ts';
import { createRow, type DynamodbTable, queryRows, readRow, readRows, replaceRow } from './dynamodb-rows.ts';
import { readPageToken, writePageToken } from './page-token.ts';
import { LEASE_INDEXES, LEASE_ROW, SHARDS } from './tables.ts';

/**
 * How long an index may lag behind the rows. Usually well under a second; DynamoDB promises no bound, so this is generous.
 * Source: DynamoDB Developer Guide, "Using Global Secondary Indexes", eventual consistency.
 */
const SETTLE_MS = 60_000;

/** Most index steps for one page of a list: of 100 leases each, or of a day each. Some 1 s when every row is filtered out. */
const LIST_MOST_STEPS = 32;

/** Leases read at a time when the index alone does not decide which of them match: what one BatchGetItem takes. */
const FILTERED_STEP_LEASES = 100;

/** Most open leases that are counted: 1,000 batches. Past it a count could not end within an API call. */
const COUNT_MOST_OPEN = 100_000;

/** Clocks of the functions that issue leases may be ahead of this one by as much, even past midnight. */
const CLOCK_AHEAD_MS = 5 * 60_000;

/** Longest value of a partition key. Source: DynamoDB Developer Guide, "Quotas". */
const KEY_MOST_BYTES = 2_048;

const DAY_MS = 86_400_000;

const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Key of one lease in a time-ordered index, as `instantKey` writes it. */
type IndexKey = string;

/** Part of a list, newest first, and the key behind which it goes on; absent at its end. */
interface Step {
  readonly keys: readonly IndexKey[];
  readonly next?: IndexKey;
}

export interface DynamodbLeasesOptions extends DynamodbTable {
  readonly clock: Clock;
  /**
   * How many days back a list of everybody's leases looks: audit retention and the longest lease together. What was issued
   * before is either gone or has been stuck ever since, and is still found by secret, by caller and by due time.
   */
  readonly listedDays: number;
}

/** Leases in DynamoDB: one row each in the table of `LEASE_TABLE`. Never scans. */
export function dynamodbLeases(options: DynamodbLeasesOptions): LeaseStore {
  const { clock, listedDays, ...table } = options;

  async function get(leaseId: string): Promise<Lease | undefined> {
    if (!LEASE_ID.test(leaseId)) return undefined;
    const row = await readRow(table, { leaseId, row: LEASE_ROW });
    return row && rowToLease(row);
  }

  /**
   * Asks every shard for as many as the page may hold and merges what they answer. That is 8 small queries a page, of which up
   * to seven eighths are asked again for the next one; keys alone are some 150 bytes each, so 100 of them are 2 read units.
   */
  async function due(nowMs: number, page: PageRequest): Promise<Page<string>> {
    const list = ['due'];
    const after = page.nextToken === undefined ? '' : readPageToken(list, page.nextToken, INSTANT_KEY);
    const shards = await Promise.all(
      ALL_SHARDS.map((shard) => dueKeys(shard, { after, upTo: lastInstantKey(nowMs), limit: page.limit + 1 })),
    );
    const keys = shards.flatMap((shard) => shard.keys).sort();
    const items = keys.slice(0, page.limit);
    const last = items.at(-1);
    return {
      items: items.map(leaseIdOf),
      ...(keys.length > page.limit && last !== undefined && { nextToken: writePageToken(list, last) }),
    };
  }

  /** Keys of one shard's open leases, in order of due time. `more` is where DynamoDB stopped, when it stopped early. */
  async function dueKeys(
    shard: number,
    range: { after: string; upTo: string; limit?: number; start?: QueryCommandInput['ExclusiveStartKey'] },
  ) {
    const { rows, more } = await queryRows(table, {
      IndexName: LEASE_INDEXES.due,
      KeyConditionExpression: 'dueShard = :shard AND dueAt BETWEEN :from AND :to',
      // BETWEEN takes both ends in. All keys of an instant are of one length, so a longer text comes right after a key.
      ExpressionAttributeValues: { ':shard': shard, ':from': `${range.after}!`, ':to': range.upTo },
      Limit: range.limit,
      ExclusiveStartKey: range.start,
    });
    return { keys: rows.map((row) => row.dueAt as IndexKey), more };
  }

  async function list(filter: LeaseFilter, page: PageRequest): Promise<Page<Lease>> {
    const name = ['leases', filter.caller, filter.secret, filter.status];
    const top = lastInstantKey(clock.nowMs() + CLOCK_AHEAD_MS);
    const resume = page.nextToken === undefined ? top : readPageToken(name, page.nextToken, INSTANT_KEY);
    if (!isPossible(filter)) return { items: [] };
    const isAhead = resume > top;
    let before = isAhead ? top : resume;
    const stepLeases = isDecidedByIndex(filter) ? page.limit : FILTERED_STEP_LEASES;
    const items: Lease[] = [];
    for (let steps = 0; steps < LIST_MOST_STEPS; steps++) {
      const step = await listStep(filter, before, stepLeases);
      const leases = await readLeases(step.keys);
      for (const [index, key] of step.keys.entries()) {
        const lease = leases.get(leaseIdOf(key));
        if (lease === undefined || !matches(lease, filter)) continue;
        items.push(lease);
        const isEnd = index === step.keys.length - 1 && step.next === undefined;
        if (items.length === page.limit) return isEnd ? { items } : { items, nextToken: writePageToken(name, key) };
      }
      if (step.next === undefined) return { items };
      before = step.next;
    }
    return { items, nextToken: writePageToken(name, before) };
  }

  async function listStep(filter: LeaseFilter, before: IndexKey, limit: number): Promise<Step> {
    if (filter.caller !== undefined)
      return stepOf(await newest('byCaller', 'caller', filter.caller, before, limit), limit);
    if (filter.secret !== undefined)
      return stepOf(await newest('bySecret', 'secret', filter.secret, before, limit), limit);
    const dayMs = Math.floor(instantOf(before) / DAY_MS) * DAY_MS;
    const shards = await Promise.all(
      ALL_SHARDS.map((shard) => newest('byDay', 'dayShard', dayShard(dayMs, shard), before, limit)),
    );
    const step = stepOf(shards.flat().sort().reverse(), limit);
    const isLastDay = dayMs <= clock.nowMs() - listedDays * DAY_MS;
    return step.next !== undefined || isLastDay ? step : { ...step, next: lastInstantKey(dayMs - 1) };
  }

  /** The newest keys of one index partition that come before a key: one more than asked for, where there are more. */
  async function newest(
    index: 'byCaller' | 'bySecret' | 'byDay',
    partition: string,
    value: string,
    before: IndexKey,
    limit: number,
  ): Promise<readonly IndexKey[]> {
    const { rows } = await queryRows(table, {
      IndexName: LEASE_INDEXES[index],
      KeyConditionExpression: '#partition = :value AND issuedAt < :before',
      ExpressionAttributeNames: { '#partition': partition },
      ExpressionAttributeValues: { ':value': value, ':before': before },
      ScanIndexForward: false,
      // At most 101 keys of less than 3 kB: never cut short by the 1 MB that one answer may hold.
      Limit: limit + 1,
    });
    return rows.map((row) => row.issuedAt as IndexKey);
  }

  async function readLeases(keys: readonly IndexKey[]): Promise<ReadonlyMap<string, Lease>> {
    const rows = await readRows(table, clock, keys.map(leaseIdOf).map(rowKey));
    return new Map(rows.map(rowToLease).map((lease) => [lease.id, lease]));
  }

  /**
   * Walks the due index, which holds every open lease of the installation and nothing else, and reads each row's few fields: one
   * read unit or so per open lease, 10,000 of them some 100 batches. The indexes by secret and by caller would also walk
   * everything revoked within the audit retention, and a counter would be one more thing to keep true on every mint. Only
   * deleting, draining and quotas ask.
   *
   * @throws Error when there are more than can be counted: a number too low could end a target that tokens still live on.
   */
  async function countOpen(of: { readonly target: string } | { readonly secret: string }): Promise<number> {
    // A lease whose due time moves meanwhile may be met twice: a set counts it once.
    const seen = new Set<string>();
    const counts = await Promise.all(ALL_SHARDS.map((shard) => countShard(shard, of, seen)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async function countShard(
    shard: number,
    of: { readonly target: string } | { readonly secret: string },
    seen: Set<string>,
  ): Promise<number> {
    let count = 0;
    let start: QueryCommandInput['ExclusiveStartKey'];
    do {
      const { keys, more } = await dueKeys(shard, { after: '', upTo: '~', start });
      const unseen = keys.map(leaseIdOf).filter((leaseId) => !seen.has(leaseId));
      for (const leaseId of unseen) seen.add(leaseId);
      if (seen.size > COUNT_MOST_OPEN) throw new Error(`more than ${COUNT_MOST_OPEN} leases are open`);
      const rows = await readRows(table, clock, unseen.map(rowKey), ['target', 'secret', 'status']);
      const open = rows.map((row) => row as unknown as Lease).filter(isOpen);
      count += open.filter((lease) =>
        'target' in of ? lease.target === of.target : lease.secret === of.secret,
      ).length;
      start = more;
    } while (start !== undefined);
    return count;
  }

  return {
    settleMs: SETTLE_MS,
    create: (lease) => createRow(table, leaseToRow(lease)),
    update: (lease) => replaceRow(table, leaseToRow(lease)),
    get,
    due,
    list,
    countOpen,
  };
}

function rowKey(leaseId: string) {
  return { leaseId, row: LEASE_ROW };
}

function stepOf(keys: readonly IndexKey[], limit: number): Step {
  const last = keys[limit - 1];
  return keys.length > limit && last !== undefined ? { keys: keys.slice(0, limit), next: last } : { keys };
}

/** Says whether any lease can match. DynamoDB rejects a key that is empty or too long, where there is simply nothing to list. */
function isPossible(filter: LeaseFilter): boolean {
  const callerBytes = filter.caller === undefined ? 1 : Buffer.byteLength(filter.caller);
  return callerBytes >= 1 && callerBytes <= KEY_MOST_BYTES && (filter.secret === undefined || isName(filter.secret));
}

/** Says whether every key that `listStep` finds matches, so that no more need be read than are wanted. */
function isDecidedByIndex(filter: LeaseFilter): boolean {
  return filter.status === undefined && (filter.caller === undefined || filter.secret === undefined);
}

function matches(lease: Lease, filter: LeaseFilter): boolean {
  return (
    (filter.caller === undefined || lease.caller === filter.caller) &&
    (filter.secret === undefined || lease.secret === filter.secret) &&
    (filter.status === undefined || lease.status === filter.status)
  );
}
