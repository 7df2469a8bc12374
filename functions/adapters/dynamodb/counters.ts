import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/ports/environment.ts';
import type { Counter, QuotaClaim, WriteOutcome } from '../../core/ports/leases.ts';
import { assertSchema, type DynamodbTable, readRow, replaceRow } from './rows.ts';
import { CATALOG_PARTITIONS } from './tables.ts';
import type { TransactItem } from './transaction.ts';

/** Counters of open leases in the catalog table: the changes that a transaction may make, and reading and correcting them. */
export interface DynamodbCounters {
  /** Adds one, if that is within the limit. */
  claim(quota: QuotaClaim): TransactItem;
  /** Adds one. */
  take(counter: string): TransactItem;
  /** Subtracts one, if the counter is above 0. */
  release(counter: string): TransactItem;
  /** Changes only the version, so that a correction by an older count fails. */
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
    // A counter without a row has no open leases, so there is room under any limit except 0.
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
        // Only to recognise this write again if its reply was lost. Counting leases does not change it.
        opId: randomUUID(),
        changedAtMs: clock.nowMs(),
      }),
  };
}
