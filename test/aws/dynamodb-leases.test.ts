import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  InternalServerError,
  ThrottlingException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { DeleteCommand, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { ulid } from 'ulid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MAX_ATTEMPTS } from '../../functions/adapters/aws/clients.ts';
import { shardOf } from '../../functions/adapters/dynamodb/lease-row.ts';
import { dynamodbLeases } from '../../functions/adapters/dynamodb/leases.ts';
import { writePageToken } from '../../functions/adapters/dynamodb/page-token.ts';
import type { DynamodbTable, Row } from '../../functions/adapters/dynamodb/rows.ts';
import { LEASE_INDEXES, LEASE_TABLE, SHARDS } from '../../functions/adapters/dynamodb/tables.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { Clock } from '../../functions/core/ports/environment.ts';
import type { LeaseFilter } from '../../functions/core/ports/leases.ts';
import { aLease, anOpId, changed, reopened, revoked } from '../contract/builders.ts';
import { allItems } from '../contract/paging.ts';
import { canRunDynamodbLocal, type DynamodbLocal, startDynamodbLocal } from './dynamodb-local.ts';
import { inject, loseReplies, record, refuse } from './faults.ts';

const START_TIMEOUT_MS = 120_000;
const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 20, 12);

const fault = { $metadata: {}, message: 'made up' };

/** Says whether an answer of an index names any row. */
const isNamedIn = (answer: unknown) => (answer as { readonly Items: readonly unknown[] }).Items.length > 0;

