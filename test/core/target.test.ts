import { describe, expect, it } from 'vitest';
import { expiryToAskMs, hubAccountOf, isAccessToken, roundUpExpiry } from '../../functions/core/model/target.ts';
import { NOW_MS, VERIFICATION } from './world.ts';

describe('a target', () => {
  it('holds its tokens on its user, or on its organization', () => {
    expect(hubAccountOf({ kind: 'user', username: 'acme-bot' })).toBe('acme-bot');
    expect(hubAccountOf({ kind: 'org', username: 'acme-bot', organization: 'acme' })).toBe('acme');
  });

  it.each([
    ['dckr_pat_abc', true],
    ['dckr_oat_abc', true],
    ['my-dckr_pat_abc', false],
    ['hunter2', false],
  ])('is offered the access token %s: %s', (password, answer) => {
    expect(isAccessToken(password)).toBe(answer);
  });
});

describe('an expiry', () => {
  const at = Date.UTC(2026, 10, 21, 10, 20, 30, 1);
  it.each([
    ['second', '2026-11-21T10:20:31.000Z'],
    ['minute', '2026-11-21T10:21:00.000Z'],
    ['hour', '2026-11-21T11:00:00.000Z'],
    ['day', '2026-11-22T00:00:00.000Z'],
  ] as const)('is never rounded down: to the %s it is %s', (granularity, text) => {
    expect(new Date(roundUpExpiry(at, granularity)).toISOString()).toBe(text);
  });

  it.each([
    ['the lease’s end where any life is accepted', undefined, 900_000, 'second', 900_000],
    ['a minute beyond the shortest life that is accepted', 3_600, 900_000, 'second', 3_660_000],
    ['the lease’s end where that is later still', 3_600, 3_660_001, 'second', 3_661_000],
    ['the next hour behind the shortest life', 3_600, 900_000, 'hour', 7_200_000],
  ] as const)('that is asked for is %s', (_, expiryMinSeconds, endMs, expiryGranularity, askedMs) => {
    const verification = { ...VERIFICATION, ...(expiryMinSeconds !== undefined && { expiryMinSeconds }) };
    const target = { expiryGranularity, verification };
    expect(expiryToAskMs(target, NOW_MS + endMs, NOW_MS) - NOW_MS).toBe(askedMs);
  });

  it('that is asked for is the lease’s end where nothing was verified', () => {
    expect(expiryToAskMs({ expiryGranularity: 'minute' }, NOW_MS + 1, NOW_MS)).toBe(NOW_MS + 60_000);
  });

  it('that fits stays', () => {
    const whole = Date.UTC(2026, 10, 21, 10, 20, 30);
    expect(roundUpExpiry(whole, 'second')).toBe(whole);
  });
});
