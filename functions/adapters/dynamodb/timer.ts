import type { Backstop } from '../../core/ports/triggers.ts';
import { type DynamodbTable, overwriteRow } from './rows.ts';
import { TIMER_ROW } from './tables.ts';

/**
 * The slower trigger: a row beside the lease that DynamoDB deletes some time after `atMs`, typically within minutes and promised
 * only within days. The deletion's stream record starts the revoker (see `expiredTimer`).
 *
 * The row is written without a condition, so the last of two writers wins. A lost row does no harm, because the revoker reads the
 * lease, and the sweep finds due leases.
 */
export function dynamodbTimer(table: DynamodbTable): Backstop {
  return {
    arm: (leaseId, atMs) => overwriteRow(table, { leaseId, row: TIMER_ROW, schema: 1, ttlAt: Math.ceil(atMs / 1_000) }),
  };
}
