import { describe, expect, it } from 'vitest';
import { hubAccountOf, isAccessToken, roundUpExpiry } from '../../functions/core/target.ts';

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

  it('that fits stays', () => {
    const whole = Date.UTC(2026, 10, 21, 10, 20, 30);
    expect(roundUpExpiry(whole, 'second')).toBe(whole);
  });
});
