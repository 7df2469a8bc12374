import { createHash } from 'node:crypto';
import { isOpen, type Lease } from '../../core/model/lease.ts';
import { readLease } from '../../core/ports/read-lease.ts';
import type { Row, VersionedRow } from './rows.ts';
import { LEASE_ROW, SHARDS } from './tables.ts';

/** A ULID. */
export const LEASE_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Digits of milliseconds since 1970: enough for the year 33658, and as many in every key, so that text order is time order. */
const INSTANT_DIGITS = 15;

/** Comes after every lease id of one instant. */
const AFTER_ALL_IDS = '~';

/** The form of `instantKey` and `lastInstantKey`. */
export const INSTANT_KEY = /^\d{15}#(?:[0-7][0-9A-HJKMNP-TV-Z]{25}|~)$/;

/** Key of one lease in a time-ordered index, as `instantKey` writes it. */
export type IndexKey = string;

/** Sort key of the time-ordered indexes: the instant, then the lease id. Unique, and in order of time. */
export function instantKey(atMs: number, leaseId: string): IndexKey {
  return `${String(atMs).padStart(INSTANT_DIGITS, '0')}#${leaseId}`;
}

/** Comes after every key of the instant and before those of the next. */
export function lastInstantKey(atMs: number): IndexKey {
  return instantKey(atMs, AFTER_ALL_IDS);
}

/** The instant in a key. */
export function instantOf(key: string): number {
  return Number(key.slice(0, INSTANT_DIGITS));
}

/** The lease id in a key. */
export function leaseIdOf(key: string): string {
  return key.slice(INSTANT_DIGITS + 1);
}

/** Key of a lease's row. */
export function leaseKey(leaseId: string) {
  return { leaseId, row: LEASE_ROW };
}

/** Which of the shards a lease is in. By hash, for a ULID's first characters are the time. */
export function shardOf(leaseId: string): number {
  return createHash('sha256').update(leaseId).digest().readUInt8(0) % SHARDS;
}

/** Partition key of the by-day index for one UTC day. */
export function dayShard(atMs: number, shard: number): string {
  return `${new Date(atMs).toISOString().slice(0, 10)}#${shard}`;
}

/**
 * The row of a lease: its fields, the table's keys, and the keys of the indexes. `dueAt` exists while the lease is open, which
 * keeps the due index sparse. `ttlAt` exists only if the lease is revoked, so that DynamoDB can never delete the record of a live
 * token.
 *
 * @throws Error for an open lease without a due time, which no sweep would ever find.
 */
export function leaseToRow(lease: Lease): VersionedRow {
  const { id, ...fields } = lease;
  const shard = shardOf(id);
  const row = {
    ...fields,
    ...leaseKey(id),
    issuedAt: instantKey(lease.issuedAtMs, id),
    dayShard: dayShard(lease.issuedAtMs, shard),
  };
  if (!isOpen(lease)) {
    return lease.ttlAtMs === undefined ? row : { ...row, ttlAt: Math.ceil(lease.ttlAtMs / 1_000) };
  }
  if (lease.dueAtMs === undefined) throw new Error('an open lease needs a due time');
  return { ...row, dueShard: shard, dueAt: instantKey(lease.dueAtMs, id) };
}

/**
 * The lease of a row.
 *
 * @throws RowUnreadable as `readLease`.
 */
export function rowToLease(stored: Row): Lease {
  const { leaseId, row, issuedAt, dayShard, dueShard, dueAt, ttlAt, ...fields } = stored;
  return readLease({ ...fields, id: leaseId });
}
