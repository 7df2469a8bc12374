import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { boundsOf, type Pace } from '../../core/model/pace.ts';
import type { CallerRates } from '../../core/ports/caller-rates.ts';
import { awsCall } from '../aws/call.ts';
import type { DynamodbTable } from './rows.ts';
import { ratePartition } from './tables.ts';

/** After this many conflicting writes, a request passes. */
const MAX_TRIES = 3;
/** Maximum keys whose number this process remembers, to guess which of the two writes will succeed. */
const MAX_KNOWN = 10_000;
/** A row is deleted this long after it has become meaningless. */
const KEPT_SECONDS = 60;

/** The number after a write, or the stored number if the write's condition failed; undefined for no row. */
type Outcome = { readonly written: number } | { readonly found: number | undefined };

/**
 * Paces as one number in a row of the catalog table. An expression cannot take the larger of two numbers, so there are two
 * writes: one for a pace that is idle and one for a busy one. A process first tries the one that it expects to succeed. If the
 * condition fails, the stored number shows which write will succeed, or that there is no room. Actions: UpdateItem.
 */
export function dynamodbRates(table: DynamodbTable): CallerRates {
  const known = new Map<string, number>();

  function learn(key: string, fullMs: number): void {
    known.delete(key);
    known.set(key, fullMs);
    const oldest = known.keys().next();
    if (known.size > MAX_KNOWN && !oldest.done) known.delete(oldest.value);
  }

  async function write(key: string, pace: Pace, nowMs: number, count: number, isBusy: boolean): Promise<Outcome> {
    const { freshMs, roomMs, believedMs } = boundsOf(pace, nowMs, count);
    const values = isBusy
      ? { ':nowMs': nowMs, ':costMs': count * pace.everyMs, ':roomMs': roomMs }
      : { ':nowMs': nowMs, ':freshMs': freshMs, ':believedMs': believedMs };
    const command = new UpdateCommand({
      TableName: table.tableName,
      Key: { partition: ratePartition(key), entry: key },
      UpdateExpression: `SET #fullMs = ${isBusy ? '#fullMs + :costMs' : ':freshMs'}, #ttlAt = :ttlAt, #schema = :schema`,
      ConditionExpression: isBusy
        ? '#fullMs > :nowMs AND #fullMs <= :roomMs'
        : 'attribute_not_exists(#fullMs) OR #fullMs <= :nowMs OR #fullMs > :believedMs',
      ExpressionAttributeNames: { '#fullMs': 'fullMs', '#ttlAt': 'ttlAt', '#schema': 'schema' },
      ExpressionAttributeValues: { ...values, ':ttlAt': Math.ceil(believedMs / 1_000) + KEPT_SECONDS, ':schema': 1 },
      ReturnValues: 'UPDATED_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return awsCall('UpdateItem', async () => {
      try {
        const { Attributes } = await table.client.send(command);
        return { written: Attributes?.fullMs as number };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const found = error.Item?.fullMs?.N;
        return { found: found === undefined ? undefined : Number(found) };
      }
    });
  }

  return {
    async take(key, pace, nowMs, count) {
      const { roomMs, believedMs } = boundsOf(pace, nowMs, count);
      let isBusy = (known.get(key) ?? 0) > nowMs;
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const outcome = await write(key, pace, nowMs, count, isBusy);
        if ('written' in outcome) {
          learn(key, outcome.written);
          return undefined;
        }
        const { found = 0 } = outcome;
        isBusy = found > nowMs && found <= believedMs;
        if (isBusy && found > roomMs) {
          learn(key, found);
          return nowMs + found - roomMs;
        }
      }
      return undefined;
    },
  };
}
