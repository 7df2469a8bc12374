import type { DynamoDBRecord } from 'aws-lambda';
import { LEASE_ID } from './lease-row.ts';
import { TIMER_ROW } from './tables.ts';

/**
 * Returns the lease whose timer ran out, if a record of the lease table's stream is DynamoDB's own deletion of a timer row;
 * undefined for every other record: an insert, a change, a lease row that was kept long enough, a timer deleted by a person.
 *
 * Only keys are read. The deleted row's content is never trusted, because the revoker reads the lease. Source: DynamoDB Developer
 * Guide, "DynamoDB Streams and Time to Live": `userIdentity` has type `Service` and principalId `dynamodb.amazonaws.com`.
 */
export function expiredTimer(record: DynamoDBRecord): string | undefined {
  const by: { readonly type?: unknown; readonly principalId?: unknown } | null | undefined = record.userIdentity;
  const keys = record.dynamodb?.Keys;
  const leaseId = keys?.leaseId?.S;
  const isTimeToLive =
    record.eventName === 'REMOVE' && by?.type === 'Service' && by.principalId === 'dynamodb.amazonaws.com';
  return isTimeToLive && keys?.row?.S === TIMER_ROW && leaseId !== undefined && LEASE_ID.test(leaseId)
    ? leaseId
    : undefined;
}
