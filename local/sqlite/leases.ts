import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { LeaseClaims, LeaseFilter, LeaseStore, WriteOutcome } from '../../functions/core/ports/leases.ts';
import { readLease } from '../../functions/core/ports/read-lease.ts';
import { type Commits, commitsOf } from './commits.ts';
import { sqliteCounters } from './counters.ts';
import { pagerOf } from './paging.ts';
import { sqliteReplays } from './replays.ts';
import { type DocumentRow, outcomeOf, readDocument } from './rows.ts';

/** Rows that one purge removes at most, so that requests never wait long for it: about 10 ms. */
const PURGE_MAX_ROWS = 1_000;

/** The lease store of the embedded edition. */
export interface SqliteLeases extends LeaseStore {
  /**
   * Removes revoked leases and replay records whose time to live is over, at most 1,000 of each, and returns how many. Called
   * by the sweep, again until it returns 0. Never touches an open lease.
   */
  purge(nowMs: number): number;
}

interface LeaseRow extends DocumentRow {
  readonly id: string;
  readonly version: number;
  readonly status: string;
  readonly issued_at_ms: number;
}

const COLUMNS = 'id, schema, version, status, issued_at_ms, document';

/**
 * Leases in SQLite: one row each, written whole. There is one truth, so nothing lags.
 *
 * @param nowMs when a counter changed is read from it.
 */
export function sqliteLeases(
  database: DatabaseSync,
  nowMs: () => number = Date.now,
  commits: Commits = commitsOf(database),
): SqliteLeases {
  const pager = pagerOf(database);
  const counters = sqliteCounters(database);
  const replays = sqliteReplays(database);
  const insert = database.prepare(`
    INSERT INTO leases (id, schema, version, op_id, status, secret, target, caller, issued_at_ms, due_at_ms, ttl_at_ms,
      token_sha256, document)
    VALUES (:id, :schema, :version, :opId, :status, :secret, :target, :caller, :issuedAtMs, :dueAtMs, :ttlAtMs,
      :tokenSha256, :document)
    ON CONFLICT (id) DO NOTHING`);
  // What a lease is of never changes. To set it again would write every index anew.
  const replace = database.prepare(`
    UPDATE leases SET schema = :schema, version = :version, op_id = :opId, status = :status, due_at_ms = :dueAtMs,
      ttl_at_ms = :ttlAtMs, token_sha256 = :tokenSha256, document = :document
    WHERE id = :id AND version = :version - 1`);
  const one = database.prepare(`SELECT ${COLUMNS} FROM leases WHERE id = ?`);
  const opOf = database.prepare('SELECT op_id FROM leases WHERE id = ?');
  const opAt = database.prepare('SELECT op_id FROM leases WHERE id = ? AND version = ?');
  const dueAfter = database.prepare(`
    SELECT id, due_at_ms FROM leases
    WHERE status <> 'revoked' AND due_at_ms <= :nowMs AND (due_at_ms, id) > (:dueAtMs, :id)
    ORDER BY due_at_ms, id LIMIT :count`);
  const openOfTarget = database.prepare(
    `SELECT count(*) AS count FROM leases WHERE status <> 'revoked' AND target = ?`,
  );
  const openOfSecret = database.prepare(
    `SELECT count(*) AS count FROM leases WHERE status <> 'revoked' AND secret = ?`,
  );
  const openAfter = database.prepare(`
    SELECT ${COLUMNS} FROM leases WHERE status <> 'revoked' AND id > :id ORDER BY id LIMIT :count`);
  const ofToken = database.prepare('SELECT id FROM leases WHERE token_sha256 = ? LIMIT 1');
  // The plus keeps SQLite from finding all that is revoked, which is nearly everything, and sorting it.
  const purgeSome = database.prepare(`
    DELETE FROM leases WHERE id IN (
      SELECT id FROM leases WHERE ttl_at_ms <= ? AND +status = 'revoked' ORDER BY ttl_at_ms LIMIT ${PURGE_MAX_ROWS})`);
  const listings = new Map<string, StatementSync>();

  function add(lease: Lease): WriteOutcome {
    const { changes } = insert.run(parameters(lease));
    return outcomeOf(changes, () => opAt.get(lease.id, lease.version) as { op_id: string } | undefined, lease);
  }

  function claim(lease: Lease, { quotas = [], replay }: LeaseClaims) {
    // A row that is there decides first: a repeated write has taken its claims already.
    if (opOf.get(lease.id) !== undefined) return add(lease);
    if (replay !== undefined && !replays.isNext(replay)) return 'conflict';
    const full = counters.firstFull(quotas);
    if (full !== undefined) return { full };
    counters.add(
      quotas.map(({ counter }) => counter),
      1,
      nowMs(),
    );
    if (replay !== undefined) replays.write(replay);
    return add(lease);
  }

  function change(lease: Lease, count: 'release' | 'take' | undefined): WriteOutcome {
    const { changes } = replace.run(changing(lease));
    if (changes === 1 && count !== undefined) counters.add(lease.counters ?? [], count === 'take' ? 1 : -1, nowMs());
    return outcomeOf(changes, () => opAt.get(lease.id, lease.version) as { op_id: string } | undefined, lease);
  }

  /** There are as many as ways to filter. */
  function listingOf(where: string): StatementSync {
    const known = listings.get(where);
    if (known !== undefined) return known;
    const listing = database.prepare(`
      SELECT ${COLUMNS} FROM leases
      WHERE ${where} (issued_at_ms, id) < (:issuedAtMs, :id)
      ORDER BY issued_at_ms DESC, id DESC LIMIT :count`);
    listings.set(where, listing);
    return listing;
  }

  return {
    settleMs: 0,

    async create(lease, claims) {
      return commits.write(() => (claims === undefined ? add(lease) : claim(lease, claims)));
    },

    async get(leaseId) {
      const row = one.get(leaseId) as LeaseRow | undefined;
      return row && leaseOf(row);
    },

    async update(lease, count) {
      return commits.write(() => change(lease, count));
    },

    async due(nowMs, request) {
      return pager.page(
        ['due'],
        request,
        ([dueAtMs, id] = [Number.MIN_SAFE_INTEGER, ''], count) =>
          dueAfter.all({ nowMs, dueAtMs, id, count } as Parameters) as unknown as { id: string; due_at_ms: number }[],
        (row) => [row.due_at_ms, row.id],
        (row) => row.id,
      );
    },

    async list(filter, request) {
      const { where, values } = conditionsOf(filter);
      const rowsAfter = listingOf(where);
      return pager.page(
        ['leases', filter.caller ?? 0, filter.secret ?? 0, filter.status ?? 0],
        request,
        ([issuedAtMs, id] = [Number.MAX_SAFE_INTEGER, ''], count) =>
          rowsAfter.all({ ...values, issuedAtMs, id, count } as Parameters) as unknown as LeaseRow[],
        (row) => [row.issued_at_ms, row.id],
        leaseOf,
      );
    },

    async listOpen(request) {
      return pager.page(
        ['open'],
        request,
        ([id] = [''], count) => openAfter.all({ id, count } as Parameters) as unknown as LeaseRow[],
        (row) => [row.id],
        leaseOf,
      );
    },

    async findByToken(tokenSha256) {
      return (ofToken.get(tokenSha256) as { id: string } | undefined)?.id;
    },

    async readReplay(id) {
      return replays.read(id);
    },

    async readCounter(counter) {
      return counters.read(counter);
    },

    async correctCounter(counter, open, version) {
      return counters.correct(counter, open, version, nowMs());
    },

    async countOpen(of) {
      const row = 'target' in of ? openOfTarget.get(of.target) : openOfSecret.get(of.secret);
      return (row as { count: number }).count;
    },

    purge(beforeMs) {
      return Number(purgeSome.run(beforeMs).changes) + replays.purge(beforeMs, PURGE_MAX_ROWS);
    },
  };
}

