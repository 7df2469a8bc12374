import { describe, expect, it } from 'vitest';
import type { Evidence, Lease, LeaseStatus } from '../../functions/core/model/lease.ts';
import {
  activate,
  beginAttempt,
  conclude,
  delayRevocation,
  handToRevoker,
  mayBecome,
  nextLease,
  noteBlockers,
  noteSeen,
  noteShown,
  refuseCreate,
  renew,
  reopen,
} from '../../functions/core/model/lease-transitions.ts';
import { aLease } from '../contract/builders.ts';

const STATES: LeaseStatus[] = ['minting', 'active', 'revoking', 'revoked'];
const EVIDENCE: Evidence = { kind: 'deleted', atMs: 1, httpStatus: 204 };
const END = { evidence: EVIDENCE, reason: 'expired', nowMs: 7, ttlAtMs: 9, removedTokenIds: [] } as const;

/** A lease of some status around the types: with what is given, without what is set to undefined. */
function forged(lease: Lease, change: Record<string, unknown>): Lease {
  const members = Object.entries({ ...lease, ...change }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(members) as unknown as Lease;
}

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

  it('grows by one version with each write and names the write', () => {
    const lease = aLease({ version: 4 });
    expect(nextLease(lease, 'write-2', lease)).toEqual({ ...lease, version: 5, opId: 'write-2' });
  });

  it('may not go back', () => {
    const revoking = aLease({ status: 'revoking' });
    expect(() => nextLease(revoking, 'w', aLease({ id: revoking.id }))).toThrow('from revoking to active');
  });

  it.each<[string, Record<string, unknown>]>([
    ['revoked without evidence', { status: 'revoked', dueAtMs: undefined }],
    ['revoked and still due', { status: 'revoked', evidence: EVIDENCE }],
    ['open without a due time', { status: 'revoking', dueAtMs: undefined }],
    ['open with a time to live', { status: 'revoking', ttlAtMs: 5 }],
  ])('is never %s', (_, change) => {
    const lease = aLease();
    expect(() => nextLease(lease, 'w', forged(lease, change))).toThrow(/needs/);
  });
});

describe('a lease that is being minted', () => {
  const minting = aLease({ status: 'minting', expiresAtMs: 5_000 });
  const token = { tokenId: 'token-1', tokenSha256: 'ab', clipped: undefined };

  it('becomes active with its token, and is due when it expires', () => {
    const named = { status: 'active', version: 2, opId: 'w', tokenId: 'token-1', tokenSha256: 'ab', dueAtMs: 5_000 };
    expect(activate(minting, 'w', { ...token, reportedExpiresAtMs: 6_000 })).toStrictEqual({
      ...minting,
      ...named,
      hubReportedExpiresAtMs: 6_000,
    });
    expect(activate(minting, 'w', { ...token, reportedExpiresAtMs: null })).toStrictEqual({ ...minting, ...named });
  });

  it('is due earlier where Docker Hub ends the token earlier', () => {
    const clipped = { expiresAtMs: 4_000, maxExpiresAtMs: 4_500, expiryClipped: true } as const;
    expect(activate(minting, 'w', { ...token, clipped })).toMatchObject({ ...clipped, dueAtMs: 4_000 });
  });

  it('is left to the sweep where Docker Hub refused its create', () => {
    expect(refuseCreate(minting, 'w', { nowMs: 7, dueAtMs: 90 })).toStrictEqual({
      ...minting,
      status: 'revoking',
      version: 2,
      opId: 'w',
      revokeReason: 'mint_failed',
      revokingSinceMs: 7,
      createRefused: true,
      lastError: 'create_refused',
      dueAtMs: 90,
    });
  });
});

describe('an open lease', () => {
  it('has another end, and another due time with it, once it is renewed', () => {
    const lease = aLease();
    expect(renew(lease, 'w', 8_000)).toStrictEqual({
      ...lease,
      version: 2,
      opId: 'w',
      expiresAtMs: 8_000,
      dueAtMs: 8_000,
    });
  });

  it('takes what Docker Hub shows in place of what it showed', () => {
    const lease = aLease({ lastUsedAtMs: 1, hubReportedExpiresAtMs: 2 });
    const { lastUsedAtMs: _, hubReportedExpiresAtMs: __, ...bare } = lease;
    const nothing = { lastUsedAtMs: undefined, hubReportedExpiresAtMs: undefined };
    const seen = { atMs: 3, found: false } as const;
    expect(noteShown(lease, 'w', nothing)).toStrictEqual({ ...bare, version: 2, opId: 'w' });
    expect(noteShown(lease, 'w', { ...nothing, lastUsedAtMs: 5 })).toMatchObject({ lastUsedAtMs: 5 });
    expect(noteSeen(lease, 'w', seen, undefined)).toStrictEqual({ ...lease, version: 2, opId: 'w', seen });
    expect(noteSeen(lease, 'w', seen, nothing)).toStrictEqual({ ...bare, version: 2, opId: 'w', seen });
  });

  it('is due at once when it is handed to the revoker, and keeps its first reason and time', () => {
    expect(handToRevoker(aLease(), 'w', 'admin', 7)).toMatchObject({
      status: 'revoking',
      revokeReason: 'admin',
      revokingSinceMs: 7,
      dueAtMs: 7,
    });
    const waiting = aLease({ status: 'revoking', revokeReason: 'caller', revokingSinceMs: 3, dueAtMs: 90 });
    expect(handToRevoker(waiting, 'w', 'admin', 7)).toMatchObject({
      revokeReason: 'caller',
      revokingSinceMs: 3,
      dueAtMs: 7,
    });
  });
});

