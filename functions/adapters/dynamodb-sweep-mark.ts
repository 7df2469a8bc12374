import { type DynamodbTable, overwriteRow, readRow, removeRow } from './dynamodb-rows.ts';
import { CATALOG_PARTITIONS } from './tables.ts';

/** Where a sweep that ran out of time stopped, for the next to go on from. */
export interface SweepMark {
  /** The last target that was looked at; undefined to begin with the first. */
  read(): Promise<string | undefined>;
  write(resumeAfter: string | undefined): Promise<void>;
}

/** The mark in the catalog table. Losing it, or two sweeps at once, only means that a target waits for the next round. */
export function dynamodbSweepMark(table: DynamodbTable): SweepMark {
  const key = { partition: CATALOG_PARTITIONS.sweep, entry: 'mark' };
  return {
    async read() {
      const { resumeAfter } = (await readRow(table, key)) ?? {};
      return typeof resumeAfter === 'string' ? resumeAfter : undefined;
    },
    write: (resumeAfter) =>
      resumeAfter === undefined ? removeRow(table, key) : overwriteRow(table, { ...key, schema: 1, resumeAfter }),
  };
}
