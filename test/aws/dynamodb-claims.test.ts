import { randomBytes } from 'node:crypto';
import { DescribeTimeToLiveCommand, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MAX_ATTEMPTS } from '../../functions/adapters/aws/clients.ts';
import { dynamodbCatalog } from '../../functions/adapters/dynamodb/catalog.ts';
import { dynamodbLeases } from '../../functions/adapters/dynamodb/leases.ts';
import type { DynamodbTable, Row } from '../../functions/adapters/dynamodb/rows.ts';
import { dynamodbSessions } from '../../functions/adapters/dynamodb/sessions.ts';
import { CATALOG_TABLE, LEASE_TABLE } from '../../functions/adapters/dynamodb/tables.ts';
import { CONFLICT_PAUSES_MS } from '../../functions/adapters/dynamodb/transaction.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { Clock } from '../../functions/core/ports/environment.ts';
import type { LeaseClaims, ReplayRecord } from '../../functions/core/ports/leases.ts';
import {
  aLease,
  anOpId,
  aSecret,
  aSessionRecord,
  aTarget,
  changed,
  reopened,
  revoked,
  unique,
} from '../contract/builders.ts';
import { canRunDynamodbLocal, type DynamodbLocal, startDynamodbLocal } from './dynamodb-local.ts';
import { type Attempt, inject, loseReplies, record, refuse } from './faults.ts';

const START_TIMEOUT_MS = 120_000;
const NOW_MS = Date.UTC(2026, 10, 20, 12);
const WRITE = 'TransactWriteItems';

/** How DynamoDB cancels a transaction: a code for each item, in order. */
const cancelled = (...codes: readonly string[]) => {
  const CancellationReasons = codes.map((Code) => ({ Code, Message: 'canary-in-reason' }));
  return new TransactionCanceledException({ $metadata: {}, message: 'canary-in-message', CancellationReasons });
};

