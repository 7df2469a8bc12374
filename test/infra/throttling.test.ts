import { describe, expect, it } from 'vitest';
import { throttlingOf } from '../../infra/throttling.ts';

describe('throttling', () => {
  it('leaves one caller half of the mints of all', () => {
    expect(throttlingOf({})).toEqual({
      stage: { ratePerSecond: 100, burst: 200 },
      mints: { ratePerSecond: 20, burst: 40 },
      caller: { perMinute: 600, burst: 100 },
    });
  });

  it('takes what is given, and ten seconds’ worth of a caller’s requests at once', () => {
    const stage = { ratePerSecond: 5, burst: 6 };
    expect(throttlingOf({ stage, caller: { perMinute: 3 } })).toMatchObject({
      stage,
      caller: { perMinute: 3, burst: 1 },
    });
    expect(throttlingOf({ caller: { perMinute: 60, burst: 7 } }).caller).toEqual({ perMinute: 60, burst: 7 });
  });

  it.each([
    ['throttling.stage.ratePerSecond', { stage: { ratePerSecond: 0, burst: 1 } }],
    ['throttling.mints.burst', { mints: { ratePerSecond: 1, burst: 10_001 } }],
    ['throttling.caller.perMinute', { caller: { perMinute: 1.5 } }],
    ['throttling.caller.burst', { caller: { perMinute: 60, burst: 0 } }],
  ])('is refused at synth by the name of what is wrong: %s', (name, given) => {
    expect(() => throttlingOf(given)).toThrow(`${name}: expected a whole number`);
  });
});
