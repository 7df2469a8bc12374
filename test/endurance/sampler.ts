// Preloaded into the process that is watched:
//   node --expose-gc --import "file:///…/sampler.ts?file=FILE&everyMs=1000&collectEveryMs=20000" …
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import { DELAY_RESOLUTION_MS, type Sample } from './samples.ts';

const query = new URL(import.meta.url).searchParams;
const file = query.get('file') as string;
const collectEveryMs = Number(query.get('collectEveryMs'));
let collectAtMs = Date.now() + collectEveryMs;
const delay = createHistogram();
let tickAtMs = performance.now();
let cpuBefore = process.cpuUsage();
let waitedBeforeMs = waitedMs();

function sample(): void {
  // A delay that has not ended yet belongs to what is told now.
  tick();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage(cpuBefore);
  cpuBefore = process.cpuUsage();
  const fileHandles = countFileHandles();
  const waitedUntilNowMs = waitedMs();
  const seen: Sample = {
    atMs: Date.now(),
    rssBytes: rss,
    heapUsedBytes: heapUsed,
    delayP50Ms: msOf(delay.percentile(50)),
    delayP99Ms: msOf(delay.percentile(99)),
    delayMaxMs: msOf(delay.max),
    cpuMs: (user + system) / 1_000,
    ...(waitedUntilNowMs !== undefined && { waitedMs: waitedUntilNowMs - (waitedBeforeMs ?? 0) }),
    ...(fileHandles !== undefined && { fileHandles }),
    resources: Object.fromEntries(
      [...Map.groupBy(process.getActiveResourcesInfo(), (kind) => kind)].map(([kind, all]) => [kind, all.length]),
    ),
  };
  waitedBeforeMs = waitedUntilNowMs;
  delay.reset();
  const live = collected(seen.atMs);
  appendFileSync(file, `${JSON.stringify({ ...seen, ...(live !== undefined && { live }) })}\n`);
}

function collected(nowMs: number): Sample['live'] {
  if (nowMs < collectAtMs) return undefined;
  collectAtMs = nowMs + collectEveryMs;
  globalThis.gc?.();
  // That pause is this sampler's own.
  tickAtMs = performance.now();
  const { heapUsed, external } = process.memoryUsage();
  return { heapBytes: heapUsed, externalBytes: external };
}

/** Node's own `monitorEventLoopDelay` forgets with each reset the delay that has not ended yet, which is the longest of all. */
function tick(): void {
  const nowMs = performance.now();
  // A histogram counts whole numbers from 1.
  delay.record(Math.max(1, Math.round((nowMs - tickAtMs - DELAY_RESOLUTION_MS) * 1_000)));
  tickAtMs = nowMs;
}

function msOf(microseconds: number): number {
  return microseconds / 1_000;
}

/** Of the main thread, since its beginning. Source: Linux, Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat". */
function waitedMs(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
}

function countFileHandles(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  // One of them is the folder that is being read.
  return readdirSync('/proc/self/fd').length - 1;
}

setInterval(tick, DELAY_RESOLUTION_MS).unref();
setInterval(sample, Number(query.get('everyMs'))).unref();
