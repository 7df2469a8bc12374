import { describe, expect, it } from 'vitest';
import {
  type ActiveLease,
  isLeftToSweep,
  isOpen,
  type MintingLease,
  type RevokedLease,
  type RevokingLease,
} from '../../functions/core/model/lease.ts';
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

  it('cannot be written in an illegal state, or it does not compile', () => {
    const [active, revoking, revoked] = [aLease(), aLease({ status: 'revoking' }), aLease({ status: 'revoked' })];
    const illegal = [
      // @ts-expect-error an open lease has a due time
      (): ActiveLease => ({ ...active, dueAtMs: undefined }),
      // @ts-expect-error an open lease has no evidence
      (): RevokingLease => ({ ...revoking, evidence: revoked.evidence }),
      // @ts-expect-error an open lease has no time to live
      (): RevokingLease => ({ ...revoking, ttlAtMs: 5 }),
      // @ts-expect-error a lease that is being minted names no token
      (): MintingLease => ({ ...aLease({ status: 'minting' }), tokenId: 'token-1' }),
      // @ts-expect-error an active lease was not refused
      (): ActiveLease => ({ ...active, createRefused: true }),
      // @ts-expect-error a revoked lease has evidence
      (): RevokedLease => ({ ...revoked, evidence: undefined }),
      // @ts-expect-error a revoked lease is due no more
      (): RevokedLease => ({ ...revoked, dueAtMs: 5 }),
      // @ts-expect-error another status alone makes no revoked lease
      (): RevokedLease => ({ ...revoking, status: 'revoked' }),
    ];
    for (const make of illegal) expect(make()).toBeDefined();
  });
});
