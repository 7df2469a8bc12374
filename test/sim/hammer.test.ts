import { expect, it } from 'vitest';
import { drawHammered } from './draw-hammered.ts';
import { runHistory } from './history.ts';

const HISTORIES = 12;

it('where one caller hammers views and Docker Hub takes 60 requests a minute, every token is dead within 120 s of its lease’s end', async () => {
  let views = 0;
  let answered = 0;
  for (let seed = 1; seed <= HISTORIES; seed++) {
    const result = await runHistory(drawHammered(seed), { faults: [] });
    expect(result.violations, `seed ${seed}`).toEqual([]);
    views += result.reached.get('look with a view') ?? 0;
    answered += result.answered;
  }
  expect(views).toBeGreaterThan(1_000 * HISTORIES);
  expect(answered).toBeGreaterThan(8 * HISTORIES);
});
