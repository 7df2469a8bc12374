import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/ports/environment.ts';
import type { Counter, QuotaClaim, WriteOutcome } from '../../core/ports/leases.ts';
import { assertSchema, type DynamodbTable, readRow, replaceRow } from './rows.ts';
import { CATALOG_PARTITIONS } from './tables.ts';
import type { TransactItem } from './transaction.ts';

/** Counters of open leases in the catalog table: what a transaction may do to one, and reading and correcting it. */
export interface DynamodbCounters {
  /** Counts one more, if that is within the limit. */
  claim(quota: QuotaClaim): TransactItem;
  /** Counts one more. */
  take(counter: string): TransactItem;
  /** Counts one less, if there is one. */
  release(counter: string): TransactItem;
  /** Changes the version alone, for whoever is about to correct the counter by what they counted before. */
  touch(counter: string): TransactItem;
  read(counter: string): Promise<Counter | undefined>;
  correct(counter: string, open: number, version: number): Promise<WriteOutcome>;
}

export function dynamodbCounters(table: DynamodbTable, clock: Pick<Clock, 'nowMs'>): DynamodbCounters {
  const keyOf = (counter: string) => ({ partition: CATALOG_PARTITIONS.counter, entry: counter });

  function add(counter: string, by: 1 | 0 | -1, condition?: string, values: Record<string, number> = {}): TransactItem {
    return {
      Update: {
        TableName: table.tableName,
        Key: keyOf(counter),
        UpdateExpression: 'ADD #open :by, #version :one SET #schema = :one, #changedAtMs = :nowMs',
        ExpressionAttributeNames: {
          '#open': 'open',
          '#version': 'version',
          '#schema': 'schema',
          '#changedAtMs': 'changedAtMs',
        },
        ExpressionAttributeValues: { ':by': by, ':one': 1, ':nowMs': clock.nowMs(), ...values },
        ConditionExpression: condition,
      },
    };
  }

  return {
    // A counter that is not there has nothing open, which is room under any limit but 0.
    claim: ({ counter, most }) =>
      add(counter, 1, most > 0 ? '#open < :most OR attribute_not_exists(#open)' : '#open < :most', { ':most': most }),
    take: (counter) => add(counter, 1),
    release: (counter) => add(counter, -1, '#open > :zero', { ':zero': 0 }),
    touch: (counter) => add(counter, 0),
    async read(counter) {
      const row = await readRow(table, keyOf(counter));
      if (row === undefined) return undefined;
      assertSchema(row);
      const { open, version, changedAtMs } = row as unknown as Counter;
      return { open, version, changedAtMs };
    },
    correct: (counter, open, version) =>
      replaceRow(table, {
        ...keyOf(counter),
        schema: 1,
        open,
        version: version + 1,
        // Only to know this very write again when its reply was lost; what counts leases leaves it as it is.
        opId: randomUUID(),
        changedAtMs: clock.nowMs(),
      }),
  };
}
