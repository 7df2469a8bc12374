import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { ulid } from 'ulid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dynamodbLeases } from '../../functions/adapters/dynamodb/leases.ts';
import type { DynamodbTable } from '../../functions/adapters/dynamodb/rows.ts';
import { LEASE_TABLE } from '../../functions/adapters/dynamodb/tables.ts';
import { dynamodbTimer } from '../../functions/adapters/dynamodb/timer.ts';
import { expiredTimer } from '../../functions/adapters/dynamodb/ttl-record.ts';
import { aLease } from '../contract/builders.ts';
import { canRunDynamodbLocal, type DynamodbLocal, startDynamodbLocal } from './dynamodb-local.ts';
import { loseReplies } from './faults.ts';
import { realClock } from './real-clock.ts';

const START_TIMEOUT_MS = 120_000;

/** DynamoDB Local deletes what has expired every few seconds. */
const DELETION_TIMEOUT_MS = 60_000;
const DELETION_POLL_MS = 250;

describe.runIf(canRunDynamodbLocal())('the timer row in DynamoDB', () => {
  let local: DynamodbLocal;
  let table: DynamodbTable;
  beforeAll(async () => {
    local = await startDynamodbLocal();
  }, START_TIMEOUT_MS);
  afterAll(() => local?.stop());
  beforeEach(async () => {
    table = await local.createTable(LEASE_TABLE);
  });

  async function timerOf(leaseId: string) {
    const Key = { leaseId, row: 'timer' };
    return (await table.client.send(new GetCommand({ TableName: table.tableName, Key }))).Item;
  }

  it('holds its lease, its schema and when it ends, in whole seconds and never early', async () => {
    const leaseId = ulid();
    await dynamodbTimer(table).arm(leaseId, 1_800_000_000_001);
    expect(await timerOf(leaseId)).toEqual({ leaseId, row: 'timer', schema: 1, ttlAt: 1_800_000_001 });
  });

  it('moves when it is armed again, and is armed although the reply was lost', async () => {
    const leaseId = ulid();
    const faulty = { ...table, client: local.client() };
    const attempts = loseReplies(faulty.client, 'PutItem', 1);
    await dynamodbTimer(faulty).arm(leaseId, 1_800_000_000_000);
    expect(attempts).toHaveLength(2);
    await dynamodbTimer(table).arm(leaseId, 1_900_000_000_000);
    expect(await timerOf(leaseId)).toMatchObject({ ttlAt: 1_900_000_000 });
  });

  it('is in no index, and leaves its lease as it is', async () => {
    const lease = aLease();
    const store = dynamodbLeases({ ...table, catalogTableName: 'none', clock: realClock, listedDays: 1 });
    await store.create(lease);
    await dynamodbTimer(table).arm(lease.id, lease.expiresAtMs);
    expect(await store.get(lease.id)).toEqual(lease);
    const { Items } = await table.client.send(
      new QueryCommand({
        TableName: table.tableName,
        IndexName: 'by-caller',
        KeyConditionExpression: 'caller = :caller',
        ExpressionAttributeValues: { ':caller': lease.caller },
      }),
    );
    expect(Items).toEqual([expect.objectContaining({ leaseId: lease.id, row: 'lease' })]);
  });

  it(
    'is deleted once it has run out, while the lease stays, and the stream tells which lease it was',
    async () => {
      // DynamoDB Local 3.3.1 does not delete a timer row from a table that has indexes, as DynamoDB does.
      table = await local.createTable({ ...LEASE_TABLE, indexes: [] });
      const lease = aLease();
      const store = dynamodbLeases({ ...table, catalogTableName: 'none', clock: realClock, listedDays: 1 });
      await store.create(lease);
      await dynamodbTimer(table).arm(lease.id, Date.now() - 1_000);
      const records = await recordsUntilRemoval(local, table.tableName);
      expect(records.map(expiredTimer).filter((leaseId) => leaseId !== undefined)).toEqual([lease.id]);
      expect(await timerOf(lease.id)).toBeUndefined();
      expect(await store.get(lease.id)).toEqual(lease);
    },
    DELETION_TIMEOUT_MS + 10_000,
  );
});

/**
 * Reads a table's stream until a row was removed. DynamoDB Local leaves out who removed it, and names the event as the SDK does
 * not know it; both are put in as DynamoDB documents them.
 */
async function recordsUntilRemoval(local: DynamodbLocal, TableName: string): Promise<DynamoDBRecord[]> {
  const streams = new DynamoDBStreamsClient(local.config);
  try {
    const { Streams } = await streams.send(new ListStreamsCommand({ TableName }));
    const StreamArn = Streams?.[0]?.StreamArn;
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
    const ShardId = StreamDescription?.Shards?.[0]?.ShardId;
    const { ShardIterator } = await streams.send(
      new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    for (let waitedMs = 0; waitedMs < DELETION_TIMEOUT_MS; waitedMs += DELETION_POLL_MS) {
      const { Records } = await streams.send(new GetRecordsCommand({ ShardIterator }));
      const records = (Records ?? []).map((record): DynamoDBRecord => {
        const isRemoval = record.dynamodb?.NewImage === undefined;
        return {
          ...(record as DynamoDBRecord),
          ...(isRemoval && {
            eventName: 'REMOVE',
            userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
          }),
        };
      });
      if (records.some((record) => record.eventName === 'REMOVE')) return records;
      await realClock.sleep(DELETION_POLL_MS);
    }
    throw new Error('no row was removed');
  } finally {
    streams.destroy();
  }
}
