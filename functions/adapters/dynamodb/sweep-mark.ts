import type { SweepPlace } from '../../core/sweeping/sweep-turns.ts';
import { type DynamodbTable, overwriteRow, readRow, removeRow } from './rows.ts';
import { CATALOG_PARTITIONS } from './tables.ts';

/** Where a sweep that ran out of time stopped, so that the next one continues there. */
export interface SweepMark {
  /** Empty: begin with the first target. */
  read(): Promise<SweepPlace>;
  write(place: SweepPlace): Promise<void>;
}

/** The mark in the catalog table. If it is lost, or if two sweeps run at once, a target only waits for the next sweep. */
export function dynamodbSweepMark(table: DynamodbTable): SweepMark {
  const key = { partition: CATALOG_PARTITIONS.sweep, entry: 'mark' };
  return {
    async read() {
      const { resumeAfter, leftOver } = (await readRow(table, key)) ?? {};
      return {
        ...(typeof resumeAfter === 'string' && { resumeAfter }),
        ...(isNames(leftOver) && { leftOver }),
      };
    },
    write: ({ resumeAfter, leftOver }) =>
      resumeAfter === undefined && leftOver === undefined
        ? removeRow(table, key)
        : overwriteRow(table, {
            ...key,
            schema: 1,
            ...(resumeAfter !== undefined && { resumeAfter }),
            ...(leftOver !== undefined && { leftOver: [...leftOver] }),
          }),
  };
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}
