import { describe, expect, it } from 'vitest';
import { expiryFactsOf } from '../../functions/core/catalog/verified-expiry.ts';
import { NOW_MS } from './world.ts';

const LEASE = { hubExpiresAtMs: NOW_MS };
const later = (...seconds: number[]) => seconds.map((count) => NOW_MS + count * 1_000);

describe('what a verification learns of expiries', () => {
  it.each([
    ['exactly as asked', [0], 0],
    ['earlier than asked', [-300], 0],
    ['a moment later', [0.001], 60],
    ['a minute later', [60], 60],
    ['over a minute later', [60.001], 3_600],
    ['an hour later', [3_600], 3_600],
    ['over an hour later', [3_601], 86_400],
    ['a day later', [86_400], 86_400],
    ['later in only one of its answers', [0, 59, 0], 60],
    ['earlier in only one of its answers', [-300, 30], 60],
  ])('from one that reads back %s (%j s) is the slack of %s s', (_, seconds, expirySlackSeconds) => {
    expect(expiryFactsOf({}, LEASE, later(...seconds))).toEqual({ expirySlackSeconds });
  });

  it.each([
    ['is later by more than a day', later(86_400.001)],
    ['is missing', [null]],
    ['is missing in only one of its answers', [...later(0), null, ...later(0)]],
  ])('is nothing to mint by where one %s, unless the owner allows that', (_, reported) => {
    expect(expiryFactsOf({}, LEASE, reported)).toBeUndefined();
    expect(expiryFactsOf({ allowUnprovenExpiry: true }, LEASE, reported)).toEqual({ expiryUnproven: true });
  });

  it('is the slack even where the owner would allow none', () => {
    expect(expiryFactsOf({ allowUnprovenExpiry: true }, LEASE, later(5))).toEqual({ expirySlackSeconds: 60 });
  });
});