describe('an attempt to revoke', () => {
  const order = { reason: 'caller', nowMs: 7 } as const;

  it('does not move what is planned, unless it brings a token', () => {
    const { tokenId: _, ...known } = aLease({ status: 'revoking', dueAtMs: 90, blockedBy: ['a'] });
    expect(beginAttempt(known, 'w', order)).toMatchObject({ dueAtMs: 90, attemptedAtMs: 7, blockedBy: ['a'] });
    const named = beginAttempt(known, 'w', { ...order, tokenId: 'token-1' });
    expect(named).toMatchObject({ dueAtMs: 7, tokenId: 'token-1' });
    expect(named).not.toHaveProperty('blockedBy');
    expect(beginAttempt(aLease({ dueAtMs: 90 }), 'w', order)).toMatchObject({ dueAtMs: 7, revokeReason: 'caller' });
  });

  it.each([
    ['keeps the expiry that is known where it showed no token', {}, { hubReportedExpiresAtMs: 2 }],
    ['notes the expiry that Docker Hub reports', { reportedExpiresAtMs: 5 }, { hubReportedExpiresAtMs: 5 }],
    ['forgets an expiry that Docker Hub does not report any more', { reportedExpiresAtMs: null }, {}],
  ])('%s', (_, reported, expiry) => {
    const { hubReportedExpiresAtMs: __, ...lease } = aLease({ hubReportedExpiresAtMs: 2 });
    const next = beginAttempt({ ...lease, hubReportedExpiresAtMs: 2 }, 'w', { ...order, ...reported });
    const { hubReportedExpiresAtMs } = next;
    expect(hubReportedExpiresAtMs === undefined ? {} : { hubReportedExpiresAtMs }).toEqual(expiry);
    expect('hubReportedExpiresAtMs' in next).toBe('hubReportedExpiresAtMs' in expiry);
  });

  it('that fails says why and when the next one is, and names what blocks the lease now', () => {
    const { blockedBy: _, ...lease } = aLease({ status: 'revoking', blockedBy: ['a'], removedTokenIds: ['r'] });
    const failed = {
      revokeReason: 'expired',
      revokingSinceMs: 3,
      attempts: 2,
      lastError: 'quiet_period',
      dueAtMs: 90,
      attemptedAtMs: 7,
    } as const;
    const bare = { ...failed, blockedBy: undefined, removedTokenIds: [] };
    const next = { ...lease, ...failed, version: 2, opId: 'w' };
    expect(delayRevocation({ ...lease, blockedBy: ['a'] }, 'w', bare)).toStrictEqual(next);
    expect(
      delayRevocation(lease, 'w', { ...bare, blockedBy: ['b'], removedTokenIds: ['s'], reportedExpiresAtMs: 5 }),
    ).toStrictEqual({ ...next, blockedBy: ['b'], removedTokenIds: ['s'], hubReportedExpiresAtMs: 5 });
  });

  it('may find tokens that may be the lease’s', () => {
    const lease = aLease({ status: 'revoking' });
    expect(noteBlockers(lease, 'w', ['a'])).toStrictEqual({ ...lease, version: 2, opId: 'w', blockedBy: ['a'] });
  });
});

describe('a lease that is proven over', () => {
  it('has its evidence, and nothing of what kept it open', () => {
    const kept = aLease({ status: 'revoking', revokeReason: 'admin', revokingSinceMs: 3 });
    const { dueAtMs: _, ...ended } = kept;
    const seen = { atMs: 3, found: false } as const;
    const open = { ...kept, lastError: 'x', attemptedAtMs: 5, blockedBy: ['a'], seen };
    expect(conclude(open, 'w', END)).toStrictEqual({
      ...ended,
      status: 'revoked',
      version: 2,
      opId: 'w',
      evidence: EVIDENCE,
      revokedAtMs: 7,
      ttlAtMs: 9,
    });
  });

  it('keeps what was removed and reported, and has the reason of the attempt where it had none', () => {
    const proof = { ...END, removedTokenIds: ['r'], reportedExpiresAtMs: 5 };
    expect(conclude(aLease(), 'w', proof)).toMatchObject({
      revokeReason: 'expired',
      removedTokenIds: ['r'],
      hubReportedExpiresAtMs: 5,
    });
  });

  it('is open again, without its evidence, when a live token of it was seen', () => {
    const revoked = conclude(aLease({ status: 'revoking', createRefused: true }), 'w', END);
    const { evidence: _, revokedAtMs: __, ttlAtMs: ___, createRefused: ____, ...kept } = revoked;
    const reopened = reopen(revoked, 'v', { tokenId: 'token-2', nowMs: 11, reportedExpiresAtMs: 12 });
    expect(reopened).toStrictEqual({
      ...kept,
      status: 'revoking',
      version: 3,
      opId: 'v',
      revokeReason: 'reopened',
      revokingSinceMs: 11,
      dueAtMs: 11,
      tokenId: 'token-2',
      reopened: 1,
      hubReportedExpiresAtMs: 12,
    });
    expect(reopen(conclude(reopened, 'u', END), 't', { tokenId: 'token-2', nowMs: 1 }).reopened).toBe(2);
  });
});
