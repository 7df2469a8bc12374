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
 * Longest pauses between tries of a transaction that collided with another one. They are less than 2 s in total. A counter allows
 * one transaction at a time, each about 10 ms, and an API call needs its time for other work, too.
 */
export const CONFLICT_PAUSES_MS = [25, 50, 100, 200, 400, 400, 400, 400];

/** Temporary reasons. Source: DynamoDB API reference, TransactWriteItems, "Errors". */
const PASSING_REASONS = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];

const OPERATION = 'TransactWriteItems';

/**
 * Writes everything or nothing. If a reply is lost, the SDK's own retry has the same token, so DynamoDB recognises it. Each
 * further try has a new token, because the try before it was cancelled.
 *
 * @returns the parts whose conditions failed, in the given order, if nothing was written; none if all was written.
 * @throws AwsCallFailed if every try collided or was throttled (then nothing was written), or if the call failed (then this is
 *   unknown).
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
    // At least half of it. Otherwise, transactions that collided once would often collide again.
    await options.clock.sleep((pauseMs / 2) * (1 + options.random()));
  }
}

/** Why each part was cancelled; undefined if all were written. */
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
