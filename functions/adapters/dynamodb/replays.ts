import type { ReplayRecord } from '../../core/ports/leases.ts';
import { assertSchema, type DynamodbTable, readRow } from './rows.ts';
import { CATALOG_PARTITIONS } from './tables.ts';
import { putIfNew, putIfNext, type TransactItem } from './transaction.ts';

/** A hex SHA-256. */
const REPLAY_ID = /^[0-9a-f]{64}$/;

/** Records of callers' keys in the catalog table, deleted by DynamoDB some time after `ttlAtMs`. */
export interface DynamodbReplays {
  /** Puts the record in the place of the one before it. */
  put(record: ReplayRecord): TransactItem;
  read(id: string): Promise<ReplayRecord | undefined>;
}

export function dynamodbReplays(table: DynamodbTable): DynamodbReplays {
  const keyOf = (id: string) => ({ partition: CATALOG_PARTITIONS.replay, entry: id });
  return {
    put(record) {
      const row = { ...record, ...keyOf(record.id), schema: 1, ttlAt: Math.ceil(record.ttlAtMs / 1_000) };
      return record.version === 1 ? putIfNew(table, row) : putIfNext(table, row);
    },
    async read(id) {
      const row = REPLAY_ID.test(id) ? await readRow(table, keyOf(id)) : undefined;
      if (row === undefined) return undefined;
      assertSchema(row);
      const { partition, entry, schema, ttlAt, ...fields } = row;
      return fields as unknown as ReplayRecord;
    },
  };
}