describe.runIf(canRunDynamodbLocal())('claims of leases in DynamoDB', () => {
  let local: DynamodbLocal;
  let table: DynamodbTable;
  let catalogTable: DynamodbTable;
  /** Of one test alone, as are leases and replay records. */
  let counter: string;
  let pausesMs: number[];
  const clock: Clock = { nowMs: () => NOW_MS, sleep: async (ms) => void pausesMs.push(ms) };

  beforeAll(async () => {
    local = await startDynamodbLocal();
    [table, catalogTable] = [await local.createTable(LEASE_TABLE), await local.createTable(CATALOG_TABLE)];
  }, START_TIMEOUT_MS);
  afterAll(() => local?.stop());
  beforeEach(() => {
    counter = `secret:${unique('secret')}`;
    pausesMs = [];
  });

  const storeOf = (of: DynamodbTable, random = 0) =>
    dynamodbLeases({
      ...of,
      catalogTableName: catalogTable.tableName,
      clock,
      listedDays: 40,
      random: () => random,
    });
  /** The same table through a client of its own, for faults that hit nobody else. */
  const another = (): DynamodbTable => ({ ...table, client: local.client({ maxAttempts: MAX_ATTEMPTS }) });
  const tokensOf = (attempts: readonly Attempt[]) => attempts.map(({ input }) => input.ClientRequestToken);

  /** A lease, and claims of each kind for it. */
  function claiming(most = 5): { lease: Lease; claims: LeaseClaims & { readonly replay: ReplayRecord } } {
    const lease = aLease({ issuedAtMs: NOW_MS, counters: [counter] });
    const replay = {
      id: randomBytes(32).toString('hex'),
      version: 1,
      opId: anOpId(),
      orderSha256: 'b2'.repeat(32),
      leaseId: lease.id,
      ttlAtMs: NOW_MS + 1,
    };
    return { lease, claims: { quotas: [{ counter, most }], replay } };
  }
  async function openNow(): Promise<number | undefined> {
    return (await storeOf(table).readCounter(counter))?.open;
  }
  async function rowOf(partition: string, entry: string): Promise<Row | undefined> {
    const Key = { partition, entry };
    return (await catalogTable.client.send(new GetCommand({ TableName: catalogTable.tableName, Key }))).Item;
  }

  describe('a transaction that is cancelled', () => {
    it.each(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])(
      'is tried again for what passes by itself: %s',
      async (code) => {
        const faulty = another();
        const attempts = refuse(faulty.client, WRITE, 3, () => cancelled('None', 'None', code));
        const { lease, claims } = claiming();
        expect(await storeOf(faulty, 0.5).create(lease, claims)).toBe('written');
        expect(pausesMs).toEqual([25, 50, 100].map((ms) => ms * 0.75));
        expect(new Set(tokensOf(attempts)).size, 'each try has a token of its own').toBe(4);
        expect(await openNow()).toBe(1);
        refuse(faulty.client, WRITE, 2, () => cancelled(code, 'None'));
        expect(await storeOf(faulty).update(revoked(lease), 'release')).toBe('written');
        expect(await openNow()).toBe(0);
      },
    );

    it('is given up within 2 s of pauses, told by its code alone, with nothing written', async () => {
      const faulty = another();
      const attempts = refuse(faulty.client, WRITE, Number.POSITIVE_INFINITY, () =>
        cancelled('None', 'TransactionConflict'),
      );
      const { lease, claims } = claiming();
      const error: unknown = await storeOf(faulty, 0.999)
        .create(lease, claims)
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: 'AwsCallFailed', operation: WRITE, code: 'TransactionConflict' });
      expect(JSON.stringify(error) + String(error)).not.toContain('canary');
      expect(attempts).toHaveLength(CONFLICT_PAUSES_MS.length + 1);
      const totalMs = pausesMs.reduce((sum, ms) => sum + ms, 0);
      expect(totalMs).toBeGreaterThan(1_900);
      expect(totalMs).toBeLessThan(2_000);
      expect(await storeOf(table).get(lease.id)).toBeUndefined();
      expect(await openNow()).toBeUndefined();
    });

    it.each([['ValidationError'], ['ItemCollectionSizeLimitExceeded'], ['None'], []])(
      'rejects at once for what does not pass, and never passes for written: %s',
      async (...codes) => {
        const faulty = another();
        const attempts = refuse(faulty.client, WRITE, 1, () => cancelled(...codes));
        const { lease, claims } = claiming();
        const error: unknown = await storeOf(faulty)
          .create(lease, claims)
          .catch((caught: unknown) => caught);
        expect(error).toMatchObject({ name: 'AwsCallFailed', code: 'TransactionCanceledException' });
        expect(JSON.stringify(error) + String(error)).not.toContain('canary');
        expect(attempts).toHaveLength(1);
      },
    );

    it.each([
      ['the lease', ['ConditionalCheckFailed', 'None', 'TransactionConflict'], 'conflict'],
      ['the record', ['None', 'ConditionalCheckFailed', 'TransactionConflict'], 'conflict'],
      ['the record and the quota', ['None', 'ConditionalCheckFailed', 'ConditionalCheckFailed'], 'conflict'],
      ['the quota', ['TransactionConflict', 'None', 'ConditionalCheckFailed'], 'full'],
    ])('is decided by what was refused, whatever else it met: %s', async (_, codes, expected) => {
      const faulty = another();
      const attempts = refuse(faulty.client, WRITE, 1, () => cancelled(...codes));
      const { lease, claims } = claiming();
      expect(await storeOf(faulty).create(lease, claims)).toEqual(expected === 'full' ? { full: counter } : expected);
      expect(attempts).toHaveLength(1);
    });

    it('is `written` when its own row is there, whichever part was refused', async () => {
      const { lease, claims } = claiming();
      expect(await storeOf(table).create(lease, claims)).toBe('written');
      const faulty = another();
      for (const codes of [
        ['ConditionalCheckFailed'],
        ['None', 'ConditionalCheckFailed'],
        ['None', 'None', 'ConditionalCheckFailed'],
      ]) {
        refuse(faulty.client, WRITE, 1, () => cancelled(...codes));
        expect(await storeOf(faulty).create(lease, claims)).toBe('written');
      }
      expect(await openNow()).toBe(1);
    });
  });

  describe('a transaction whose reply is lost', () => {
    it('is repeated by the SDK under the same token, and counts once', async () => {
      const faulty = another();
      const { lease, claims } = claiming(1);
      const created = loseReplies(faulty.client, WRITE, 1);
      expect(await storeOf(faulty).create(lease, claims)).toBe('written');
      expect(created).toHaveLength(2);
      expect(new Set(tokensOf(created)).size).toBe(1);
      expect(await openNow()).toBe(1);
      const updated = loseReplies(faulty.client, WRITE, 2);
      expect(await storeOf(faulty).update(revoked(lease), 'release')).toBe('written');
      expect(new Set(tokensOf(updated)).size).toBe(1);
      expect(await openNow()).toBe(0);
    });

    it('rejects when every reply is lost, and is `written` and counted once when its writer repeats it', async () => {
      const deaf = another();
      const attempts = loseReplies(deaf.client, WRITE, Number.POSITIVE_INFINITY);
      const { lease, claims } = claiming(1);
      await expect(storeOf(deaf).create(lease, claims)).rejects.toThrow('TransactWriteItems: ECONNRESET');
      expect(attempts).toHaveLength(MAX_ATTEMPTS);
      expect(await storeOf(table).create(lease, claims)).toBe('written');
      expect(await openNow()).toBe(1);
      const closed = revoked(lease);
      await expect(storeOf(deaf).update(closed, 'release')).rejects.toThrow('TransactWriteItems');
      expect(await storeOf(table).update(closed, 'release')).toBe('written');
      expect(await openNow()).toBe(0);
      expect(await storeOf(table).get(lease.id)).toEqual(closed);
    });

    it('is a `conflict` for its writer once somebody else has written after it, and counts once', async () => {
      const deaf = another();
      loseReplies(deaf.client, WRITE, Number.POSITIVE_INFINITY);
      const { lease, claims } = claiming();
      await expect(storeOf(deaf).create(lease, claims)).rejects.toThrow();
      const theirs = changed(lease, { status: 'revoking' });
      expect(await storeOf(table).update(theirs)).toBe('written');
      expect(await storeOf(table).create(lease, claims)).toBe('conflict');
      expect(await storeOf(table).get(lease.id)).toEqual(theirs);
      expect(await openNow()).toBe(1);
    });

    it('is `written` although another write of the lease follows before its writer hears of it', async () => {
      const { lease, claims } = claiming();
      const slow = another();
      let later = changed(lease, { attempts: 1 });
      inject(slow.client, async ({ operation }, send) => {
        const answer = await send();
        if (operation === WRITE) expect(await storeOf(table).update(later)).toBe('written');
        return answer;
      });
      expect(await storeOf(slow).create(lease, claims)).toBe('written');
      const closed = revoked(later);
      later = reopened(closed);
      expect(await storeOf(slow).update(closed, 'release')).toBe('written');
      expect(await openNow()).toBe(0);
    });

    it('does not make a correction a conflict with itself', async () => {
      const { lease, claims } = claiming();
      await storeOf(table).create(lease, claims);
      const faulty = another();
      loseReplies(faulty.client, 'PutItem', 1);
      expect(await storeOf(faulty).correctCounter(counter, 3, 1)).toBe('written');
      expect(await storeOf(table).readCounter(counter)).toEqual({ open: 3, version: 2, changedAtMs: NOW_MS });
      expect(await storeOf(table).correctCounter(counter, 9, 1)).toBe('conflict');
    });
  });

  describe('a release of a counter at 0', () => {
    it('leaves alone what others have counted meanwhile', async () => {
      const { lease, claims } = claiming();
      await storeOf(table).create(lease, claims);
      expect(await storeOf(table).correctCounter(counter, 0, 1)).toBe('written');
      const faulty = another();
      const other = aLease({ counters: [counter] });
      let tries = 0;
      inject(faulty.client, async ({ operation }, send) => {
        if (operation === WRITE && ++tries === 2) {
          await storeOf(table).create(other, { quotas: [{ counter, most: 5 }] });
        }
        return send();
      });
      expect(await storeOf(faulty).update(revoked(lease), 'release')).toBe('written');
      expect(tries).toBe(2);
      expect(await openNow()).toBe(1);
    });

    it('is a `conflict` when another write of the lease comes between its tries', async () => {
      const { lease, claims } = claiming();
      await storeOf(table).create(lease, claims);
      await storeOf(table).correctCounter(counter, 0, 1);
      const faulty = another();
      const theirs = changed(lease, { attempts: 1 });
      let tries = 0;
      inject(faulty.client, async ({ operation }, send) => {
        if (operation === WRITE && ++tries === 2) await storeOf(table).update(theirs);
        return send();
      });
      expect(await storeOf(faulty).update(revoked(lease), 'release')).toBe('conflict');
      expect(await storeOf(table).get(lease.id)).toEqual(theirs);
      expect(await storeOf(table).readCounter(counter)).toMatchObject({ version: 2 });
    });
  });

  describe('the rows', () => {
    it('of callers’ keys have a time to live in seconds, and no other row of the catalog table has one', async () => {
      const { lease, claims } = claiming();
      await storeOf(table).create(lease, claims);
      await dynamodbCatalog(catalogTable).putSecret(aSecret());
      await dynamodbCatalog(catalogTable).putTarget(aTarget());
      await dynamodbSessions(catalogTable).write(aSessionRecord());
      const { Items = [] } = await catalogTable.client.send(new ScanCommand({ TableName: catalogTable.tableName }));
      const partitions = (rows: readonly Row[]) => new Set(rows.map((row) => row.partition));
      expect(partitions(Items)).toEqual(new Set(['secret', 'target', 'session', 'counter', 'replay']));
      const mortal = Items.filter((row) => 'ttlAt' in row);
      expect(partitions(mortal)).toEqual(new Set(['replay']));
      expect(mortal).toContainEqual(expect.objectContaining({ entry: claims.replay.id, ttlAt: NOW_MS / 1_000 + 1 }));
      const { TimeToLiveDescription } = await catalogTable.client.send(
        new DescribeTimeToLiveCommand({ TableName: catalogTable.tableName }),
      );
      expect(TimeToLiveDescription).toMatchObject({ AttributeName: 'ttlAt' });
    });

    it('hold what was claimed and nothing of the caller', async () => {
      const { lease, claims } = claiming();
      await storeOf(table).create(lease, claims);
      expect(await rowOf('counter', counter)).toEqual({
        partition: 'counter',
        entry: counter,
        schema: 1,
        open: 1,
        version: 1,
        changedAtMs: NOW_MS,
      });
      expect(await rowOf('replay', claims.replay.id)).toEqual({
        ...claims.replay,
        partition: 'replay',
        entry: claims.replay.id,
        schema: 1,
        ttlAt: NOW_MS / 1_000 + 1,
      });
      expect(await storeOf(table).readReplay(claims.replay.id)).toEqual(claims.replay);
    });

    it('of another schema are refused, not guessed at', async () => {
      const { lease, claims } = claiming();
      await storeOf(table).create(lease, claims);
      for (const row of [await rowOf('counter', counter), await rowOf('replay', claims.replay.id)]) {
        const Item = { ...row, schema: 3 };
        await catalogTable.client.send(new PutCommand({ TableName: catalogTable.tableName, Item }));
      }
      await expect(storeOf(table).readCounter(counter)).rejects.toThrow('schema');
      await expect(storeOf(table).readReplay(claims.replay.id)).rejects.toThrow('schema');
    });

    it('are not looked for under what is no digest', async () => {
      const watched = another();
      const attempts = record(watched.client);
      for (const text of ['', 'x', 'A1'.repeat(32), 'a'.repeat(65)]) {
        expect(await storeOf(watched).readReplay(text)).toBeUndefined();
        expect(await storeOf(watched).findByToken(text)).toBeUndefined();
      }
      expect(attempts).toEqual([]);
    });
  });

  describe('the condition of a quota', () => {
    it('keeps a lease out of a full counter; without it, the counter would run over', async () => {
      const { lease, claims } = claiming(1);
      await storeOf(table).create(lease, claims);
      const quotas = [{ counter, most: 1 }];
      expect(await storeOf(table).create(aLease({ counters: [counter] }), { quotas })).toEqual({ full: counter });
      const careless = another();
      careless.client.middlewareStack.add(
        (next) => (args) => {
          const { TransactItems: [put, count] = [] } = args.input as { TransactItems?: Record<string, Row>[] };
          const { ConditionExpression, ...update } = count?.Update ?? {};
          const { ':most': _, ...values } = update.ExpressionAttributeValues as Row;
          const TransactItems = [put, { Update: { ...update, ExpressionAttributeValues: values } }];
          return next({ ...args, input: { ...args.input, TransactItems } as never });
        },
        { step: 'serialize', priority: 'high', name: 'dropCondition' },
      );
      expect(await storeOf(careless).create(aLease({ counters: [counter] }), { quotas })).toBe('written');
      expect(await openNow()).toBe(2);
    });
  });
});
