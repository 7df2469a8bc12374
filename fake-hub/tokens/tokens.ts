/** The tokens of the fake, and a record of everything that was done to them. Only a token's SHA-256 is kept. */

import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Persistence } from '../persistence.ts';
import type { NewToken, TokenKind, TokenPatch, TokenRow } from './token-row.ts';

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
  readonly #leaving = new Set<string>();
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
  create(input: NewToken, idForm: 'uuid' | 'hex24' = 'uuid'): { readonly row: TokenRow; readonly value: string } {
    const value = `dckr_${input.kind}_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
    const row: TokenRow = {
      ...input,
      id: idForm === 'uuid' ? randomUUID() : randomBytes(12).toString('hex'),
      sequence: this.#sequence + 1,
      sha256: sha256(value),
      lastUsedAtMs: null,
    };
    this.#save(row);
    this.#load(row);
    return { row, value };
  }

  /** A token of that account, unless it was deleted and is not listed any more. */
  get(kind: TokenKind, account: string, id: string): TokenRow | undefined {
    const row = this.#rows.get(id);
    return row?.kind === kind && row.account === account ? row : undefined;
  }

  /** The token with this value, deleted ones that are remembered included. */
  byValue(value: string): TokenRow | undefined {
    const id = this.#bySha256.get(sha256(value));
    return id === undefined ? undefined : (this.#rows.get(id) ?? this.#deleted.get(id));
  }

  /** An account's tokens, newest first, the expired ones too. */
  of(kind: TokenKind, account: string): TokenRow[] {
    const ids = this.#byPlace.get(`${kind}:${account}`) ?? [];
    const rows = [...ids].flatMap((id) => this.#rows.get(id) ?? []);
    return rows.sort((a, b) => b.createdAtMs - a.createdAtMs || b.sequence - a.sequence);
  }

  /** Tokens whose DELETE was answered and that are still there. */
  leaving(): TokenRow[] {
    return [...this.#leaving].flatMap((id) => this.#rows.get(id) ?? []);
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
    const { inactiveSinceMs: _, ...rest } = row;
    const isActive = change.isActive ?? row.isActive;
    const sinceMs = row.isActive ? atMs : row.inactiveSinceMs;
    const changed = { ...rest, ...change, ...(isActive || sinceMs === undefined ? {} : { inactiveSinceMs: sinceMs }) };
    const patch: TokenPatch = { id: row.id, account: row.account, atMs, by, fields: Object.keys(change) };
    const sequence = this.#patchSequence + 1;
    this.#persistence.together(() => {
      this.#save(changed);
      this.#persistence.put(`patch:${sequence}`, patch);
    });
    this.#rows.set(row.id, changed);
    this.#patchSequence = sequence;
    this.#patches.set(sequence, patch);
    for (const [oldest] of overflow(this.#patches)) {
      this.#patches.delete(oldest);
      this.#persistence.remove(`patch:${oldest}`);
    }
    return changed;
  }

  markUsed(row: TokenRow, atMs: number): void {
    const used = { ...row, lastUsedAtMs: atMs };
    this.#save(used);
    (this.#rows.has(row.id) ? this.#rows : this.#deleted).set(row.id, used);
  }

  /** Notes that a token goes later. */
  leave(row: TokenRow, leaving: NonNullable<TokenRow['leaving']>): void {
    const changed = { ...row, leaving };
    this.#save(changed);
    this.#load(changed);
  }

  remove(row: TokenRow, by: string, atMs: number): void {
    const gone = deleted(row, by, atMs);
    this.#save(gone);
    this.#forget(row);
    this.#load(gone);
    for (const [oldest, { sha256 }] of overflow(this.#deleted)) {
      this.#deleted.delete(oldest);
      this.#bySha256.delete(sha256);
      this.#persistence.remove(`token:${oldest}`);
    }
  }

  /** Deletes a token that stays listed and readable, inactive. */
  retire(row: TokenRow, by: string, atMs: number): void {
    const gone: TokenRow = { ...deleted(row, by, atMs), isActive: false, staysListed: true };
    this.#save(gone);
    this.#forget(row);
    this.#load(gone);
  }

  /** Forgets every token and every record. */
  reset(): void {
    this.#persistence.together(() => {
      for (const row of this.all()) this.#persistence.remove(`token:${row.id}`);
      for (const sequence of this.#patches.keys()) this.#persistence.remove(`patch:${sequence}`);
    });
    for (const map of [this.#rows, this.#deleted, this.#bySha256, this.#byPlace, this.#patches]) map.clear();
    this.#leaving.clear();
  }

  #save(row: TokenRow): void {
    this.#persistence.put(`token:${row.id}`, row);
  }

  #load(row: TokenRow): void {
    this.#sequence = Math.max(this.#sequence, row.sequence);
    this.#bySha256.set(row.sha256, row.id);
    if (row.deletedAtMs !== undefined && row.staysListed !== true) {
      this.#deleted.set(row.id, row);
      return;
    }
    this.#rows.set(row.id, row);
    if (row.leaving !== undefined) this.#leaving.add(row.id);
    const place = `${row.kind}:${row.account}`;
    const ids = this.#byPlace.get(place) ?? new Set();
    this.#byPlace.set(place, ids.add(row.id));
  }

  #forget(row: TokenRow): void {
    this.#rows.delete(row.id);
    this.#leaving.delete(row.id);
    this.#byPlace.get(`${row.kind}:${row.account}`)?.delete(row.id);
  }
}

function deleted({ leaving: _, ...row }: TokenRow, by: string, atMs: number): TokenRow {
  return { ...row, deletedAtMs: atMs, deletedBy: by };
}

function* overflow<K, V>(records: Map<K, V>): Generator<[K, V]> {
  let excess = records.size - MAX_RECORDS;
  for (const record of records) {
    if (excess-- <= 0) return;
    yield record;
  }
}

function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}
