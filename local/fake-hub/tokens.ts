/** The tokens of the fake, and a record of everything that was done to them. Only a token's SHA-256 is kept. */

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Persistence } from './persistence.ts';

/** PAT: of a user. OAT: of an organization. */
export type TokenKind = 'pat' | 'oat';

export interface TokenResource {
  readonly type: string;
  readonly path: string;
  readonly scopes: readonly string[];
}

/** How a token of somebody else reads oddly: without a creation time, or without a label, as Docker Desktop makes them. */
export type OddForm = 'created-null' | 'label-null';

export interface TokenRow {
  readonly id: string;
  /** Order of creation. */
  readonly sequence: number;
  readonly kind: TokenKind;
  /** User name, or name of the organization. */
  readonly account: string;
  readonly label: string;
  readonly description: string;
  readonly scopes: readonly string[];
  readonly resources: readonly TokenResource[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly lastUsedAtMs: number | null;
  readonly isActive: boolean;
  readonly createdBy: string;
  readonly creatorIp: string;
  readonly creatorUserAgent: string;
  readonly sha256: string;
  /** Made through the control, not through a route: somebody else's token. */
  readonly foreign: boolean;
  readonly odd?: OddForm;
  readonly deletedAtMs?: number;
  readonly deletedBy?: string;
}

export type NewToken = Omit<TokenRow, 'id' | 'sequence' | 'sha256' | 'lastUsedAtMs' | 'deletedAtMs' | 'deletedBy'>;

/** One applied PATCH. */
export interface TokenPatch {
  readonly id: string;
  readonly account: string;
  readonly atMs: number;
  /** Who asked: a user name, or `control`. */
  readonly by: string;
  /** Names of the fields that were sent and taken. */
  readonly fields: readonly string[];
}

/** Most deleted tokens, and most patches, that are remembered; the oldest are forgotten, so a fake can run for weeks. */
const MAX_RECORDS = 100_000;

/** 21 random bytes are 28 characters, within the 27 to 32 that secret scanners know Docker's tokens by. */
const TOKEN_BYTES = 21;

export class Tokens {
  readonly #persistence: Persistence;
  readonly #rows = new Map<string, TokenRow>();
  readonly #deleted = new Map<string, TokenRow>();
  readonly #bySha256 = new Map<string, string>();
  readonly #byPlace = new Map<string, Set<string>>();
  readonly #patches = new Map<number, TokenPatch>();
  #sequence = 0;
  #patchSequence = 0;

  constructor(persistence: Persistence) {
    this.#persistence = persistence;
    for (const { key, value } of persistence.rows()) {
      if (key.startsWith('token:')) this.#load(value as TokenRow);
      if (key.startsWith('patch:')) {
        const sequence = Number(key.slice('patch:'.length));
        this.#patches.set(sequence, value as TokenPatch);
        this.#patchSequence = Math.max(this.#patchSequence, sequence);
      }
    }
  }

  /** Adds a token and returns its row and, this once, its value. It is stored before this returns. */
  create(input: NewToken): { readonly row: TokenRow; readonly value: string } {
    const value = `dckr_${input.kind}_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
    const row: TokenRow = {
      ...input,
      id: randomUUID(),
      sequence: this.#sequence + 1,
      sha256: sha256(value),
      lastUsedAtMs: null,
    };
    this.#save(row);
    this.#load(row);
    return { row, value };
  }

  /** A token of that account that was not deleted. */
  get(kind: TokenKind, account: string, id: string): TokenRow | undefined {
    const row = this.#rows.get(id);
    return row?.kind === kind && row.account === account ? row : undefined;
  }

  /** The token with this value, unless it was deleted. Says nothing of its expiry. */
  byValue(value: string): TokenRow | undefined {
    const id = this.#bySha256.get(sha256(value));
    return id === undefined ? undefined : this.#rows.get(id);
  }

  /** An account's tokens, newest first, the expired ones too. */
  of(kind: TokenKind, account: string): TokenRow[] {
    const ids = this.#byPlace.get(`${kind}:${account}`) ?? [];
    const rows = [...ids].flatMap((id) => this.#rows.get(id) ?? []);
    return rows.sort((a, b) => b.createdAtMs - a.createdAtMs || b.sequence - a.sequence);
  }

  /** Every token, the deleted ones that are remembered first. */
  all(): TokenRow[] {
    return [...this.#deleted.values(), ...this.#rows.values()];
  }

  patches(): TokenPatch[] {
    return [...this.#patches.values()];
  }

  update(
    row: TokenRow,
    change: Partial<Pick<TokenRow, 'label' | 'description' | 'resources' | 'isActive'>>,
    by: string,
    atMs: number,
  ): TokenRow {
    const changed = { ...row, ...change };
    const patch: TokenPatch = { id: row.id, account: row.account, atMs, by, fields: Object.keys(change) };
    const sequence = this.#patchSequence + 1;
    this.#persistence.together(() => {
      this.#save(changed);
      this.#persistence.put(`patch:${sequence}`, patch);
    });
    this.#rows.set(row.id, changed);
    this.#patchSequence = sequence;
    this.#patches.set(sequence, patch);
    for (const oldest of overflow(this.#patches)) {
      this.#patches.delete(oldest);
      this.#persistence.remove(`patch:${oldest}`);
    }
    return changed;
  }

  markUsed(row: TokenRow, atMs: number): void {
    const used = { ...row, lastUsedAtMs: atMs };
    this.#save(used);
    this.#rows.set(row.id, used);
  }

  remove(row: TokenRow, by: string, atMs: number): void {
    const gone: TokenRow = { ...row, deletedAtMs: atMs, deletedBy: by };
    this.#save(gone);
    this.#forget(row);
    this.#deleted.set(row.id, gone);
    for (const oldest of overflow(this.#deleted)) {
      this.#deleted.delete(oldest);
      this.#persistence.remove(`token:${oldest}`);
    }
  }

  /** Forgets every token and every record. */
  reset(): void {
    this.#persistence.together(() => {
      for (const row of this.all()) this.#persistence.remove(`token:${row.id}`);
      for (const sequence of this.#patches.keys()) this.#persistence.remove(`patch:${sequence}`);
    });
    for (const map of [this.#rows, this.#deleted, this.#bySha256, this.#byPlace, this.#patches]) map.clear();
  }

  #save(row: TokenRow): void {
    this.#persistence.put(`token:${row.id}`, row);
  }

  #load(row: TokenRow): void {
    this.#sequence = Math.max(this.#sequence, row.sequence);
    if (row.deletedAtMs !== undefined) {
      this.#deleted.set(row.id, row);
      return;
    }
    this.#rows.set(row.id, row);
    this.#bySha256.set(row.sha256, row.id);
    const place = `${row.kind}:${row.account}`;
    const ids = this.#byPlace.get(place) ?? new Set();
    this.#byPlace.set(place, ids.add(row.id));
  }

  #forget(row: TokenRow): void {
    this.#rows.delete(row.id);
    this.#bySha256.delete(row.sha256);
    this.#byPlace.get(`${row.kind}:${row.account}`)?.delete(row.id);
  }
}

function* overflow<K>(records: Map<K, unknown>): Generator<K> {
  let excess = records.size - MAX_RECORDS;
  for (const key of records.keys()) {
    if (excess-- <= 0) return;
    yield key;
  }
}

function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
