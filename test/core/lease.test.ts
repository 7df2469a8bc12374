import { describe, expect, it } from 'vitest';
import { isLeftToSweep, isOpen } from '../../functions/core/model/lease.ts';
import { aLease, type LeaseMembers } from '../contract/builders.ts';

describe('a lease', () => {
  it.each<[string, LeaseMembers, boolean]>([
    ['one whose create was refused', { createRefused: true }, true],
    ['one whose create was not', {}, false],
    ['one that names a token', { createRefused: true, tokenId: 'token-1' }, false],
    ['one that is over', { createRefused: true, status: 'revoked' }, false],
    ['one that is still minting', { createRefused: true, status: 'minting' }, false],
  ])('is ended by the listings of the sweep alone, or not: %s', (_, change, left) => {
    const { tokenId: __, ...lease } = aLease({ status: 'revoking' });
    expect(isLeftToSweep({ ...lease, ...change } as typeof lease)).toBe(left);
  });

  it('is open until it is revoked', () => {
    const states = ['minting', 'active', 'revoking', 'revoked'] as const;
    expect(states.map((status) => isOpen(aLease({ status })))).toEqual([true, true, true, false]);
  });
});
