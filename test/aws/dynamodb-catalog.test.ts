import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamodbCatalog } from '../../functions/adapters/dynamodb/catalog.ts';
import type { DynamodbTable } from '../../functions/adapters/dynamodb/rows.ts';
import { dynamodbSessions } from '../../functions/adapters/dynamodb/sessions.ts';
import { dynamodbSweepMark } from '../../functions/adapters/dynamodb/sweep-mark.ts';
import { CATALOG_PARTITIONS, CATALOG_TABLE } from '../../functions/adapters/dynamodb/tables.ts';
import { anOpId, aSecret, aSessionRecord, aTarget } from '../contract/builders.ts';
import { canRunDynamodbLocal, type DynamodbLocal, startDynamodbLocal } from './dynamodb-local.ts';
import { inject, loseReplies, record } from './faults.ts';

const START_TIMEOUT_MS = 120_000;

describe.runIf(canRunDynamodbLocal())('the catalog in DynamoDB', () => {
  let local: DynamodbLocal;
  let table: DynamodbTable;
  beforeAll(async () => {
    local = await startDynamodbLocal();
  }, START_TIMEOUT_MS);
  afterAll(() => local?.stop());
  beforeEach(async () => {
    table = await local.createTable(CATALOG_TABLE);
  });
  const another = (): DynamodbTable => ({ ...table, client: local.client() });

  it('recognises its own writes when their replies are lost, of secrets, targets and sessions', async () => {
    const faulty = another();
    const [catalog, sessions] = [dynamodbCatalog(faulty), dynamodbSessions(faulty)];
    const [secret, target, session] = [aSecret(), aTarget(), aSessionRecord()];
    for (const version of [1, 2]) {
      const stamp = { version, opId: anOpId() };
      for (const write of [
        () => catalog.putSecret({ ...secret, ...stamp }),
        () => catalog.putTarget({ ...target, ...stamp }),
        () => sessions.write({ ...session, ...stamp }),
      ]) {
        const attempts = loseReplies(faulty.client, 'PutItem', 1);
        expect(await write()).toBe('written');
        expect(attempts).toHaveLength(2);
      }
    }
    expect(await catalog.getSecret(secret.name)).toMatchObject({ version: 2 });
    expect(await sessions.read(session.target)).toMatchObject({ version: 2 });
  });

  it('takes a delete whose reply was lost for done', async () => {
    const faulty = another();
    const catalog = dynamodbCatalog(faulty);
    const secret = aSecret();
    await catalog.putSecret(secret);
    const attempts = loseReplies(faulty.client, 'DeleteItem', 1);
    expect(await catalog.deleteSecret(secret.name, 1)).toBe('written');
    expect(attempts).toHaveLength(2);
    expect(await catalog.getSecret(secret.name)).toBeUndefined();
  });

  it('keeps secrets, targets and sessions in partitions that a policy can tell apart', async () => {
    const name = 'ci/release';
    await dynamodbCatalog(table).putSecret(aSecret({ name }));
    await dynamodbCatalog(table).putTarget(aTarget({ name }));
    await dynamodbSessions(table).write(aSessionRecord({ target: name }));
    for (const kind of ['secret', 'target', 'session'] as const) {
      const partition = CATALOG_PARTITIONS[kind];
      const { Items } = await table.client.send(
        new QueryCommand({
          TableName: table.tableName,
          KeyConditionExpression: '#partition = :partition',
          ExpressionAttributeNames: { '#partition': 'partition' },
          ExpressionAttributeValues: { ':partition': partition },
        }),
      );
      expect(Items).toEqual([expect.objectContaining({ partition, entry: name, schema: 1 })]);
    }
  });

  it('finds the secrets of a target behind more rows than one answer of DynamoDB holds', async () => {
    const catalog = dynamodbCatalog(table);
    for (let n = 10; n < 30; n++) await catalog.putSecret(aSecret({ name: `ci/${n}` }));
    const last = aSecret({ name: 'ci/99', target: 'acme' });
    await catalog.putSecret(last);
    const narrow = another();
    const attempts = record(narrow.client);
    // Four rows to an answer, in place of the 1 MB at which DynamoDB ends one.
    narrow.client.middlewareStack.add((next) => (args) => next({ ...args, input: { ...args.input, Limit: 4 } }), {
      step: 'serialize',
      priority: 'high',
      name: 'shortAnswers',
    });
    const listing = { target: 'acme' };
    expect(await dynamodbCatalog(narrow).listSecrets(listing, { limit: 1 })).toEqual({ items: [last] });
    expect(attempts).toHaveLength(6);
    const names = (await dynamodbCatalog(narrow).listSecrets({}, { limit: 20 })).items.map((secret) => secret.name);
    expect(names).toEqual(Array.from({ length: 20 }, (_, n) => `ci/${10 + n}`));
  });

  it('ends a list that takes too many answers by a failure, never by a part of it', async () => {
    const endless = another();
    let answers = 0;
    inject(endless.client, async () => {
      answers += 1;
      return { $metadata: {}, Items: [], LastEvaluatedKey: { partition: 'secret', entry: `ci/${answers}` } };
    });
    await expect(dynamodbCatalog(endless).listSecrets({ target: 'acme' }, { limit: 5 })).rejects.toThrow(
      'more entries',
    );
    expect(answers).toBe(50);
  });

  it('asks for no more rows than the page needs, unless it has to look for those of a target', async () => {
    const watched = another();
    const attempts = record(watched.client);
    await dynamodbCatalog(watched).listSecrets({ prefix: 'ci' }, { limit: 5 });
    await dynamodbCatalog(watched).listSecrets({ target: 'acme' }, { limit: 5 });
    expect(attempts.filter(({ operation }) => operation === 'Query').map(({ input }) => input.Limit)).toEqual([
      6,
      undefined,
    ]);
  });

  it('keeps where a sweep stopped until it went on, and begins anew when it cannot tell', async () => {
    const mark = dynamodbSweepMark(table);
    expect(await mark.read()).toEqual({});
    for (const place of [
      { resumeAfter: 'acme-bot' },
      { leftOver: ['b', 'a'] },
      { resumeAfter: 'c', leftOver: ['a'] },
    ]) {
      await mark.write(place);
      expect(await mark.read()).toEqual(place);
    }
    await mark.write({});
    expect(await mark.read()).toEqual({});
    const Key = { partition: CATALOG_PARTITIONS.sweep, entry: 'mark' };
    expect(await table.client.send(new GetCommand({ TableName: table.tableName, Key }))).not.toHaveProperty('Item');
    const Item = { ...Key, schema: 1, resumeAfter: 7, leftOver: ['a', 7] };
    await table.client.send(new PutCommand({ TableName: table.tableName, Item }));
    expect(await mark.read()).toEqual({});
  });

  it('lists what was written a moment before: every read is strongly consistent', async () => {
    const watched = another();
    const attempts = record(watched.client);
    const catalog = dynamodbCatalog(watched);
    await catalog.listSecrets({ prefix: 'ci', target: 'acme' }, { limit: 5 });
    await catalog.listTargets({}, { limit: 5 });
    await catalog.getTarget('acme');
    await dynamodbSessions(watched).read('acme');
    expect(attempts.map(({ input }) => input.ConsistentRead)).toEqual(attempts.map(() => true));
  });

  it('is never scanned, and is reached by few operations', async () => {
    const watched = another();
    const attempts = record(watched.client);
    const [catalog, sessions] = [dynamodbCatalog(watched), dynamodbSessions(watched)];
    const [secret, session] = [aSecret(), aSessionRecord()];
    await catalog.putSecret(secret);
    await catalog.listSecrets({ prefix: secret.name }, { limit: 5 });
    await catalog.listSecrets({ target: secret.target }, { limit: 5 });
    await catalog.listTargets({}, { limit: 5 });
    await catalog.deleteSecret(secret.name, 1);
    await sessions.write(session);
    await sessions.read(session.target);
    await sessions.remove(session.target);
    expect(new Set(attempts.map((attempt) => attempt.operation))).toEqual(
      new Set(['PutItem', 'GetItem', 'Query', 'DeleteItem']),
    );
  });

  it('is not asked for what is no name', async () => {
    const watched = another();
    const attempts = record(watched.client);
    const [catalog, sessions] = [dynamodbCatalog(watched), dynamodbSessions(watched)];
    for (const name of ['', '..', 'A', 'a'.repeat(5_000), 'a/b/c/d/e', '__proto__']) {
      expect(await catalog.getSecret(name)).toBeUndefined();
      expect(await catalog.getTarget(name)).toBeUndefined();
      expect(await sessions.read(name)).toBeUndefined();
      expect(await catalog.listSecrets({ prefix: name }, { limit: 5 })).toEqual({ items: [] });
    }
    expect(attempts).toEqual([]);
  });
});
