import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../core/ports/environment.ts';
import type { WriteOutcome } from '../../core/ports/leases.ts';
import { awsCall, failedWith } from '../aws/call.ts';

/** One table, and the client that reaches it. */
export interface DynamodbTable {
  readonly client: DynamoDBDocumentClient;
  readonly tableName: string;
}

export type Row = Readonly<Record<string, unknown>>;

/** A row with the id of the write that made it. */
export interface VersionedRow extends Row {
  readonly version: number;
  readonly opId: string;
}

/** Maximum keys of one BatchGetItem. Source: DynamoDB API reference, BatchGetItem. */
const BATCH_MAX_KEYS = 100;

/** Maximum tries to read one batch completely. The pauses before the last one are about 3 s in total. */
const BATCH_MAX_TRIES = 7;
const BATCH_FIRST_PAUSE_MS = 50;

/**
 * Writes a row that must not exist yet. If a reply is lost, the SDK retries the write. The retry finds its own row, which must
 * not count as a conflict. This is the reason for the second half of the condition, here and in `replaceRow`.
 */
export function createRow(table: DynamodbTable, row: VersionedRow): Promise<WriteOutcome> {
  return putIf(table, row, 'attribute_not_exists(#version) OR (#opId = :opId AND #version = :version)', {
    ':opId': row.opId,
    ':version': row.version,
  });
}

/** Writes a row in place of the version before it. Never creates one. */
export function replaceRow(table: DynamodbTable, row: VersionedRow): Promise<WriteOutcome> {
  return putIf(table, row, '#version = :before OR (#opId = :opId AND #version = :version)', {
    ':opId': row.opId,
    ':version': row.version,
    ':before': row.version - 1,
  });
}

function putIf(table: DynamodbTable, row: Row, condition: string, values: Row): Promise<WriteOutcome> {
  return outcomeOf('PutItem', () =>
    table.client.send(
      new PutCommand({
        TableName: table.tableName,
        Item: { ...row },
        ConditionExpression: condition,
        ExpressionAttributeNames: { '#version': 'version', '#opId': 'opId' },
        ExpressionAttributeValues: { ...values },
      }),
    ),
  );
}

/** Removes a row if it has this version; `written` also when there is none. */
export function deleteRow(table: DynamodbTable, key: Row, version: number): Promise<WriteOutcome> {
  return outcomeOf('DeleteItem', () =>
    table.client.send(
      new DeleteCommand({
        TableName: table.tableName,
        Key: { ...key },
        ConditionExpression: 'attribute_not_exists(#version) OR #version = :version',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':version': version },
      }),
    ),
  );
}

async function outcomeOf(operation: string, write: () => Promise<unknown>): Promise<WriteOutcome> {
  try {
    await awsCall(operation, write);
    return 'written';
  } catch (error) {
    if (failedWith(error, 'ConditionalCheckFailedException')) return 'conflict';
    throw error;
  }
}

/** Reads one row, strongly consistent. */
export async function readRow(table: DynamodbTable, key: Row): Promise<Row | undefined> {
  const { Item } = await awsCall('GetItem', () =>
    table.client.send(new GetCommand({ TableName: table.tableName, Key: { ...key }, ConsistentRead: true })),
  );
  return Item;
}

/**
 * Reads many rows, strongly consistent, so that rows are current even if their keys come from an index that lags. In any order.
 * Missing rows are left out.
 *
 * @param keys distinct.
 * @param fields default: all.
 * @throws Error if DynamoDB leaves keys unread at every try.
 */
export async function readRows(
  table: DynamodbTable,
  clock: Pick<Clock, 'sleep'>,
  keys: readonly Row[],
  fields?: readonly string[],
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let start = 0; start < keys.length; start += BATCH_MAX_KEYS) {
    rows.push(...(await readBatch(table, clock, keys.slice(start, start + BATCH_MAX_KEYS), fields)));
  }
  return rows;
}

async function readBatch(
  table: DynamodbTable,
  clock: Pick<Clock, 'sleep'>,
  keys: readonly Row[],
  fields: readonly string[] | undefined,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let unread: readonly Row[] = keys;
  for (let tries = 0; tries < BATCH_MAX_TRIES; tries++) {
    // For the SDK, an incomplete answer is not an error, so it does not retry.
    if (tries > 0) await clock.sleep(BATCH_FIRST_PAUSE_MS * 2 ** (tries - 1));
    const request = new BatchGetCommand({
      RequestItems: {
        [table.tableName]: {
          Keys: unread.map((key) => ({ ...key })),
          ConsistentRead: true,
          // Every name is a placeholder, because `status` and others are reserved words.
          ...(fields && {
            ProjectionExpression: fields.map((_, index) => `#f${index}`).join(', '),
            ExpressionAttributeNames: Object.fromEntries(fields.map((field, index) => [`#f${index}`, field])),
          }),
        },
      },
    });
    const { Responses, UnprocessedKeys } = await awsCall('BatchGetItem', () => table.client.send(request));
    rows.push(...(Responses?.[table.tableName] ?? []));
    unread = UnprocessedKeys?.[table.tableName]?.Keys ?? [];
    if (unread.length === 0) return rows;
  }
  throw new Error(`DynamoDB left ${unread.length} of ${keys.length} rows unread ${BATCH_MAX_TRIES} times`);
}

/** Reads one answer with rows or index keys of one partition. */
export async function queryRows(table: DynamodbTable, query: Omit<QueryCommandInput, 'TableName'>) {
  const { Items, LastEvaluatedKey } = await awsCall('Query', () =>
    table.client.send(new QueryCommand({ TableName: table.tableName, ...query })),
  );
  return { rows: (Items ?? []) as readonly Row[], more: LastEvaluatedKey };
}

/** Writes a row over whatever is there. */
export async function overwriteRow(table: DynamodbTable, row: Row): Promise<void> {
  await awsCall('PutItem', () => table.client.send(new PutCommand({ TableName: table.tableName, Item: { ...row } })));
}

/** Removes a row, if there is one. */
export async function removeRow(table: DynamodbTable, key: Row): Promise<void> {
  await awsCall('DeleteItem', () =>
    table.client.send(new DeleteCommand({ TableName: table.tableName, Key: { ...key } })),
  );
}

/** Checks the schema of a stored row. A row of an unknown schema is refused. */
export function assertSchema(row: Row): void {
  if (row.schema !== 1) throw new Error(`expected a row of schema 1, got ${String(row.schema).slice(0, 10)}`);
}
