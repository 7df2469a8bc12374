/**
 * The two DynamoDB tables as plain data: what the adapters read and write, what infrastructure creates and what tests set up.
 * No SDK and no CDK here, so that all three can share it. Names of keys and indexes are a contract with stored rows.
 */

export interface KeyAttribute {
  readonly name: string;
  readonly type: 'S' | 'N';
}

export interface TableIndex {
  readonly name: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
}

export interface TableShape {
  readonly partitionKey: KeyAttribute;
  readonly sortKey: KeyAttribute;
  /** All of them project keys only: lists read the rows themselves, so that an index never holds a second copy of a lease. */
  readonly indexes: readonly TableIndex[];
  /** Epoch seconds after which DynamoDB may delete a row. */
  readonly ttlAttribute?: string;
  readonly stream?: 'NEW_AND_OLD_IMAGES';
}

/**
 * How many partition keys share one instant of the `due` and `by-day` indexes. One key takes 1,000 write units per second, so 8
 * take 8,000. A lease costs `by-day` one unit and `due` four: its entry is put, moved (which is a delete and a put) and deleted. So
 * `due` bears 2,000 leases a second. `npm run capacity` compares that with all other limits. Changing it hides the stored rows from
 * the indexes. Source: DynamoDB Developer Guide, "Designing partition keys": 1,000 write units for each partition.
 */
export const SHARDS = 8;

/** The number of each shard, in order. */
export const ALL_SHARDS: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Values of the lease table's sort key. */
export const LEASE_ROW = 'lease';
export const TIMER_ROW = 'timer';

const text = (name: string): KeyAttribute => ({ name, type: 'S' });

/** Names of the lease table's indexes. */
export const LEASE_INDEXES = {
  /** Open leases only, by `dueAt`. */
  due: 'due',
  bySecret: 'by-secret',
  byCaller: 'by-caller',
  byDay: 'by-day',
  byToken: 'by-token',
} as const;

/**
 * Leases and their timers. `dueAt` and `issuedAt` are an instant and the lease id in one text (see `instantKey`): unique, so a
 * page can end at any lease, and in order of time whichever shard a lease is in.
 */
export const LEASE_TABLE: TableShape = {
  partitionKey: text('leaseId'),
  sortKey: text('row'),
  ttlAttribute: 'ttlAt',
  stream: 'NEW_AND_OLD_IMAGES',
  indexes: [
    { name: LEASE_INDEXES.due, partitionKey: { name: 'dueShard', type: 'N' }, sortKey: text('dueAt') },
    { name: LEASE_INDEXES.bySecret, partitionKey: text('secret'), sortKey: text('issuedAt') },
    { name: LEASE_INDEXES.byCaller, partitionKey: text('caller'), sortKey: text('issuedAt') },
    { name: LEASE_INDEXES.byDay, partitionKey: text('dayShard'), sortKey: text('issuedAt') },
    { name: LEASE_INDEXES.byToken, partitionKey: text('tokenSha256') },
  ],
};

/**
 * Values of the catalog table's partition key; the sort key is the name of the secret or target, of the counter, or the id of
 * the replay record. They are fixed, so that an IAM policy can tell the kinds of rows apart by `dynamodb:LeadingKeys`: the
 * broker writes sessions, counters and replay records, and no secrets.
 */
export const CATALOG_PARTITIONS = {
  secret: 'secret',
  target: 'target',
  session: 'session',
  sweep: 'sweep',
  counter: 'counter',
  replay: 'replay',
} as const;

/**
 * How often a caller may ask is a row for each caller. They are many and written often, so they have partitions of their own:
 * `rate#` and the first two hex digits of the key.
 */
export const RATE_PARTITION_PREFIX = 'rate#';

/** @param key a hex SHA-256. */
export function ratePartition(key: string): string {
  return `${RATE_PARTITION_PREFIX}${key.slice(0, 2)}`;
}

/**
 * Secrets, targets' metadata, Docker Hub sessions, counters of open leases, replay records and rates. Only the last two
 * ever have a `ttlAt`: nothing else here may go by itself.
 */
export const CATALOG_TABLE: TableShape = {
  partitionKey: text('partition'),
  sortKey: text('entry'),
  ttlAttribute: 'ttlAt',
  indexes: [],
};
