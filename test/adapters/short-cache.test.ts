import { describe, expect, it } from 'vitest';
import { ShortCache } from '../../functions/adapters/aws/short-cache.ts';

describe('a short cache', () => {
  it('gives a value until its life is over, counted from when it was true', () => {
    let nowMs = 1_000;
    const cache = new ShortCache<string>({ nowMs: () => nowMs }, 100, 10);
    cache.put('a', 'x', 950);
    nowMs = 1_049;
    expect(cache.get('a')).toBe('x');
    nowMs = 1_050;
    expect(cache.get('a')).toBeUndefined();
    nowMs = 1_000;
    expect(cache.get('a'), 'a clock that went back does not bring it back').toBeUndefined();
  });

  it('holds no more than its bound, and lets the oldest go', () => {
    const cache = new ShortCache<number>({ nowMs: () => 0 }, 100, 2);
    cache.put('a', 1, 0);
    cache.put('b', 2, 0);
    cache.put('a', 3, 0);
    cache.put('c', 4, 0);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([3, undefined, 4]);
  });

  it('forgets one key, or all whose values match', () => {
    const cache = new ShortCache<number>({ nowMs: () => 0 }, 100, 10);
    for (const [key, value] of Object.entries({ a: 1, b: 2, c: 2 })) cache.put(key, value, 0);
    cache.forget('a');
    cache.forgetWhere((value) => value === 2);
    expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([undefined, undefined, undefined]);
  });
});
