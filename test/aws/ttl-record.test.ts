import type { DynamoDBRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { expiredTimer } from '../../functions/adapters/dynamodb/ttl-record.ts';

const LEASE_ID = '01KA5ZQ3V4E9M7X2C8R1T6W0YB';

/**
 * A deletion by time to live as Lambda gets it. Sources: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB"
 * (the event), and DynamoDB Developer Guide, "DynamoDB Streams and Time to Live" (`userIdentity`).
 */
function deletion(overrides: Partial<Record<keyof DynamoDBRecord, unknown>> = {}): DynamoDBRecord {
  return {
    eventID: 'c4ca4238a0b923820dcc509a6f75849b',
    eventName: 'REMOVE',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'us-east-1',
    dynamodb: {
      ApproximateCreationDateTime: 1_795_000_000,
      Keys: { leaseId: { S: LEASE_ID }, row: { S: 'timer' } },
      OldImage: { leaseId: { S: LEASE_ID }, row: { S: 'timer' }, schema: { N: '1' }, ttlAt: { N: '1794999900' } },
      SequenceNumber: '4421584500000000017450439091',
      SizeBytes: 112,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    eventSourceARN: 'arn:aws:dynamodb:us-east-1:111122223333:table/leases/stream/2026-11-20T00:00:00.000',
    userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
    ...overrides,
  } as DynamoDBRecord;
}

const keys = (leaseId: unknown, row: unknown) => deletion({ dynamodb: { Keys: { leaseId, row } } });

describe('a record of the lease table’s stream', () => {
  it('names the lease when DynamoDB itself deleted a timer that had run out', () => {
    expect(expiredTimer(deletion())).toBe(LEASE_ID);
  });

  it('says nothing when a timer was deleted by anybody else', () => {
    const { userIdentity: _, ...byCall } = deletion();
    expect(expiredTimer(byCall)).toBeUndefined();
    for (const userIdentity of [
      null,
      {},
      'dynamodb.amazonaws.com',
      { type: 'Service' },
      { principalId: 'dynamodb.amazonaws.com' },
      { type: 'Service', principalId: 'replication.dynamodb.amazonaws.com' },
      { type: 'AssumedRole', principalId: 'dynamodb.amazonaws.com' },
      { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' },
    ]) {
      expect(expiredTimer(deletion({ userIdentity }))).toBeUndefined();
    }
  });

  it('says nothing when a timer was put or moved', () => {
    for (const eventName of ['INSERT', 'MODIFY', undefined, 'remove']) {
      expect(expiredTimer(deletion({ eventName }))).toBeUndefined();
    }
  });

  it('says nothing when a lease’s row was deleted after its retention', () => {
    expect(expiredTimer(keys({ S: LEASE_ID }, { S: 'lease' }))).toBeUndefined();
  });

  it('says nothing when its keys are missing or of another form', () => {
    for (const leaseId of [undefined, {}, { N: '1' }, { S: '' }, { S: `${LEASE_ID}x` }, { S: '../x' }, { S: 7 }]) {
      expect(expiredTimer(keys(leaseId, { S: 'timer' }))).toBeUndefined();
    }
    for (const row of [undefined, {}, { S: 'Timer' }, { N: '1' }]) {
      expect(expiredTimer(keys({ S: LEASE_ID }, row))).toBeUndefined();
    }
    for (const dynamodb of [undefined, {}]) expect(expiredTimer(deletion({ dynamodb }))).toBeUndefined();
    expect(expiredTimer({})).toBeUndefined();
  });
});
