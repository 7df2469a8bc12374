import type { Lease } from '../../core/model/lease.ts';
import { isName } from '../../core/model/name.ts';
import type { Clock } from '../../core/ports/environment.ts';
import type { CreateOutcome, LeaseClaims, LeaseFilter, LeaseStore, WriteOutcome } from '../../core/ports/leases.ts';
import type { Page, PageRequest } from '../../core/ports/pages.ts';
import { dynamodbCounters } from './counters.ts';
import {
  dayShard,
  INSTANT_KEY,
  type IndexKey,
  instantOf,
  LEASE_ID,
  lastInstantKey,
  leaseIdOf,
  leaseKey,
  leaseToRow,
  rowToLease,
} from './lease-row.ts';
import { openLeases } from './open-leases.ts';
import { readPageToken, writePageToken } from './page-token.ts';
import { dynamodbReplays } from './replays.ts';
import { createRow, type DynamodbTable, queryRows, readRow, readRows, replaceRow } from './rows.ts';
import { ALL_SHARDS, LEASE_INDEXES } from './tables.ts';
import { putIfNew, putIfNext, type TransactItem, transact } from './transaction.ts';

/**
 * How long an index may lag behind the rows. Usually well under a second; DynamoDB promises no bound, so this is generous.
 * Source: DynamoDB Developer Guide, "Using Global Secondary Indexes", eventual consistency.
 */
const SETTLE_MS = 60_000;

/** Maximum index steps for one page of a list, each of 100 leases or of one day. About 1 s if every row is filtered out. */
const LIST_MAX_STEPS = 32;

/** Leases that are read at once if the index alone does not show which of them match: the maximum of one BatchGetItem. */
const FILTERED_STEP_LEASES = 100;

/** Clocks of the functions that issue leases may be ahead of this one by this much, even past midnight. */
const CLOCK_AHEAD_MS = 5 * 60_000;

/** A hex SHA-256. */
const SHA256 = /^[0-9a-f]{64}$/;

/** Longest value of a partition key. Source: DynamoDB Developer Guide, "Quotas". */
const KEY_MAX_BYTES = 2_048;

const DAY_MS = 86_400_000;

/** Part of a list, newest first, and the key after which it continues; undefined at its end. */
interface Step {
  readonly keys: readonly IndexKey[];
  readonly next: IndexKey | undefined;
}

export interface DynamodbLeasesOptions extends DynamodbTable {
  /** The table of counters and replay records. */
  readonly catalogTableName: string;
  readonly clock: Clock;
  /**
   * How many days back a list of all callers' leases goes: audit retention plus the longest lease. Older leases are either gone
   * or stuck. Stuck leases are still found by secret, by caller and by due time.
   */
  readonly listedDays: number;
  /** From 0 up to 1, to spread the retries of transactions that collided. */
  readonly random?: () => number;
}

