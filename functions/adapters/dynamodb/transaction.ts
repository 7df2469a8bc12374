import { randomUUID } from 'node:crypto';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../core/ports/environment.ts';
import { AwsCallFailed, awsCall } from '../aws/call.ts';
import type { DynamodbTable, VersionedRow } from './rows.ts';

/** One write of a transaction. */
export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Puts a row that must not exist yet. */
export function putIfNew(table: DynamodbTable, row: VersionedRow): TransactItem {
  return {
    Put: {
      TableName: table.tableName,
      Item: { ...row },
      ConditionExpression: 'attribute_not_exists(#version)',
      ExpressionAttributeNames: { '#version': 'version' },
    },
  };
}

/** Puts a row in place of the version before it. */
export function putIfNext(table: DynamodbTable, row: VersionedRow): TransactItem {
  return {
    Put: {
      TableName: table.tableName,
      Item: { ...row },
      ConditionExpression: '#version = :before',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':before': row.version - 1 },
    },
  };
}

export interface TransactionOptions {
  readonly client: DynamoDBDocumentClient;
  readonly clock: Pick<Clock, 'sleep'>;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/**
 * Longest pauses between tries of a transaction that met another one on a row. They add up to less than 2 s: a counter lets one
 * transaction through at a time, each some 10 ms, and an API call has more to do than wait for it.
 */
export const CONFLICT_PAUSES_MS = [25, 50, 100, 200, 400, 400, 400, 400];

/** Reasons that pass by themselves. Source: DynamoDB API reference, TransactWriteItems, "Errors". */
const PASSING_REASONS = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];

const OPERATION = 'TransactWriteItems';

/**
 * Writes everything or nothing. The SDK's own repetition of a try whose reply was lost carries the token of that try, by which
 * DynamoDB knows it. Each further try has a token of its own, for the one before it was cancelled.
 *
 * @returns the parts whose conditions failed, in the order given, when nothing was written; none when all was.
 * @throws AwsCallFailed when it met other transactions or throttling at every try, and then nothing was written, or when the
 *   call failed, and then it is not known.
 */
export async function transact<T extends { readonly item: TransactItem }>(
  options: TransactionOptions,
  parts: readonly T[],
): Promise<readonly T[]> {
  for (let tries = 0; ; tries++) {
    const reasons = await attempt(options.client, parts);
    if (reasons === undefined) return [];
    const refused = parts.filter((_, index) => reasons[index] === 'ConditionalCheckFailed');
    if (refused.length > 0) return refused;
    const reason = reasons.find((code) => code !== 'None');
    const pauseMs = CONFLICT_PAUSES_MS[tries];
    const isPassing = reason !== undefined && PASSING_REASONS.includes(reason);
    if (!isPassing || pauseMs === undefined) {
      throw new AwsCallFailed(OPERATION, isPassing ? reason : 'TransactionCanceledException');
    }
    // At least half of it, or those who met once would often meet at once again.
    await options.clock.sleep((pauseMs / 2) * (1 + options.random()));
  }
}

/** Why each part was cancelled; undefined when all were written. */
function attempt(
  client: DynamoDBDocumentClient,
  parts: readonly { readonly item: TransactItem }[],
): Promise<readonly string[] | undefined> {
  const command = new TransactWriteCommand({
    TransactItems: parts.map(({ item }) => item),
    ClientRequestToken: randomUUID(),
  });
  return awsCall(OPERATION, async () => {
    try {
      await client.send(command);
      return undefined;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      return (error.CancellationReasons ?? []).map(({ Code }) => Code ?? 'None');
    }
  });
}
