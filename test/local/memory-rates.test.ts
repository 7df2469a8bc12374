import { expect, it } from 'vitest';
import { memoryRates } from '../../local/memory-rates.ts';
import { callerRatesContract } from '../contract/caller-rates.ts';

callerRatesContract('memory', async () => ({ rates: memoryRates(), close: async () => {} }));

it('rates in memory are bounded: the key that asked longest ago makes room and begins anew', async () => {
  const rates = memoryRates();
  const take = (key: string) => rates.take(key, { everyMs: 1_000, burst: 1 }, 5, 1);
  await take('first');
  expect(await take('first')).toBe(1_005);
  for (let n = 0; n < 10_000; n++) await take(`key ${n}`);
  expect(await take('key 9999')).toBe(1_005);
  expect(await take('first')).toBeUndefined();
});
