import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isOpen, type Lease } from '../../functions/core/model/lease.ts';
import type { LeaseStore } from '../../functions/core/ports/leases.ts';
import { allItems } from './paging.ts';

/**
 * A row as it was stored before leases were a union: the lease, and the keys and columns beside it in each store. Written by that
 * code, for every shape that the simulator made; the rows of version 0.1 are made from these.
 */
export interface StoredLease {
  readonly name: string;
  readonly lease: Lease;
  readonly dynamodb: Readonly<Record<string, string | number>>;
  readonly sqlite: Readonly<Record<string, string | number | null>>;
}

/** All rows, one a line. */
export const STORED_LEASES: readonly StoredLease[] = readFileSync(join(import.meta.dirname, 'lease-rows.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as StoredLease);

/** An empty lease store. */
export interface PlantedStore {
  readonly store: LeaseStore;
  /** Puts a row there as it stands, in place of the one with its id. */
  plant(row: StoredLease): Promise<void>;
  close(): Promise<void>;
}

/** A stored row with other members; undefined takes one away. */
function damaged(name: string, change: Readonly<Record<string, unknown>>): StoredLease {
  const row = STORED_LEASES.find((stored) => stored.name === name) as StoredLease;
  const members = Object.entries({ ...row.lease, ...change }).filter(([, value]) => value !== undefined);
  return { ...row, lease: Object.fromEntries(members) as unknown as Lease };
}

const ACTIVE = 'active, personal token';
const REVOKING = 'revoking, asked for by its caller';
const REVOKED = 'revoked, deleted with 204';
const DAMAGED = [ACTIVE, REVOKING, REVOKED];

/** What any store makes of rows that were stored before. */
export function storedLeasesContract(name: string, make: () => Promise<PlantedStore>): void {
  describe(`${name} and the leases that are stored`, () => {
    let made: PlantedStore;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made?.close());
    afterEach(async () => {
      for (const row of STORED_LEASES) if (DAMAGED.includes(row.name)) await made.plant(row);
    });

    it.each(STORED_LEASES)('reads a lease that is $name', async (row) => {
      await made.plant(row);
      expect(await made.store.get(row.lease.id)).toStrictEqual(row.lease);
    });

    it('lists them all, and the open ones', async () => {
      for (const row of STORED_LEASES) await made.plant(row);
      const leases = STORED_LEASES.map(({ lease }) => lease);
      const { caller } = leases[0] as Lease;
      const own = await allItems((page) => made.store.list({ caller }, page), 100);
      expect(own).toHaveLength(leases.filter((lease) => lease.caller === caller).length);
      const open = await allItems((page) => made.store.listOpen(page), 100);
      expect(open.map(({ id }) => id).sort()).toEqual(
        leases
          .filter(isOpen)
          .map(({ id }) => id)
          .sort(),
      );
    });

    it.each<[string, StoredLease, string]>([
      ['an unknown schema', damaged(ACTIVE, { schema: 2 }), 'its schema is not 1'],
      ['no due time, though it is open', damaged(ACTIVE, { dueAtMs: undefined }), 'active needs dueAtMs'],
      ['no token, though it is active', damaged(ACTIVE, { tokenId: undefined }), 'active needs tokenId'],
      ['evidence, though it is open', damaged(REVOKING, { evidence: { kind: 'deleted' } }), 'never has evidence'],
      ['a time to live, though it is open', damaged(REVOKING, { ttlAtMs: 5 }), 'revoking never has ttlAtMs'],
      ['no reason, though it is being revoked', damaged(REVOKING, { revokeReason: undefined }), 'needs revokeReason'],
      ['no evidence, though it is revoked', damaged(REVOKED, { evidence: undefined }), 'revoked needs evidence'],
      ['unknown evidence', damaged(REVOKED, { evidence: { kind: 'hope', atMs: 1 } }), 'revoked needs evidence'],
      ['a due time, though it is revoked', damaged(REVOKED, { dueAtMs: 5 }), 'revoked never has dueAtMs'],
    ])('refuses a row with %s', async (_, row, problem) => {
      await made.plant(row);
      await expect(made.store.get(row.lease.id)).rejects.toThrow(`lease ${row.lease.id} cannot be read: `);
      await expect(made.store.get(row.lease.id)).rejects.toThrow(problem);
      await expect(allItems((page) => made.store.list({ caller: row.lease.caller }, page), 100)).rejects.toThrow(
        problem,
      );
    });
  });
}
