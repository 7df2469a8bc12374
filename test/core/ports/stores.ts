import { isOpen, type Lease } from '../../../functions/core/model/lease.ts';
import { isUnder } from '../../../functions/core/model/name.ts';
import type { DynamicSecret } from '../../../functions/core/model/secret.ts';
import type { Credential, Target } from '../../../functions/core/model/target.ts';
import type { Catalog, TargetCredentials } from '../../../functions/core/ports/catalog.ts';
import type { Counter, LeaseStore, ReplayRecord, WriteOutcome } from '../../../functions/core/ports/leases.ts';
import type { Page, PageRequest } from '../../../functions/core/ports/pages.ts';
import type { Sealer } from '../../../functions/core/ports/sealing.ts';
import type { SessionRecord, SessionStore } from '../../../functions/core/ports/sessions.ts';

/** Rows by key, replaced version by version. What goes in and comes out are copies, as with any real store. */
export class Rows<T extends { readonly version: number; readonly opId: string }> {
  readonly #rows = new Map<string, T>();

  get(key: string): T | undefined {
    return structuredClone(this.#rows.get(key));
  }

  put(key: string, row: T): WriteOutcome {
    const kept = this.#rows.get(key);
    if ((kept?.version ?? 0) === row.version - 1) {
      this.#rows.set(key, structuredClone(row));
      return 'written';
    }
    return kept?.opId === row.opId && kept.version === row.version ? 'written' : 'conflict';
  }

  delete(key: string, version: number): WriteOutcome {
    if ((this.#rows.get(key)?.version ?? version) !== version) return 'conflict';
    this.#rows.delete(key);
    return 'written';
  }

  /** Puts a row there, or takes it away, whatever was there. */
  set(key: string, row: T | undefined): void {
    if (row === undefined) this.#rows.delete(key);
    else this.#rows.set(key, structuredClone(row));
  }

  all(): T[] {
    return [...this.#rows.keys()].sort().map((key) => this.get(key) as T);
  }
}

function pageOf<T>(all: readonly T[], { limit, nextToken }: PageRequest): Page<T> {
  if (limit < 1 || limit > 100) throw new Error('a page has 1 to 100 items');
  const from = Number(nextToken ?? 0);
  const items = all.slice(from, from + limit);
  return from + limit < all.length ? { items, nextToken: String(from + limit) } : { items };
}

/** A page that goes on behind a name, so that removing what was listed makes it pass over nothing. */
function pageByName<T extends { readonly name: string }>(
  all: readonly T[],
  { limit, nextToken }: PageRequest,
): Page<T> {
  const rest = all.filter(({ name }) => nextToken === undefined || name > nextToken);
  const { items, nextToken: more } = pageOf(rest, { limit });
  return more === undefined ? { items } : { items, nextToken: items.at(-1)?.name as string };
}

export interface MemoryLeases {
  readonly rows: Rows<Lease>;
  readonly counters: Map<string, Counter>;
  readonly port: LeaseStore;
}

/** Leases in memory: one truth, nothing lags, whatever `settleMs` promises at the most. */
export function memoryLeases(settleMs: number, nowMs: () => number): MemoryLeases {
  const rows = new Rows<Lease>();
  const replays = new Map<string, ReplayRecord>();
  const counters = new Map<string, Counter>();
  const open = () => rows.all().filter(isOpen);

  function add(counter: string, by: 1 | -1): void {
    const { open, version } = counters.get(counter) ?? { open: 0, version: 0 };
    counters.set(counter, { open: Math.max(0, open + by), version: version + 1, changedAtMs: nowMs() });
  }

  const port: LeaseStore = {
    settleMs,
    async create(lease, claims = {}) {
      const { quotas = [], replay } = claims;
      const known = rows.get(lease.id);
      if (known !== undefined) return known.opId === lease.opId ? 'written' : 'conflict';
      if (replay !== undefined && (replays.get(replay.id)?.version ?? 0) !== replay.version - 1) return 'conflict';
      const full = quotas.find(({ counter, most }) => (counters.get(counter)?.open ?? 0) >= most);
      if (full !== undefined) return { full: full.counter };
      for (const { counter } of quotas) add(counter, 1);
      if (replay !== undefined) replays.set(replay.id, replay);
      return rows.put(lease.id, lease);
    },
    async get(leaseId) {
      return rows.get(leaseId);
    },
    async update(lease, count) {
      const known = rows.get(lease.id);
      if (known === undefined) return 'conflict';
      const outcome = rows.put(lease.id, lease);
      if (outcome === 'written' && known.version === lease.version - 1 && count !== undefined) {
        for (const counter of lease.counters ?? []) add(counter, count === 'take' ? 1 : -1);
      }
      return outcome;
    },
    async due(atMs, page) {
      const due = open().filter((row) => row.dueAtMs <= atMs);
      due.sort((one, other) => one.dueAtMs - other.dueAtMs);
      return pageOf(
        due.map((row) => row.id),
        page,
      );
    },
    async list({ caller, secret, status }, page) {
      const listed = rows
        .all()
        .filter(
          (row) =>
            (caller ?? row.caller) === row.caller &&
            (secret ?? row.secret) === row.secret &&
            (status ?? row.status) === row.status,
        );
      return pageOf(
        listed.sort((one, other) => other.issuedAtMs - one.issuedAtMs),
        page,
      );
    },
    async listOpen(page) {
      return pageOf(open(), page);
    },
    async findByToken(tokenSha256) {
      return rows.all().find((row) => row.tokenSha256 === tokenSha256)?.id;
    },
    async readReplay(id) {
      return replays.get(id);
    },
    async readCounter(counter) {
      return counters.get(counter);
    },
    async correctCounter(counter, count, version) {
      if (counters.get(counter)?.version !== version) return 'conflict';
      counters.set(counter, { open: count, version: version + 1, changedAtMs: nowMs() });
      return 'written';
    },
    async countOpen(of) {
      return open().filter((row) => ('target' in of ? row.target === of.target : row.secret === of.secret)).length;
    },
  };
  return { rows, counters, port };
}

export interface MemoryCatalog {
  readonly secrets: Rows<DynamicSecret>;
  readonly targets: Rows<Target>;
  readonly port: Catalog;
}

/** Secrets and targets in memory. */
export function memoryCatalog(): MemoryCatalog {
  const secrets = new Rows<DynamicSecret>();
  const targets = new Rows<Target>();
  const under = (prefix: string | undefined) => (row: { name: string }) =>
    prefix === undefined || isUnder(row.name, prefix);
  const port: Catalog = {
    getSecret: async (name) => secrets.get(name),
    putSecret: async (secret) => secrets.put(secret.name, secret),
    deleteSecret: async (name, version) => secrets.delete(name, version),
    listSecrets: async ({ prefix, target }, page) => {
      const listed = secrets.all().filter(under(prefix));
      return pageByName(
        listed.filter((row) => (target ?? row.target) === row.target),
        page,
      );
    },
    getTarget: async (name) => targets.get(name),
    putTarget: async (target) => targets.put(target.name, target),
    deleteTarget: async (name, version) => targets.delete(name, version),
    listTargets: async ({ prefix }, page) => pageByName(targets.all().filter(under(prefix)), page),
  };
  return { secrets, targets, port };
}

export interface MemorySessions {
  readonly rows: Rows<SessionRecord>;
  readonly port: SessionStore;
}

/** Shared sessions in memory. */
export function memorySessions(): MemorySessions {
  const rows = new Rows<SessionRecord>();
  const port: SessionStore = {
    read: async (target) => rows.get(target),
    write: async (record) => rows.put(record.target, record),
    remove: async (target) => rows.set(target, undefined),
  };
  return { rows, port };
}

export interface MemoryCredentials {
  /** By `target version`. */
  readonly staged: Map<string, Credential>;
  readonly current: Map<string, { readonly credential: Credential; readonly version: string }>;
  readonly port: TargetCredentials;
}

/** Credentials in memory; versions are `cred-1`, `cred-2` … */
export function memoryCredentials(): MemoryCredentials {
  const staged = new Map<string, Credential>();
  const current = new Map<string, { readonly credential: Credential; readonly version: string }>();
  let made = 0;
  const port: TargetCredentials = {
    read: async (target) => current.get(target),
    stage: async (target, credential) => {
      const version = `cred-${++made}`;
      staged.set(`${target} ${version}`, credential);
      return version;
    },
    promote: async (target, version) => {
      const credential = staged.get(`${target} ${version}`);
      if (credential === undefined) throw new Error('no such version was staged');
      current.set(target, { credential, version });
    },
    remove: async (target) => {
      current.delete(target);
      for (const key of staged.keys()) if (key.startsWith(`${target} `)) staged.delete(key);
    },
  };
  return { staged, current, port };
}

export interface MemorySealer {
  /** Makes everything sealed so far impossible to open, as the loss of a key does. */
  loseKey(): void;
  readonly port: Sealer;
}

/** Seals by keeping the text back: a sealed text tells nothing, and opens only with its context. */
export function memorySealer(): MemorySealer {
  const kept = new Map<string, { readonly plain: string; readonly context: string }>();
  let made = 0;
  const port: Sealer = {
    seal: async (plain, context) => {
      const sealed = `sealed-${++made}`;
      kept.set(sealed, { plain, context });
      return sealed;
    },
    open: async (sealed, context) => {
      const found = kept.get(sealed);
      if (found?.context !== context) throw new Error('cannot be opened');
      return found.plain;
    },
  };
  return { loseKey: () => kept.clear(), port };
}
