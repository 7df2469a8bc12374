import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { perMinute } from '../../functions/core/model/pace.ts';
import type { CallerRates } from '../../functions/core/ports/caller-rates.ts';

/** Rates to be tested; `close` runs once, after the last test. */
export interface CallerRatesUnderTest {
  readonly rates: CallerRates;
  close(): Promise<void>;
}

/** Rows whose time to live is over would go under the tests' hands. */
const NOW_MS = Date.UTC(2099, 10, 21, 9, 0, 0);
const PACE = { everyMs: 1_000, burst: 3 };

/** What the port CallerRates promises, for any adapter. */
export function callerRatesContract(name: string, make: () => Promise<CallerRatesUnderTest>): void {
  describe(`${name} keeps the contract of CallerRates`, () => {
    let made: CallerRatesUnderTest;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made?.close());

    /** What is counted under a key that nobody used before. */
    function counter() {
      const key = createHash('sha256').update(randomUUID()).digest('hex');
      return (atMs: number, count = 1, pace = PACE) => made.rates.take(key, pace, atMs, count);
    }

    async function fill(take: ReturnType<typeof counter>, atMs = NOW_MS): Promise<void> {
      for (let times = 0; times < PACE.burst; times++) expect(await take(atMs)).toBeUndefined();
    }

    it('lets a burst through, and then says from when on there is room', async () => {
      const take = counter();
      await fill(take);
      expect(await take(NOW_MS)).toBe(NOW_MS + 1_000);
      expect(await take(NOW_MS + 999)).toBe(NOW_MS + 1_000);
      expect(await take(NOW_MS + 1_000)).toBeUndefined();
      expect(await take(NOW_MS + 1_000)).toBe(NOW_MS + 2_000);
    });

    it('takes nothing for who is refused', async () => {
      const take = counter();
      await fill(take);
      for (let times = 0; times < 5; times++) expect(await take(NOW_MS + 500)).toBe(NOW_MS + 1_000);
      expect(await take(NOW_MS + 1_000)).toBeUndefined();
    });

    it('lets no more than the pace through over time, however long it was idle before', async () => {
      const take = counter();
      let taken = 0;
      await take(NOW_MS - 3_600_000);
      for (let ms = 0; ms < 10_000; ms += 250) if ((await take(NOW_MS + ms)) === undefined) taken += 1;
      expect(taken).toBe(PACE.burst + 9);
    });

    it('lets a whole burst through again once it was idle for as long', async () => {
      const take = counter();
      await fill(take);
      await fill(take, NOW_MS + 3_000);
      expect(await take(NOW_MS + 3_000)).toBe(NOW_MS + 4_000);
    });

    it('takes several places, or none of them', async () => {
      const take = counter();
      expect(await take(NOW_MS, 2)).toBeUndefined();
      expect(await take(NOW_MS, 2)).toBe(NOW_MS + 1_000);
      expect(await take(NOW_MS, 1)).toBeUndefined();
      expect(await take(NOW_MS, 1)).toBe(NOW_MS + 1_000);
    });

    it('counts each key by itself', async () => {
      const [one, other] = [counter(), counter()];
      await fill(one);
      await fill(other);
      expect(await one(NOW_MS)).toBeDefined();
    });

    it('keeps a pace whose interval is no whole number of milliseconds', async () => {
      const take = counter();
      const pace = perMinute(7, 7);
      for (let times = 0; times < 7; times++) expect(await take(NOW_MS, 1, pace)).toBeUndefined();
      expect(await take(NOW_MS, 1, pace)).toBe(NOW_MS + pace.everyMs);
      expect(await take(NOW_MS + 60_000, 7, pace)).toBeUndefined();
    });

    it('begins anew where the clock was set back by more than clocks differ', async () => {
      const take = counter();
      await fill(take);
      await fill(take, NOW_MS - 3_600_000);
    });

    it('believes a number that another clock made, which is a little ahead', async () => {
      const take = counter();
      await fill(take);
      expect(await take(NOW_MS - 10_000)).toBe(NOW_MS + 1_000);
    });
  });
}