/** Leases in DynamoDB: one row each in the table of `LEASE_TABLE`, their claims in that of `CATALOG_TABLE`. Never scans. */
export function dynamodbLeases(options: DynamodbLeasesOptions): LeaseStore {
  const { client, tableName, catalogTableName, clock, listedDays, random = Math.random } = options;
  const table: DynamodbTable = { client, tableName };
  const catalogTable: DynamodbTable = { client, tableName: catalogTableName };
  const counters = dynamodbCounters(catalogTable, clock);
  const replays = dynamodbReplays(catalogTable);
  const transaction = { client, clock, random };

  async function get(leaseId: string): Promise<Lease | undefined> {
    if (!LEASE_ID.test(leaseId)) return undefined;
    const row = await readRow(table, leaseKey(leaseId));
    return row && rowToLease(row);
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
    for (let steps = 0; steps < LIST_MAX_STEPS; steps++) {
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

  /** The newest keys of one index partition before a key: one more than requested, if there are more. */
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
      // At most 101 keys of less than 3 kB, which always fit into the 1 MB of one answer.
      Limit: limit + 1,
    });
    return rows.map((row) => row.issuedAt as IndexKey);
  }

  async function readLeases(keys: readonly IndexKey[]): Promise<ReadonlyMap<string, Lease>> {
    const rows = await readRows(table, clock, keys.map(leaseIdOf).map(leaseKey));
    return new Map(rows.map(rowToLease).map((lease) => [lease.id, lease]));
  }

  async function createWith(lease: Lease, { quotas = [], replay }: LeaseClaims): Promise<CreateOutcome> {
    // If several are refused, the first in this order decides.
    const parts: { item: TransactItem; refusal: CreateOutcome }[] = [
      { item: putIfNew(table, leaseToRow(lease)), refusal: 'conflict' },
      ...(replay === undefined ? [] : [{ item: replays.put(replay), refusal: 'conflict' as const }]),
      ...quotas.map((quota) => ({ item: counters.claim(quota), refusal: { full: quota.counter } })),
    ];
    const [refused] = await transact(transaction, parts);
    return refused === undefined || (await isWritten(lease)) ? 'written' : refused.refusal;
  }

  /**
   * If a counter is at 0 although it should count this lease, it was already wrong. It stays at 0, and the lease is still
   * written. The counter's version changes, so a count of leases that runs at the same time sees that one has ended.
   */
  async function updateCounting(
    lease: Lease,
    count: 'release' | 'take',
    counted: readonly string[],
  ): Promise<WriteOutcome> {
    const atZero = new Set<string>();
    for (;;) {
      const refused = await transact(transaction, [
        { item: putIfNext(table, leaseToRow(lease)) },
        ...counted.map((counter) => ({ counter, item: counters[atZero.has(counter) ? 'touch' : count](counter) })),
      ]);
      if (refused.length === 0) return 'written';
      if (await isWritten(lease)) return 'written';
      // In each round, at least one counter fewer can refuse.
      for (const part of refused) {
        if (!('counter' in part)) return 'conflict';
        atZero.add(part.counter);
      }
    }
  }

  /** Whether this write was applied, and is the latest. */
  async function isWritten({ id, version, opId }: Lease): Promise<boolean> {
    const row = await readRow(table, leaseKey(id));
    return row?.version === version && row.opId === opId;
  }

  async function findByToken(tokenSha256: string): Promise<string | undefined> {
    if (!SHA256.test(tokenSha256)) return undefined;
    const { rows } = await queryRows(table, {
      IndexName: LEASE_INDEXES.byToken,
      KeyConditionExpression: 'tokenSha256 = :sha256',
      ExpressionAttributeValues: { ':sha256': tokenSha256 },
      Limit: 1,
    });
    return rows[0]?.leaseId as string | undefined;
  }

  return {
    settleMs: SETTLE_MS,
    // A transaction costs twice as much and may collide with others. So a write without claims uses none.
    create: (lease, claims) =>
      claims === undefined || ((claims.quotas ?? []).length === 0 && claims.replay === undefined)
        ? createRow(table, leaseToRow(lease))
        : createWith(lease, claims),
    update: (lease, count) =>
      count === undefined || lease.counters === undefined || lease.counters.length === 0
        ? replaceRow(table, leaseToRow(lease))
        : updateCounting(lease, count, lease.counters),
    get,
    list,
    ...openLeases(table, clock),
    findByToken,
    readReplay: replays.read,
    readCounter: counters.read,
    correctCounter: counters.correct,
  };
}

function stepOf(keys: readonly IndexKey[], limit: number): Step {
  return { keys: keys.slice(0, limit), next: keys.length > limit ? keys[limit - 1] : undefined };
}

/**
 * Whether any lease can match. DynamoDB rejects a key that is empty or too long, but for such a key there is just nothing to
 * list.
 */
function isPossible(filter: LeaseFilter): boolean {
  const callerBytes = filter.caller === undefined ? 1 : Buffer.byteLength(filter.caller);
  return callerBytes >= 1 && callerBytes <= KEY_MAX_BYTES && (filter.secret === undefined || isName(filter.secret));
}

/** Whether every key that `listStep` finds matches. Then no more rows than wanted must be read. */
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
