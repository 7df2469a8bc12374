// Preloaded into the process that is watched: node --import "file:///…/sampler.ts?file=FILE&everyMs=1000" …
import { appendFileSync, readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DELAY_RESOLUTION_MS, type Sample } from './samples.ts';

const query = new URL(import.meta.url).searchParams;
const file = query.get('file') as string;
const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
delay.enable();
let cpuBefore = process.cpuUsage();

function sample(): void {
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage(cpuBefore);
  cpuBefore = process.cpuUsage();
  const fileHandles = countFileHandles();
  const seen: Sample = {
    atMs: Date.now(),
    rssBytes: rss,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    delayP50Ms: beyondResolution(delay.percentile(50)),
    delayP99Ms: beyondResolution(delay.percentile(99)),
    delayMaxMs: beyondResolution(delay.max),
    cpuMs: (user + system) / 1_000,
    ...(fileHandles !== undefined && { fileHandles }),
    resources: Object.fromEntries(
      [...Map.groupBy(process.getActiveResourcesInfo(), (kind) => kind)].map(([kind, all]) => [kind, all.length]),
    ),
  };
  delay.reset();
  appendFileSync(file, `${JSON.stringify(seen)}\n`);
}

function beyondResolution(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - DELAY_RESOLUTION_MS);
}

function countFileHandles(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  // One of them is the folder that is being read.
  return readdirSync('/proc/self/fd').length - 1;
}

setInterval(sample, Number(query.get('everyMs'))).unref();
