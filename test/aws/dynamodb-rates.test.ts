import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamodbRates } from '../../functions/adapters/dynamodb/rates.ts';
import type { DynamodbTable } from '../../functions/adapters/dynamodb/rows.ts';
import { CATALOG_TABLE } from '../../functions/adapters/dynamodb/tables.ts';
import { canRunDynamodbLocal, type DynamodbLocal, startDynamodbLocal } from './dynamodb-local.ts';

/** Rows whose time to live is over would go under the tests' hands. */
const NOW_MS = Date.UTC(2099, 10, 21, 9, 0, 0);
const PACE = { everyMs: 1_000, burst: 5 };
const START_TIMEOUT_MS = 120_000;

describe.runIf(canRunDynamodbLocal())('the rates in DynamoDB', () => {
  let local: DynamodbLocal;
  let table: DynamodbTable;
  beforeAll(async () => {
    local = await startDynamodbLocal();
    table = await local.createTable(CATALOG_TABLE);
  }, START_TIMEOUT_MS);
  afterAll(() => local?.stop());

  /** Rates of one process, with the updates that it sends. */
  function process() {
    let updates = 0;
    const client: Pick<DynamodbTable['client'], 'send'> = {
      send: ((command: never) => {
        updates += 1;
        return table.client.send(command);
      }) as DynamodbTable['client']['send'],
    };
    const rates = dynamodbRates({ ...table, client: client as DynamodbTable['client'] });
    return { rates, sent: () => updates };
  }

  it('are a row with a time to live in a partition by the key’s first two digits', async () => {
    const key = 'ab'.padEnd(64, '0');
    await dynamodbRates(table).take(key, PACE, NOW_MS, 1);
    const Key = { partition: 'rate#ab', entry: key };
    const { Item } = await table.client.send(new GetCommand({ TableName: table.tableName, Key }));
    expect(Item).toEqual({ ...Key, fullMs: NOW_MS + 1_000, schema: 1, ttlAt: NOW_MS / 1_000 + 5 + 60 + 60 });
  });

  it('cost one update a request, of an idle caller and a busy one, and for the refusal', async () => {
    const key = 'cd'.padEnd(64, '0');
    const { rates, sent } = process();
    for (let times = 0; times < PACE.burst; times++) expect(await rates.take(key, PACE, NOW_MS, 1)).toBeUndefined();
    expect(await rates.take(key, PACE, NOW_MS, 1)).toBe(NOW_MS + 1_000);
    await rates.take(key, PACE, NOW_MS + 60_000, 1);
    expect(sent()).toBe(PACE.burst + 2);
  });

  it('cost a process that does not know a busy caller one update more, once', async () => {
    const key = 'ef'.padEnd(64, '0');
    await process().rates.take(key, PACE, NOW_MS, 1);
    const { rates, sent } = process();
    await rates.take(key, PACE, NOW_MS, 1);
    expect(sent()).toBe(2);
    await rates.take(key, PACE, NOW_MS, 1);
    expect(sent()).toBe(3);
  });

  it('let no more than the burst through to a crowd of processes, but for a few whose updates cross', async () => {
    const key = '01'.padEnd(64, '0');
    const taken = await Promise.all(Array.from({ length: 40 }, () => process().rates.take(key, PACE, NOW_MS, 1)));
    const passed = taken.filter((retryAtMs) => retryAtMs === undefined).length;
    expect(passed).toBeGreaterThanOrEqual(PACE.burst);
    expect(passed).toBeLessThanOrEqual(PACE.burst + 2);
  });

  it('reject where DynamoDB does, and say nothing of the key', async () => {
    const rates = dynamodbRates({ ...table, tableName: 'none-such' });
    await expect(rates.take('23'.padEnd(64, '0'), PACE, NOW_MS, 1)).rejects.toThrow(/^UpdateItem: \w+$/);
  });
});
