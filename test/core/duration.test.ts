import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, MAX_DURATION_SECONDS, parseDuration } from '../../functions/core/model/duration.ts';

describe('a duration', () => {
  it.each([
    [1, 1],
    [900, 900],
    ['90s', 90],
    ['15m', 900],
    ['1h30m', 5_400],
    ['2d', 172_800],
    ['1d1h1m1s', 90_061],
    ['0h5m', 300],
    [MAX_DURATION_SECONDS, MAX_DURATION_SECONDS],
  ])('reads %j as %i seconds', (text, seconds) => {
    expect(parseDuration(text, 'ttl')).toBe(seconds);
  });

  it.each([
    0,
    -1,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    MAX_DURATION_SECONDS + 1,
    '',
    '15',
    '0s',
    'm',
    '1m1h',
    '1h1h',
    ' 1m',
    '1m ',
    '1.5h',
    '-1m',
    '1M',
    '3650d1s',
    '9999999999s',
    '１m',
  ])('refuses %j, names the field, and shows how one is written', (text) => {
    expect(() => parseDuration(text, 'maxTtl')).toThrow(
      expect.objectContaining({
        failure: { tag: 'invalid_field', field: 'maxTtl', problem: expect.stringContaining('1h30m') },
      }),
    );
  });

  it('reads back whatever it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_DURATION_SECONDS }), (seconds) => {
        expect(parseDuration(formatDuration(seconds), 'ttl')).toBe(seconds);
      }),
    );
  });

  it('is written as short as can be', () => {
    expect([5_400, 900, 86_400, 61, 0].map(formatDuration)).toEqual(['1h30m', '15m', '1d', '1m1s', '0s']);
  });
});
