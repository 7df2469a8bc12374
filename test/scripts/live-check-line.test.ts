import { describe, expect, it } from 'vitest';
import type { HubMeta } from '../../functions/core/ports/docker-hub.ts';
import { Line } from '../../scripts/live-check/line.ts';
import { watch } from '../../scripts/live-check/watch.ts';

const NOW_MS = Date.UTC(2026, 10, 2, 12, 0, 0);

function start() {
  let nowMs = NOW_MS;
  const pauses: number[] = [];
  const line = new Line({
    nowMs: () => nowMs,
    sleep: async (ms) => {
      pauses.push(ms);
      nowMs += ms;
    },
    stop: new AbortController().signal,
    quit: new AbortController().signal,
  });
  const ask = (meta: HubMeta = {}) =>
    line.ask(async () => ({ ok: true, value: null, meta: { httpStatus: 200, ...meta } }) as const);
  return { line, ask, pauses };
}

describe('the line to Docker Hub', () => {
  it('pauses longer before each request, up to two seconds', async () => {
    const { ask, pauses } = start();
    for (let requests = 0; requests < 300; requests++) await ask();
    expect(pauses.slice(0, 3)).toEqual([200, 210, 220]);
    expect(pauses.at(-1)).toBe(2_000);
  });

  it('waits for the next minute before the last requests of this one are gone', async () => {
    const { ask, line } = start();
    await ask({ hubDateMs: NOW_MS, rateRemaining: 3, rateResetAtMs: NOW_MS + 40_000 });
    await ask();
    expect(line.nowMs()).toBeGreaterThanOrEqual(NOW_MS + 40_000);
  });

  it('waits by Docker Hub’s own clock', async () => {
    const { ask, line } = start();
    await ask({ hubDateMs: NOW_MS + 600_000, rateRemaining: 0, rateResetAtMs: NOW_MS + 640_000 });
    await ask();
    expect(line.nowMs()).toBeLessThan(NOW_MS + 60_000);
    expect(line.hubNowMs()).toBeGreaterThan(NOW_MS + 640_000);
  });

  it('waits 15 minutes at the most', async () => {
    const { ask, line } = start();
    await ask({ hubDateMs: NOW_MS, rateRemaining: 0, rateResetAtMs: NOW_MS + 86_400_000 });
    await ask();
    expect(line.nowMs()).toBeLessThan(NOW_MS + 901_000);
  });
});

describe('a watch', () => {
  it('says between which two looks something came about, and looks less and less often', async () => {
    const { line } = start();
    const looks: number[] = [];
    const probe = async () => {
      looks.push(line.nowMs() - NOW_MS);
      return line.nowMs() >= NOW_MS + 100_000;
    };
    const { seen } = await watch(line, { seen: probe }, { maxMs: 900_000 });
    expect(seen.notYetAtMs).toBeLessThan(100_000);
    expect(seen.atMs).toBeGreaterThanOrEqual(100_000);
    const intervals = looks.slice(1).map((at, index) => at - (looks[index] as number));
    expect(intervals).toEqual([...intervals].sort((a, b) => a - b));
    expect(looks.length).toBeLessThan(20);
  });

  it('ends when its time is up, or nothing is left to look at', async () => {
    const { line } = start();
    const { never } = await watch(line, { never: async () => false }, { maxMs: 60_000 });
    expect(never).toEqual({ atMs: null, notYetAtMs: 60_000 });
    const { other } = await watch(line, { other: async () => 'given-up' as const }, { maxMs: 60_000 });
    expect(other).toEqual({ atMs: null });
    expect(line.nowMs()).toBe(NOW_MS + 60_000);
  });
});