describe.runIf(canRunDynamodbLocal())('leases in DynamoDB', () => {
  let local: DynamodbLocal;
  let table: DynamodbTable;
  let pausesMs: number[];
  const clock: Clock = { nowMs: () => NOW_MS, sleep: async (ms) => void pausesMs.push(ms) };

  beforeAll(async () => {
    local = await startDynamodbLocal();
  }, START_TIMEOUT_MS);
  afterAll(() => local?.stop());
  beforeEach(async () => {
    table = await local.createTable(LEASE_TABLE);
    pausesMs = [];
  });

  const storeOf = (of: DynamodbTable, listedDays = 40) =>
    dynamodbLeases({ ...of, catalogTableName: 'none', clock, listedDays });
  /** The same table through a client of its own, for faults that hit nobody else. */
  const another = (maxAttempts = MAX_ATTEMPTS): DynamodbTable => ({ ...table, client: local.client({ maxAttempts }) });
  const leaseAt = (issuedAtMs: number, overrides: Partial<Lease> = {}) => aLease({ issuedAtMs, ...overrides });
  async function created(lease = leaseAt(NOW_MS)): Promise<Lease> {
    expect(await storeOf(table).create(lease)).toBe('written');
    return lease;
  }
  async function rowOf(lease: Lease): Promise<Row | undefined> {
    const Key = { leaseId: lease.id, row: 'lease' };
    return (await table.client.send(new GetCommand({ TableName: table.tableName, Key }))).Item;
  }

  describe('a write whose reply is lost', () => {
    it('recognises its own row when the SDK repeats it', async () => {
      const faulty = another();
      const attempts = loseReplies(faulty.client, 'PutItem', 1);
      const lease = leaseAt(NOW_MS);
      expect(await storeOf(faulty).create(lease)).toBe('written');
      expect(attempts).toHaveLength(2);
      const next = changed(lease, { attempts: 1 });
      loseReplies(faulty.client, 'PutItem', 1);
      expect(await storeOf(faulty).update(next)).toBe('written');
      expect(await storeOf(table).get(lease.id)).toEqual(next);
    });

    it('rejects when every reply is lost, and is `written` when its writer repeats it', async () => {
      const deaf = another();
      const attempts = loseReplies(deaf.client, 'PutItem', Number.POSITIVE_INFINITY);
      const lease = leaseAt(NOW_MS);
      await expect(storeOf(deaf).create(lease)).rejects.toThrow();
      expect(attempts).toHaveLength(MAX_ATTEMPTS);
      expect(await storeOf(table).create(lease)).toBe('written');
      const next = changed(lease, { attempts: 1 });
      await expect(storeOf(deaf).update(next)).rejects.toThrow();
      expect(await storeOf(table).update(next)).toBe('written');
      expect(await storeOf(table).get(lease.id)).toEqual(next);
    });

    it('is a `conflict` once somebody else has written after it, and theirs stays', async () => {
      const faulty = another();
      const mine = changed(await created(), { attempts: 1 });
      const theirs = changed(mine, { status: 'revoking', revokeReason: 'admin' });
      let tries = 0;
      inject(faulty.client, async (attempt, send) => {
        const answer = await send();
        if (attempt.operation !== 'PutItem' || tries++ > 0) return answer;
        await storeOf(table).update(theirs);
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      });
      expect(await storeOf(faulty).update(mine)).toBe('conflict');
      expect(await storeOf(table).get(mine.id)).toEqual(theirs);
    });
  });

  describe('the condition of a write', () => {
    /** A store that sends its conditions changed by `edit`. */
    function altered(edit: (condition: string) => string) {
      const faulty = another();
      faulty.client.middlewareStack.add(
        (next) => (args) => {
          const input = args.input as { ConditionExpression?: string; ExpressionAttributeValues?: Row };
          const condition = edit(input.ConditionExpression ?? '');
          const isUsed = (name: string) => new RegExp(`${name}\\b`).test(condition);
          const values = Object.entries(input.ExpressionAttributeValues ?? {}).filter(([name]) => isUsed(name));
          const names = { '#version': 'version', '#opId': 'opId' };
          return next({
            ...args,
            input: {
              ...input,
              ConditionExpression: condition,
              ExpressionAttributeNames: Object.fromEntries(Object.entries(names).filter(([name]) => isUsed(name))),
              ExpressionAttributeValues: values.length > 0 ? Object.fromEntries(values) : undefined,
            },
          });
        },
        { step: 'serialize', priority: 'high', name: 'alterCondition' },
      );
      return { store: storeOf(faulty), client: faulty.client };
    }
    const withoutOwn = (condition: string) => condition.split(' OR ')[0] as string;

    it('makes the later of two writers from one version lose; without the version, it would win', async () => {
      const lease = await created();
      const [first, second] = [changed(lease, { attempts: 1 }), changed(lease, { attempts: 2 })];
      expect(await storeOf(table).update(first)).toBe('written');
      expect(await storeOf(table).update(second)).toBe('conflict');
      expect(await storeOf(table).get(lease.id)).toEqual(first);
      const careless = altered((condition) => condition.replace('#version = :before', 'attribute_exists(#version)'));
      expect(await careless.store.update(second)).toBe('written');
      expect(await storeOf(table).get(lease.id)).toEqual(second);
    });

    it('keeps a second lease from taking an id; without `attribute_not_exists`, it would', async () => {
      const lease = await created();
      const rival = leaseAt(NOW_MS, { id: lease.id });
      expect(await storeOf(table).create(rival)).toBe('conflict');
      const careless = altered((condition) => `${condition} OR attribute_exists(#version)`);
      expect(await careless.store.create(rival)).toBe('written');
      expect(await storeOf(table).get(lease.id)).toEqual(rival);
    });

    it('is false for a write that repeats itself, unless it accepts its own', async () => {
      const { store, client } = altered(withoutOwn);
      loseReplies(client, 'PutItem', 1);
      const lease = leaseAt(NOW_MS);
      expect(await store.create(lease)).toBe('conflict');
      expect(await storeOf(table).get(lease.id), 'a false conflict: the row is there').toEqual(lease);
    });

    it('keeps an update from creating a row; without the version, it would', async () => {
      const absent = changed(leaseAt(NOW_MS), { attempts: 1 });
      expect(await storeOf(table).update(absent)).toBe('conflict');
      expect(await storeOf(table).get(absent.id)).toBeUndefined();
      const careless = altered((condition) => `${condition} OR attribute_not_exists(#version)`);
      expect(await careless.store.update(absent)).toBe('written');
    });
  });

  describe('a refusal by DynamoDB', () => {
    it.each([
      ['a transaction conflict', () => new TransactionConflictException(fault)],
      ['throttling', () => new ThrottlingException(fault)],
      [
        'an internal error',
        () => Object.assign(new InternalServerError(fault), { $metadata: { httpStatusCode: 500 } }),
      ],
    ])('is outlived: %s', async (_, error) => {
      const faulty = another();
      const attempts = refuse(faulty.client, 'PutItem', 1, error);
      const lease = leaseAt(NOW_MS);
      expect(await storeOf(faulty).create(lease)).toBe('written');
      expect(attempts).toHaveLength(2);
      expect(await storeOf(table).get(lease.id)).toEqual(lease);
    });

    it('is tried once where a condition is not met: it would not be met again', async () => {
      const watched = another();
      const attempts = record(watched.client);
      expect(await storeOf(watched).update(changed(leaseAt(NOW_MS), { attempts: 1 }))).toBe('conflict');
      expect(attempts.map(({ operation }) => operation)).toEqual(['PutItem']);
    });

    it('ends within the bound of tries, and is told by its code alone', async () => {
      const faulty = another();
      const attempts = refuse(faulty.client, 'PutItem', Number.POSITIVE_INFINITY, () => {
        return new TransactionConflictException({ ...fault, message: 'canary-in-message' });
      });
      const lease = leaseAt(NOW_MS);
      const error: unknown = await storeOf(faulty)
        .create(lease)
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: 'AwsCallFailed', code: 'TransactionConflictException' });
      expect(JSON.stringify(error) + String(error)).not.toContain('canary');
      expect(attempts).toHaveLength(MAX_ATTEMPTS);
      expect(await storeOf(table).get(lease.id)).toBeUndefined();
    });
  });

  describe('the row of a lease', () => {
    it('has no time to live while the lease is open, has one in seconds once it is revoked, and none once reopened', async () => {
      const lease = await created(leaseAt(NOW_MS, { status: 'minting' }));
      const row = await rowOf(lease);
      expect(row).not.toHaveProperty('ttlAt');
      expect(row).toMatchObject({ schema: 1, row: 'lease', dueShard: shardOf(lease.id), version: 1 });
      const active = changed(lease, { status: 'active' });
      const revoking = changed(active, { status: 'revoking' });
      const closed = { ...revoked(revoking), ttlAtMs: 1_800_000_000_001 };
      for (const open of [active, revoking]) {
        await storeOf(table).update(open);
        expect(await rowOf(lease)).not.toHaveProperty('ttlAt');
      }
      await storeOf(table).update(closed);
      expect(await rowOf(lease)).toMatchObject({ ttlAt: 1_800_000_001 });
      for (const key of ['dueAt', 'dueShard']) expect(await rowOf(lease)).not.toHaveProperty(key);
      await storeOf(table).update(reopened(closed));
      expect(await rowOf(lease)).not.toHaveProperty('ttlAt');
      expect(await rowOf(lease)).toHaveProperty('dueAt');
    });

    it('has no time to live even for an open lease that was given one', async () => {
      const lease = await created(leaseAt(NOW_MS, { ttlAtMs: NOW_MS }));
      expect(await rowOf(lease)).not.toHaveProperty('ttlAt');
    });

    it('is refused for an open lease without a due time, which no sweep would find', () => {
      const { dueAtMs: _, ...lease } = leaseAt(NOW_MS);
      expect(() => storeOf(table).create(lease as Lease)).toThrow('due time');
    });

    it('of another schema is refused, not guessed at', async () => {
      const lease = await created();
      const Item = { ...(await rowOf(lease)), schema: 3 };
      await table.client.send(new PutCommand({ TableName: table.tableName, Item }));
      await expect(storeOf(table).get(lease.id)).rejects.toThrow('schema');
    });

    it('is not looked for under what is no lease id', async () => {
      const attempts = record(table.client);
      for (const id of ['', 'timer', `${ulid()}x`, 'A'.repeat(5_000), '../x']) {
        expect(await storeOf(table).get(id)).toBeUndefined();
      }
      expect(attempts).toEqual([]);
    });
  });

  describe('the table', () => {
    it('has the stream, the time to live and the indexes of its shape, and each index holds keys alone', async () => {
      const { Table } = await table.client.send(new DescribeTableCommand({ TableName: table.tableName }));
      const { TimeToLiveDescription } = await table.client.send(
        new DescribeTimeToLiveCommand({ TableName: table.tableName }),
      );
      expect(TimeToLiveDescription).toMatchObject({ AttributeName: 'ttlAt' });
      expect(Table?.StreamSpecification).toEqual({ StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' });
      expect(Table?.KeySchema).toEqual([
        { AttributeName: 'leaseId', KeyType: 'HASH' },
        { AttributeName: 'row', KeyType: 'RANGE' },
      ]);
      expect(Table?.GlobalSecondaryIndexes?.map((index) => index.IndexName).sort()).toEqual(
        ['due', 'by-secret', 'by-caller', 'by-day', 'by-token'].sort(),
      );
      for (const index of Table?.GlobalSecondaryIndexes ?? []) {
        expect(index.Projection).toEqual({ ProjectionType: 'KEYS_ONLY' });
      }
    });

    it('finds a lease by the SHA-256 of its token', async () => {
      const lease = await created();
      const { Items } = await table.client.send(
        new QueryCommand({
          TableName: table.tableName,
          IndexName: LEASE_INDEXES.byToken,
          KeyConditionExpression: 'tokenSha256 = :sha256',
          ExpressionAttributeValues: { ':sha256': lease.tokenSha256 },
        }),
      );
      expect(Items).toEqual([{ leaseId: lease.id, row: 'lease', tokenSha256: lease.tokenSha256 }]);
    });

    it('is never scanned, is reached by few operations, and by no transaction where nothing is claimed', async () => {
      const watched = another();
      const attempts = record(watched.client);
      const store = storeOf(watched);
      const lease = leaseAt(NOW_MS, { dueAtMs: NOW_MS });
      await store.create(lease);
      await store.update(changed(lease, { attempts: 1 }));
      await store.get(lease.id);
      expect((await store.due(NOW_MS, { limit: 5 })).items).toEqual([lease.id]);
      for (const filter of [{}, { caller: lease.caller }, { secret: lease.secret }]) {
        expect((await store.list(filter, { limit: 5 })).items).toHaveLength(1);
      }
      expect(await store.countOpen({ target: lease.target })).toBe(1);
      expect((await store.listOpen({ limit: 5 })).items).toHaveLength(1);
      expect(await store.findByToken(lease.tokenSha256 as string)).toBe(lease.id);
      expect(await store.create(leaseAt(NOW_MS), { quotas: [] })).toBe('written');
      const closed = revoked(leaseAt(NOW_MS));
      expect(await store.update({ ...closed, counters: [] }, 'release')).toBe('conflict');
      expect(new Set(attempts.map((attempt) => attempt.operation))).toEqual(
        new Set(['PutItem', 'GetItem', 'Query', 'BatchGetItem']),
      );
    });
  });

  describe('a list', () => {
    /** One lease in each shard, in order of time. */
    function acrossShards(fromMs: number, overrides: (atMs: number) => Partial<Lease> = () => ({})): Lease[] {
      return Array.from({ length: SHARDS }, (_, shard) => {
        const issuedAtMs = fromMs + shard * 1_000;
        let lease = leaseAt(issuedAtMs, overrides(issuedAtMs));
        while (shardOf(lease.id) !== shard) lease = leaseAt(issuedAtMs, overrides(issuedAtMs));
        return lease;
      });
    }
    const idsOf = (leases: readonly Lease[]) => leases.map((lease) => lease.id);

    it('of due leases merges all shards in order, with one query for each', async () => {
      const leases = acrossShards(NOW_MS - DAY_MS, (atMs) => ({ dueAtMs: NOW_MS - 60_000 + (atMs % DAY_MS) / 1_000 }));
      for (const lease of leases) await created(lease);
      const watched = another();
      const attempts = record(watched.client);
      expect(await allItems((page) => storeOf(watched).due(NOW_MS * 2, page), 3)).toEqual(
        idsOf(leases.toSorted((a, b) => (a.dueAtMs as number) - (b.dueAtMs as number))),
      );
      expect(attempts).toHaveLength(3 * SHARDS);
    });

    it('of open leases goes from shard to shard, and reads no shard past the page', async () => {
      const leases = acrossShards(NOW_MS - DAY_MS);
      for (const lease of leases) await created(lease);
      expect(idsOf(await allItems((page) => storeOf(table).listOpen(page), 3)).sort()).toEqual(idsOf(leases));
      const watched = another();
      const attempts = record(watched.client);
      const { nextToken } = await storeOf(watched).listOpen({ limit: 3 });
      expect(attempts.map((attempt) => attempt.operation)).toEqual([
        'Query',
        'Query',
        'Query',
        'Query',
        'BatchGetItem',
      ]);
      attempts.length = 0;
      await storeOf(watched).listOpen({ limit: 1, nextToken: nextToken as string });
      expect(attempts.map((attempt) => attempt.operation)).toEqual(['Query', 'Query', 'Query', 'BatchGetItem']);
    });

    it('of open leases leaves out one that the index still calls open', async () => {
      const lease = await created();
      const faulty = another();
      inject(faulty.client, async ({ operation }, send) => {
        const answer = await send();
        if (operation === 'Query' && isNamedIn(answer))
          await storeOf(table).update({ ...revoked(lease), opId: anOpId() });
        return answer;
      });
      expect(await storeOf(faulty).listOpen({ limit: 5 })).toEqual({ items: [] });
    });

    it('of everybody’s leases goes back over days and shards, newest first', async () => {
      const leases = [...acrossShards(NOW_MS - 35 * DAY_MS), ...acrossShards(NOW_MS - DAY_MS), ...acrossShards(NOW_MS)];
      for (const lease of leases) await created(lease);
      for (const limit of [3, 100]) {
        expect(idsOf(await allItems((page) => storeOf(table).list({}, page), limit))).toEqual(idsOf(leases).reverse());
      }
    });

    it('of everybody’s leases looks back no further than it was told, a bounded number of queries a page', async () => {
      await created(leaseAt(NOW_MS - 60 * DAY_MS));
      const watched = another();
      const attempts = record(watched.client);
      expect(await allItems((page) => storeOf(watched, 40).list({}, page))).toEqual([]);
      expect(attempts.length).toBe(SHARDS * 41);
      attempts.length = 0;
      const page = await storeOf(watched, 10_000).list({}, { limit: 1 });
      expect(page.items).toEqual([]);
      expect(page.nextToken).toBeDefined();
      expect(attempts).toHaveLength(SHARDS * 32);
      expect(await allItems((page) => storeOf(table, 60).list({}, page))).toHaveLength(1);
    });

    it('of everybody’s leases looks at the first day in full, and at no other, when asked at midnight', async () => {
      const midnightMs = NOW_MS - (NOW_MS % DAY_MS);
      const watched = another();
      const attempts = record(watched.client);
      const atMidnight = { ...clock, nowMs: () => midnightMs };
      const store = dynamodbLeases({ ...watched, catalogTableName: 'none', clock: atMidnight, listedDays: 3 });
      const lease = await created(leaseAt(midnightMs - 3 * DAY_MS));
      expect(await allItems((page) => store.list({}, page))).toEqual([lease]);
      expect(attempts.filter(({ operation }) => operation === 'Query')).toHaveLength(SHARDS * 4);
    });

    it('of one caller or one secret looks back as far as there are leases, with one query', async () => {
      const lease = await created(leaseAt(NOW_MS - 300 * DAY_MS));
      const watched = another();
      const attempts = record(watched.client);
      for (const filter of [{ caller: lease.caller }, { secret: lease.secret }]) {
        expect((await storeOf(watched, 40).list(filter, { limit: 5 })).items).toEqual([lease]);
      }
      expect(attempts.filter(({ operation }) => operation === 'Query')).toHaveLength(2);
    });

    it('reads no more keys than it wants where the index decides, and 100 where it does not', async () => {
      const watched = another();
      const attempts = record(watched.client);
      const { caller, secret } = leaseAt(NOW_MS);
      const limitsOf = async (filter: LeaseFilter) => {
        attempts.length = 0;
        await storeOf(watched, 1).list(filter, { limit: 5 });
        return new Set(attempts.map(({ input }) => input.Limit));
      };
      for (const filter of [{}, { caller }, { secret }]) expect(await limitsOf(filter)).toEqual(new Set([6]));
      const narrowed: LeaseFilter[] = [{ caller, secret }, { status: 'active' }, { caller, status: 'active' }];
      for (const filter of narrowed) expect(await limitsOf(filter)).toEqual(new Set([101]));
    });

    it('gives no token with the last lease', async () => {
      const [caller, secret] = ['arn:aws:iam::111122223333:role/few', 'ci/few'];
      const leases = acrossShards(NOW_MS - DAY_MS, () => ({ caller, secret, dueAtMs: NOW_MS })).slice(0, 4);
      for (const lease of leases) await created(lease);
      const store = storeOf(table);
      for (const page of [
        await store.list({ caller }, { limit: 4 }),
        await store.list({ caller, secret }, { limit: 4 }),
        await store.due(NOW_MS, { limit: 4 }),
        await store.listOpen({ limit: 4 }),
      ]) {
        expect(page.items).toHaveLength(4);
        expect(page).not.toHaveProperty('nextToken');
      }
    });

    it('leaves out a lease that went, or is another’s, since the index was written', async () => {
      const [gone, kept] = [await created(), await created(leaseAt(NOW_MS - 1))];
      const stale = another();
      const indexed = [gone, kept].map((lease) => ({
        leaseId: lease.id,
        row: 'lease',
        issuedAt: `${String(lease.issuedAtMs).padStart(15, '0')}#${lease.id}`,
      }));
      inject(stale.client, async ({ operation }, send) =>
        operation === 'Query' ? { $metadata: {}, Items: indexed } : send(),
      );
      const Key = { leaseId: gone.id, row: 'lease' };
      await table.client.send(new DeleteCommand({ TableName: table.tableName, Key }));
      expect((await storeOf(stale).list({ caller: kept.caller }, { limit: 5 })).items).toEqual([kept]);
      expect((await storeOf(stale).list({ secret: kept.secret }, { limit: 5 })).items).toEqual([kept]);
      for (const filter of [{ caller: gone.caller }, { secret: gone.secret }]) {
        expect((await storeOf(stale).list(filter, { limit: 5 })).items).toEqual([]);
      }
    });

    it('of open leases, and their count, take in every answer where DynamoDB gives several', async () => {
      const [target, leases] = ['acme-bot', [] as Lease[]];
      for (let n = 0; n < 20; n++) leases.push(await created(leaseAt(NOW_MS - n, { target })));
      const narrow = another();
      narrow.client.middlewareStack.add(
        (next, context) => (args) =>
          next(
            context.commandName === 'QueryCommand' ? { ...args, input: { ...args.input, Limit: 1 } as never } : args,
          ),
        { step: 'serialize', priority: 'high', name: 'shortAnswers' },
      );
      expect(await storeOf(narrow).countOpen({ target })).toBe(20);
      expect(idsOf(await allItems((page) => storeOf(narrow).listOpen(page), 3)).sort()).toEqual(idsOf(leases).sort());
    });

    it('of open leases is refused past 12,500 of one shard: a part of them could end a target in use', async () => {
      const crowded = another();
      let open = 12_500;
      inject(crowded.client, async ({ operation }, send) => {
        if (operation !== 'Query') return send();
        const dueAt = (n: number) => `${String(NOW_MS).padStart(15, '0')}#01${String(n).padStart(24, '0')}`;
        return { $metadata: {}, Items: Array.from({ length: open }, (_, n) => ({ dueAt: dueAt(n) })) };
      });
      expect(await storeOf(crowded).listOpen({ limit: 1 })).toMatchObject({ items: [], nextToken: expect.any(String) });
      open += 1;
      await expect(storeOf(crowded).listOpen({ limit: 1 })).rejects.toThrow('more than 12500');
    });

    it('reads of a lease that it counts only what tells whether it counts', async () => {
      const lease = await created();
      const watched = another();
      const attempts = record(watched.client);
      expect(await storeOf(watched).countOpen({ target: lease.target })).toBe(1);
      const batch = attempts.find(({ operation }) => operation === 'BatchGetItem')?.input.RequestItems as Row;
      expect(batch[table.tableName]).toMatchObject({ ExpressionAttributeNames: { '#f0': 'target', '#f2': 'status' } });
    });

    it('takes in a lease that a clock some minutes ahead issued, past midnight too', async () => {
      const midnightMs = NOW_MS - (NOW_MS % DAY_MS) + DAY_MS;
      const lease = await created(leaseAt(midnightMs + 1_000));
      const nearMidnight = { ...clock, nowMs: () => midnightMs - 1_000 };
      const store = dynamodbLeases({ ...table, catalogTableName: 'none', clock: nearMidnight, listedDays: 1 });
      expect((await store.list({}, { limit: 5 })).items).toEqual([lease]);
    });

    it('fills a page of what matches although most of what it reads does not', async () => {
      const caller = 'arn:aws:iam::111122223333:role/busy';
      const closed = await created(leaseAt(NOW_MS - 1_000_000, { caller }));
      await storeOf(table).update(revoked(closed));
      await Promise.all(Array.from({ length: 130 }, (_, n) => created(leaseAt(NOW_MS - n, { caller }))));
      const page = await storeOf(table).list({ caller, status: 'revoked' }, { limit: 2 });
      expect(page).toEqual({ items: [expect.objectContaining({ id: closed.id, status: 'revoked' })] });
      const ofEverybody = await allItems((next) => storeOf(table).list({ status: 'revoked' }, next), 2);
      expect(idsOf(ofEverybody), 'behind more leases of one day than are read at a time').toEqual([closed.id]);
    });

    it('gains nothing from a made-up token: it only begins elsewhere in the same list', async () => {
      const lease = await created();
      const list = ['leases', undefined, undefined, undefined];
      const far = writePageToken(list, '999999999999999#~');
      expect((await storeOf(table).list({}, { limit: 5, nextToken: far })).items).toEqual([lease]);
      for (const cursor of ['', 'x', '999999999999999', `${'9'.repeat(99)}#~`]) {
        const nextToken = writePageToken(list, cursor);
        await expect(storeOf(table).list({}, { limit: 5, nextToken })).rejects.toMatchObject({ name: 'Failed' });
      }
    });

    it('is empty for a caller or secret that can have no lease', async () => {
      const watched = another();
      const attempts = record(watched.client);
      for (const filter of [{ caller: '' }, { caller: 'x'.repeat(2_049) }, { secret: '' }, { secret: 'A B' }]) {
        expect(await storeOf(watched).list(filter, { limit: 5 })).toEqual({ items: [] });
      }
      expect(attempts, 'DynamoDB would refuse such a key').toEqual([]);
    });

    it('takes callers of every length that a key may have', async () => {
      for (const caller of ['x', 'x'.repeat(2_048)]) {
        const lease = await created(leaseAt(NOW_MS, { caller }));
        expect((await storeOf(table).list({ caller }, { limit: 5 })).items).toEqual([lease]);
      }
    });

    it('reads again what DynamoDB left unread, with growing pauses', async () => {
      const caller = 'arn:aws:iam::111122223333:role/slow';
      const leases = [await created(leaseAt(NOW_MS - 1, { caller })), await created(leaseAt(NOW_MS - 2, { caller }))];
      const faulty = another();
      const Keys = leases.map((lease) => ({ leaseId: lease.id, row: 'lease' }));
      let tries = 0;
      inject(faulty.client, async ({ operation }, send) => {
        if (operation !== 'BatchGetItem' || tries++ > 1) return send();
        return { $metadata: {}, Responses: {}, UnprocessedKeys: { [table.tableName]: { Keys } } };
      });
      expect((await storeOf(faulty).list({ caller }, { limit: 5 })).items).toEqual(leases);
      expect(pausesMs).toEqual([50, 100]);
    });

    it('rejects when DynamoDB leaves rows unread again and again, and never shows a list with holes', async () => {
      const lease = await created();
      const faulty = another();
      const UnprocessedKeys = { [table.tableName]: { Keys: [{ leaseId: lease.id, row: 'lease' }] } };
      inject(faulty.client, async ({ operation }, send) =>
        operation === 'BatchGetItem' ? { $metadata: {}, UnprocessedKeys } : send(),
      );
      await expect(storeOf(faulty).list({ caller: lease.caller }, { limit: 5 })).rejects.toThrow('unread');
      expect(pausesMs).toEqual([50, 100, 200, 400, 800, 1_600]);
      await expect(storeOf(faulty).countOpen({ target: lease.target })).rejects.toThrow('unread');
    });
  });

  it('counts a lease that the index still calls open by what its row says', async () => {
    const lease = await created();
    const faulty = another();
    inject(faulty.client, async ({ operation }, send) => {
      const answer = await send();
      if (operation === 'Query' && isNamedIn(answer))
        await storeOf(table).update({ ...revoked(lease), opId: anOpId() });
      return answer;
    });
    expect(await storeOf(faulty).countOpen({ target: lease.target })).toBe(0);
  });
});
