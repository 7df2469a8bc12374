import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe } from 'vitest';
import { dynamodbCatalog } from '../../functions/adapters/dynamodb/catalog.ts';
import { dynamodbLeases } from '../../functions/adapters/dynamodb/leases.ts';
import { dynamodbRates } from '../../functions/adapters/dynamodb/rates.ts';
import { dynamodbSessions } from '../../functions/adapters/dynamodb/sessions.ts';
import { CATALOG_TABLE, LEASE_TABLE } from '../../functions/adapters/dynamodb/tables.ts';
import { callerRatesContract } from '../contract/caller-rates.ts';
import { catalogContract } from '../contract/catalog.ts';
import { leaseStoreContract } from '../contract/lease-store.ts';
import { sessionStoreContract } from '../contract/session-store.ts';
import { storedLeasesContract } from '../contract/stored-leases.ts';
import { canRunDynamodbLocal, type DynamodbLocal, startDynamodbLocal } from './dynamodb-local.ts';
import { realClock } from './real-clock.ts';

/** The server is started once for all of them. */
const START_TIMEOUT_MS = 120_000;

describe.runIf(canRunDynamodbLocal())('over DynamoDB Local', () => {
  let local: DynamodbLocal;
  beforeAll(async () => {
    local = await startDynamodbLocal();
  }, START_TIMEOUT_MS);
  afterAll(() => local?.stop());
  const close = async () => {};

  leaseStoreContract('DynamoDB', async () => ({
    store: dynamodbLeases({
      ...(await local.createTable(LEASE_TABLE)),
      catalogTableName: (await local.createTable(CATALOG_TABLE)).tableName,
      clock: realClock,
      listedDays: 31,
    }),
    close,
  }));
  storedLeasesContract('DynamoDB', async () => {
    const table = await local.createTable(LEASE_TABLE);
    // What is listed was issued before.
    const clock = { ...realClock, nowMs: () => Date.UTC(2027, 5) };
    return {
      store: dynamodbLeases({ ...table, catalogTableName: 'none', clock, listedDays: 31 }),
      async plant({ lease: { id: _, ...fields }, dynamodb }) {
        const Item = { ...fields, ...dynamodb };
        await table.client.send(new PutCommand({ TableName: table.tableName, Item }));
      },
      close,
    };
  });
  catalogContract('DynamoDB', async () => ({
    catalog: dynamodbCatalog(await local.createTable(CATALOG_TABLE)),
    close,
  }));
  callerRatesContract('DynamoDB', async () => ({
    rates: dynamodbRates(await local.createTable(CATALOG_TABLE)),
    close,
  }));
  sessionStoreContract('DynamoDB', async () => ({
    store: dynamodbSessions(await local.createTable(CATALOG_TABLE)),
    close,
  }));
});
