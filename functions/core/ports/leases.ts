import type { Lease, LeaseStatus } from '../model/lease.ts';
import type { Page, PageRequest } from './pages.ts';

/** `written`, or `conflict`: another write was first, and nothing was changed. */
export type WriteOutcome = 'written' | 'conflict';

/** A counter of open leases whose limit a new lease must not exceed. */
export interface QuotaClaim {
  /** `secret:NAME` or `target:NAME`; also in the lease's `counters`. */
  readonly counter: string;
  readonly most: number;
}

/** Which lease answered a caller's Idempotency-Key. Kept for `REPLAY_MS`. */
export interface ReplayRecord {
  /** Hex SHA-256 of the caller's ARN and key. The lease shows which role had that ARN. */
  readonly id: string;
  readonly version: number;
  readonly opId: string;
  /** Hex SHA-256 of the request. */
  readonly orderSha256: string;
  readonly leaseId: string;
  readonly ttlAtMs: number;
}

/** The rows that are written in one transaction with a new lease. */
export interface LeaseClaims {
  readonly quotas?: readonly QuotaClaim[];
  /** Version 1 for a new key, else one more than the record it replaces. */
  readonly replay?: ReplayRecord;
}

/** `written`, `conflict`, or the counter that is full. With the latter two, nothing was written. */
export type CreateOutcome = WriteOutcome | { readonly full: string };

/** A counter of open leases. */
export interface Counter {
  readonly open: number;
  /** Changes with every write of the counter. */
  readonly version: number;
  readonly changedAtMs: number;
}

/** The leases. Called by mint, revoke, sweep and the lease routes. */
export interface LeaseStore {
  /**
   * Adds a new lease, and in the same transaction its claims. `conflict` if another write has used the id, or if the replay
   * record does not have the version before. `written` if the stored row is from this write (same `opId`).
   */
  create(lease: Lease, claims?: LeaseClaims): Promise<CreateOutcome>;
  /** Reads the latest state, strongly consistent. */
  get(leaseId: string): Promise<Lease | undefined>;
  /**
   * Replaces the row whose version is `lease.version - 1`. Also `written` if this write (same `opId` and version) was already
   * applied. Never creates a row.
   *
   * @param count in the same transaction, takes the lease off its `counters` (`release`), or puts it back on them (`take`,
   *   whatever their limits). A counter never falls below 0.
   */
  update(lease: Lease, count?: 'release' | 'take'): Promise<WriteOutcome>;
  /** Ids of open leases with `dueAtMs` at or before `nowMs`, most overdue first. May lag behind writes by seconds. */
  due(nowMs: number, page: PageRequest): Promise<Page<string>>;
  /** Newest first. May lag behind writes by seconds. A page may be short, even empty, and still have a `nextToken`. */
  list(filter: LeaseFilter, page: PageRequest): Promise<Page<Lease>>;
  /** All open leases, page by page, in any order. May lag behind writes by `settleMs`. */
  listOpen(page: PageRequest): Promise<Page<Lease>>;
  /** The lease of a token, by the token's hex SHA-256, open or not. May lag behind writes by seconds. */
  findByToken(tokenSha256: string): Promise<string | undefined>;
  /** The record of a caller's key, strongly consistent. A record past its `ttlAtMs` may still be there. */
  readReplay(id: string): Promise<ReplayRecord | undefined>;
  /** A counter, strongly consistent; undefined if nothing was ever counted. */
  readCounter(counter: string): Promise<Counter | undefined>;
  /** Corrects a counter, unless it has changed since it was read. */
  correctCounter(counter: string, open: number, version: number): Promise<WriteOutcome>;
  /** How many leases of a target or secret are open. May lag behind writes by `settleMs`. */
  countOpen(of: { readonly target: string } | { readonly secret: string }): Promise<number>;
  /**
   * How long a lease may be missing from `countOpen`, `due` and `list` after it was written; 0 for a store without indexes that
   * lag.
   */
  readonly settleMs: number;
}

/** All given members must match. On callers' routes, at least `caller` is given. */
export interface LeaseFilter {
  readonly caller?: string;
  readonly secret?: string;
  readonly status?: LeaseStatus;
}
