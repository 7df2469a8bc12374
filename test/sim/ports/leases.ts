import { isOpen, type Lease } from '../../../functions/core/model/lease.ts';
import type {
  Counter,
  CreateOutcome,
  LeaseClaims,
  LeaseFilter,
  ReplayRecord,
  WriteOutcome,
} from '../../../functions/core/ports/leases.ts';
import type { Page, PageRequest } from '../../../functions/core/ports/pages.ts';
import { readLease } from '../../../functions/core/ports/read-lease.ts';
import type { Watch } from '../invariants.ts';
import type { World } from '../world.ts';

/**
 * The lease table: one truth by key, and indexes that follow each write a little later. Every method takes effect at once.
 */
export class SimLeases {
  readonly #world: World;
  readonly #watch: Watch;
  readonly settleMs: number;
  readonly #lagMs: (leaseId: string, version: number) => number;
  /** Ablation: whether a write that is there already is recognised. */
  readonly #knowsItsOwn: boolean;
  #rows = new Map<string, Lease>();
  #index = new Map<string, Lease>();
  #pending: { readonly atMs: number; readonly row: Lease }[] = [];
  /** Counters and replay records stand in another table, which a restore of this one leaves alone. */
  readonly #counters = new Map<string, Counter>();
  readonly #replays = new Map<string, ReplayRecord>();
  /** Every write, for a restore. */
  readonly #writes: { readonly atMs: number; readonly row: Lease }[] = [];

  constructor(
    world: World,
    watch: Watch,
    options: {
      readonly settleMs: number;
      readonly lagMs: (leaseId: string, version: number) => number;
      readonly knowsItsOwn: boolean;
    },
  ) {
    this.#world = world;
    this.#watch = watch;
    this.settleMs = options.settleMs;
    this.#lagMs = options.lagMs;
    this.#knowsItsOwn = options.knowsItsOwn;
  }

  create(lease: Lease, claims: LeaseClaims = {}): CreateOutcome {
    const row = this.#rows.get(lease.id);
    if (row !== undefined) return this.#isOwn(row, lease) ? 'written' : 'conflict';
    const { quotas = [], replay } = claims;
    if (replay !== undefined && (this.#replays.get(replay.id)?.version ?? 0) !== replay.version - 1) return 'conflict';
    const full = quotas.find(({ counter, most }) => (this.#counters.get(counter)?.open ?? 0) >= most);
    if (full !== undefined) return { full: full.counter };
    for (const { counter } of quotas) this.#count(counter, 1);
    if (replay !== undefined) this.#replays.set(replay.id, replay);
    return this.#write(lease);
  }

  update(lease: Lease, count?: 'release' | 'take'): WriteOutcome {
    const row = this.#rows.get(lease.id);
    if (row === undefined) return 'conflict';
    if (row.version !== lease.version - 1) {
      return row.version === lease.version && this.#isOwn(row, lease) ? 'written' : 'conflict';
    }
    if (count !== undefined)
      for (const counter of lease.counters ?? []) this.#count(counter, count === 'take' ? 1 : -1);
    return this.#write(lease);
  }

  #count(counter: string, by: number): void {
    const { open, version } = this.#counters.get(counter) ?? { open: 0, version: 0 };
    const changedAtMs = this.#world.nowMs;
    this.#counters.set(counter, { open: Math.max(0, open + by), version: version + 1, changedAtMs });
  }

  readReplay(id: string): ReplayRecord | undefined {
    return this.#replays.get(id);
  }

  readCounter(counter: string): Counter | undefined {
    return this.#counters.get(counter);
  }

  /** How many open leases really hold a counter: those of refused creates have given their places back. */
  holders(counter: string): number {
    return [...this.#rows.values()].filter(
      (row) => isOpen(row) && row.createRefused !== true && row.counters?.includes(counter),
    ).length;
  }

  correctCounter(counter: string, open: number, version: number): WriteOutcome {
    if ((this.#counters.get(counter)?.version ?? 0) !== version) return 'conflict';
    this.#counters.set(counter, { open, version: version + 1, changedAtMs: this.#world.nowMs });
    return 'written';
  }

  #isOwn(row: Lease, lease: Lease): boolean {
    return this.#knowsItsOwn && row.opId === lease.opId;
  }

  #write(row: Lease): WriteOutcome {
    const { nowMs } = this.#world;
    this.#rows.set(row.id, row);
    this.#writes.push({ atMs: nowMs, row });
    if (this.settleMs === 0) this.#index.set(row.id, row);
    else this.#pending.push({ atMs: nowMs + this.#lagMs(row.id, row.version), row });
    this.#watch.rowWritten(row);
    return 'written';
  }

  get(leaseId: string): Lease | undefined {
    const row = this.#rows.get(leaseId);
    return row && readLease(row);
  }

  #indexed(): readonly Lease[] {
    const { nowMs } = this.#world;
    const ripe = this.#pending.filter((entry) => entry.atMs <= nowMs);
    if (ripe.length > 0) {
      this.#pending = this.#pending.filter((entry) => entry.atMs > nowMs);
      for (const { row } of ripe) {
        if ((this.#index.get(row.id)?.version ?? 0) < row.version) this.#index.set(row.id, row);
      }
    }
    return [...this.#index.values()].map(readLease);
  }

  due(nowMs: number, page: PageRequest): Page<string> {
    const due = this.#indexed()
      .filter(isOpen)
      .filter((row) => row.dueAtMs <= nowMs);
    due.sort((one, other) => one.dueAtMs - other.dueAtMs);
    return pageOf(
      due.map((row) => row.id),
      page,
    );
  }

  list(filter: LeaseFilter, page: PageRequest): Page<Lease> {
    const { caller, secret, status } = filter;
    const rows = this.#indexed().filter(
      (row) =>
        (caller === undefined || row.caller === caller) &&
        (secret === undefined || row.secret === secret) &&
        (status === undefined || row.status === status),
    );
    return pageOf(
      rows.sort((one, other) => other.issuedAtMs - one.issuedAtMs),
      page,
    );
  }

  listOpen(page: PageRequest): Page<Lease> {
    return pageOf(this.#indexed().filter(isOpen), page);
  }

  findByToken(tokenSha256: string): string | undefined {
    return this.#indexed().find((row) => row.tokenSha256 === tokenSha256)?.id;
  }

  countOpen(of: { readonly target: string } | { readonly secret: string }): number {
    return this.#indexed().filter(
      (row) => isOpen(row) && ('target' in of ? row.target === of.target : row.secret === of.secret),
    ).length;
  }

  /** Puts the table back to how it was, and says which rows that changed. */
  restore(toMs: number): readonly string[] {
    const rows = new Map<string, Lease>();
    for (const { atMs, row } of this.#writes) if (atMs <= toMs) rows.set(row.id, row);
    const changed = [...this.#rows.values()].filter((row) => rows.get(row.id) !== row).map((row) => row.id);
    this.#rows = rows;
    this.#index = new Map(rows);
    this.#pending = [];
    this.#watch.restored(changed, rows);
    return changed;
  }
}

/** A page of what is there in full; its token is the number of what came before. */
export function pageOf<T>(all: readonly T[], request: PageRequest): Page<T> {
  const from = Number(request.nextToken ?? 0);
  const items = all.slice(from, from + request.limit);
  const end = from + items.length;
  return end < all.length ? { items, nextToken: String(end) } : { items };
}
