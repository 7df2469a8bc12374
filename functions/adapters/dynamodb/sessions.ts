import { isName } from '../../core/model/name.ts';
import type { SessionRecord, SessionStore } from '../../core/ports/sessions.ts';
import { assertSchema, createRow, type DynamodbTable, readRow, removeRow, replaceRow } from './rows.ts';
import { CATALOG_PARTITIONS } from './tables.ts';

/** Docker Hub sessions in the catalog table: one row per target, whose bearer is sealed before it gets here. */
export function dynamodbSessions(table: DynamodbTable): SessionStore {
  const keyOf = (target: string) => ({ partition: CATALOG_PARTITIONS.session, entry: target });
  return {
    async read(target) {
      const row = isName(target) ? await readRow(table, keyOf(target)) : undefined;
      if (row === undefined) return undefined;
      assertSchema(row);
      const { partition, entry, schema, ...fields } = row;
      return fields as unknown as SessionRecord;
    },
    write(record) {
      const row = { ...record, ...keyOf(record.target), schema: 1 };
      return record.version === 1 ? createRow(table, row) : replaceRow(table, row);
    },
    remove: (target) => removeRow(table, keyOf(target)),
  };
}
