import { describe, expect, it } from 'vitest';
import { leaseToRow, rowToLease } from '../../functions/adapters/dynamodb/lease-row.ts';
import { RowUnreadable, readLease } from '../../functions/core/ports/read-lease.ts';
import { aLease } from '../contract/builders.ts';
import { STORED_LEASES } from '../contract/stored-leases.ts';

const CANARY = 'canary-canary';
const NUMBERS = ['version', 'issuedAtMs', 'expiresAtMs', 'maxExpiresAtMs', 'mintByMs', 'attempts', 'dueAtMs'];
const TEXTS = ['opId', 'secret', 'target', 'hubAccount', 'caller', 'hubLabel', 'requestId', 'tokenId', 'tokenSha256'];

function problemOf(row: object): string {
  try {
    readLease(row);
  } catch (error) {
    expect(error).toBeInstanceOf(RowUnreadable);
    expect(`${(error as Error).stack}`).not.toContain(CANARY);
    return (error as Error).message;
  }
  return 'none';
}

describe('a stored lease', () => {
  it.each(STORED_LEASES)('that is $name is read as it was written, and written as it was', ({ lease, dynamodb }) => {
    const { id: _, ...fields } = lease;
    expect(readLease(lease)).toStrictEqual(lease);
    expect(rowToLease({ ...fields, ...dynamodb })).toStrictEqual(lease);
    expect(leaseToRow(lease)).toStrictEqual({ ...fields, ...dynamodb });
  });

  it('has been kept in every shape', () => {
    const statuses = new Set(STORED_LEASES.map(({ lease }) => lease.status));
    const evidence = new Set(STORED_LEASES.map(({ lease }) => lease.evidence?.kind));
    const reasons = new Set(STORED_LEASES.map(({ lease }) => lease.revokeReason));
    expect(statuses.size).toBe(4);
    expect([...evidence].sort()).toEqual(['absent', 'attested', 'deleted', 'expired', undefined]);
    expect(reasons).toContain('orphan');
    expect(reasons).toContain('reopened');
    expect(STORED_LEASES.some(({ lease }) => lease.callerId === undefined)).toBe(true);
  });

  it.each(NUMBERS)('is refused without %s, and with text for it', (name) => {
    for (const value of [undefined, CANARY, null]) {
      expect(problemOf({ ...aLease(), [name]: value })).toMatch(`active needs ${name}`);
    }
  });

  it.each(TEXTS)('is refused without %s, and with a number for it', (name) => {
    for (const value of [undefined, 7, null]) expect(problemOf({ ...aLease(), [name]: value })).toMatch(name);
  });

  it.each([
    ['a kind of token that there is not', { kind: CANARY }, 'active needs kind'],
    ['no word on whether it can be renewed', { renewable: CANARY }, 'active needs renewable'],
    ['an expiry that is neither a time nor none', { hubExpiresAtMs: CANARY }, 'active needs hubExpiresAtMs'],
    ['a status that there is not', { status: CANARY }, 'its status is unknown'],
    ['a status that every object has', { status: 'toString' }, 'its status is unknown'],
    ['another schema', { schema: CANARY }, 'its schema is not 1'],
    ['a time of revocation, though it is open', { revokedAtMs: 5 }, 'active never has revokedAtMs'],
  ])('is refused with %s', (_, change, problem) => {
    const lease = aLease();
    expect(problemOf({ ...lease, ...change })).toBe(`lease ${lease.id} cannot be read: ${problem}`);
  });

  it.each([
    ['none', undefined],
    ['text', CANARY],
    ['nothing', null],
    ['an unknown kind', { kind: CANARY, atMs: 5 }],
    ['a kind that every object has', { kind: 'toString', atMs: 5 }],
    ['no time', { kind: 'deleted' }],
  ])('is refused as revoked where its evidence is %s', (_, evidence) => {
    expect(problemOf({ ...aLease({ status: 'revoked' }), evidence })).toMatch('revoked needs evidence');
  });

  it('is refused without an id, which the refusal then cannot name', () => {
    expect(problemOf({ ...aLease(), id: 7 })).toBe('a lease cannot be read: active needs id');
  });

  it('may have leftovers that nothing reads in its status', () => {
    const row = aLease({ status: 'revoked', lastError: 'x', blockedBy: ['a'], attemptedAtMs: 5 });
    expect(readLease(row)).toStrictEqual(row);
  });
});
