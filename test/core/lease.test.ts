import { describe, expect, it } from 'vitest';
import {
  isLeftToSweep,
  isOpen,
  type Lease,
  type LeaseStatus,
  mayBecome,
  nextLease,
} from '../../functions/core/model/lease.ts';
import { aLease } from '../contract/builders.ts';

const STATES: LeaseStatus[] = ['minting', 'active', 'revoking', 'revoked'];
const evidence = { kind: 'deleted', atMs: 1, httpStatus: 204 } as const;

describe('a lease', () => {
  it('goes from state to state only as its life allows', () => {
    const table = Object.fromEntries(STATES.map((from) => [from, STATES.filter((to) => mayBecome(from, to))]));
    expect(table).toEqual({
      minting: ['active', 'revoking', 'revoked'],
      active: ['active', 'revoking', 'revoked'],
      revoking: ['revoking', 'revoked'],
      revoked: ['revoking'],
    });
  });

  it.each([
    ['one whose create was refused', {}, true],
    ['one whose create was not', { createRefused: undefined }, false],
    ['one that names a token', { tokenId: 'token-1' }, false],
    ['one that is over', { status: 'revoked' }, false],
    ['one that is still minting', { status: 'minting' }, false],
  ] as const)('is ended by the listings of the sweep alone, or not: %s', (_, change, left) => {
    const { tokenId: __, ...lease } = aLease({ status: 'revoking' });
    expect(isLeftToSweep({ ...lease, createRefused: true, ...change } as Lease)).toBe(left);
  });

  it('is open until it is revoked', () => {
    expect(STATES.map((status) => isOpen({ ...aLease(), status }))).toEqual([true, true, true, false]);
  });

  it('grows by one version with each write and names the write', () => {
    const lease = aLease({ status: 'active', version: 4 });
    expect(nextLease(lease, 'write-2', { status: 'revoking' })).toEqual({
      ...lease,
      status: 'revoking',
      version: 5,
      opId: 'write-2',
    });
  });

  it('loses what a write sets to undefined', () => {
    const lease = aLease({ status: 'revoking', lastError: 'hub_throttled' });
    const next = nextLease(lease, 'w', { lastError: undefined });
    expect('lastError' in next).toBe(false);
  });

  it('may not go back', () => {
    expect(() => nextLease(aLease({ status: 'revoking' }), 'w', { status: 'active' })).toThrow(
      'from revoking to active',
    );
  });

  it.each<[string, Lease, Parameters<typeof nextLease>[2]]>([
    ['revoked without evidence', aLease({ status: 'active' }), { status: 'revoked', dueAtMs: undefined }],
    ['revoked and still due', aLease({ status: 'active' }), { status: 'revoked', evidence }],
    ['open without a due time', aLease({ status: 'active' }), { status: 'revoking', dueAtMs: undefined }],
    ['open with a time to live', aLease({ status: 'active' }), { status: 'revoking', ttlAtMs: 5 }],
  ])('is never %s', (_, lease, change) => {
    expect(() => nextLease(lease, 'w', change)).toThrow(/needs/);
  });

  it('is revoked with evidence and no due time', () => {
    const next = nextLease(aLease({ status: 'active' }), 'w', { status: 'revoked', evidence, dueAtMs: undefined });
    expect(next).toMatchObject({ status: 'revoked', evidence });
  });
});