type Parameters = Record<string, string | number | null>;

function parameters(lease: Lease): Parameters {
  const { secret, target, caller, issuedAtMs } = lease;
  return { ...changing(lease), secret, target, caller, issuedAtMs };
}

function changing(lease: Lease): Parameters {
  return {
    id: lease.id,
    schema: lease.schema,
    version: lease.version,
    opId: lease.opId,
    status: lease.status,
    dueAtMs: lease.dueAtMs ?? null,
    ttlAtMs: lease.ttlAtMs ?? null,
    tokenSha256: lease.tokenSha256 ?? null,
    document: JSON.stringify(lease),
  };
}

const FILTERS = ['caller', 'secret', 'status'] as const;

/** The filter as SQL, built of fixed words only; what was asked for travels as values. */
function conditionsOf(filter: LeaseFilter): { where: string; values: Record<string, string> } {
  const given = FILTERS.flatMap((column) => {
    const value = filter[column];
    return value === undefined ? [] : [[column, value] as const];
  });
  const words = given.map(([column]) => {
    // Nearly everything is revoked, so that it is found by whatever else was asked for: the plus keeps SQLite to that.
    const isVague = column === 'status' && filter.status === 'revoked' && given.length > 1;
    return `${isVague ? '+' : ''}${column} = :${column} AND`;
  });
  return { where: words.join(' '), values: Object.fromEntries(given) };
}

function leaseOf(row: LeaseRow): Lease {
  return readLease(
    readDocument<object>(`lease ${row.id}`, row, { id: row.id, version: row.version, status: row.status }),
  );
}
