import type { Sample } from './samples.ts';
import { type Point, type Tolerance, type Trend, trendOf } from './trend.ts';

/** Something that is to stay as it is while leases come and go. */
export interface Watched {
  readonly what: string;
  readonly trend: Trend;
  /** `busy` where the machine had so little time for the process that this says nothing of it. */
  readonly verdict: 'flat' | 'grows' | 'busy';
}

interface Watch {
  readonly what: string;
  /** Undefined where the system, or this sample, does not say. */
  readonly valueIn: (sample: Sample) => number | undefined;
  readonly tolerance: Tolerance;
  /** Larger when others use the processor, too. */
  readonly isDelay?: true;
}

const MIB = 2 ** 20;

/**
 * What is watched, and how much more of it is none. From the middle of the second third to the middle of the last, 10,000 leases
 * come and go in a run of ten minutes at 50 a second: a tenth of a heap of 40 MiB is 420 bytes of each, less than a lease takes.
 * Waits and processor time are as much the machine's as ours, so they may differ by more.
 */
const WATCHED: readonly Watch[] = [
  {
    what: 'heap without garbage, MiB',
    valueIn: ({ live }) => live && live.heapBytes / MIB,
    tolerance: { share: 0.1, least: 2 },
  },
  { what: 'resident memory, MiB', valueIn: ({ rssBytes }) => rssBytes / MIB, tolerance: { share: 0.1, least: 8 } },
  {
    what: 'buffers without garbage, MiB',
    valueIn: ({ live }) => live && live.externalBytes / MIB,
    tolerance: { share: 0.1, least: 2 },
  },
  { what: 'file handles', valueIn: ({ fileHandles }) => fileHandles, tolerance: { share: 0.2, least: 10 } },
  {
    what: 'sockets, timers and the like',
    valueIn: ({ resources }) => Object.values(resources).reduce((sum, count) => sum + count, 0),
    tolerance: { share: 0.2, least: 10 },
  },
  {
    what: 'event-loop delay p50, ms',
    valueIn: ({ delayP50Ms }) => delayP50Ms,
    tolerance: { share: 0.5, least: 5 },
    isDelay: true,
  },
  {
    what: 'event-loop delay p99, ms',
    valueIn: ({ delayP99Ms }) => delayP99Ms,
    tolerance: { share: 0.5, least: 20 },
    isDelay: true,
  },
  {
    what: 'event-loop delay max, ms',
    valueIn: ({ delayMaxMs }) => delayMaxMs,
    tolerance: { share: 0.5, least: 40 },
    isDelay: true,
  },
  { what: 'processor, ms a second', valueIn: ({ cpuMs }) => cpuMs, tolerance: { share: 0.2, least: 30 } },
];

/** Told and not judged: it is the others'. */
const WAITED = 'waited for a processor, ms a second';
/** A process that waits longer than this in a second for its turn is late by that, whatever it does itself. */
const BUSY_MS = 100;

/** What was watched in a run and how it went. What the system does not say is left out. */
export function watched(samples: readonly Sample[]): Watched[] {
  const pointsOf = (valueIn: Watch['valueIn']) =>
    samples.flatMap((sample): Point[] => {
      const value = valueIn(sample);
      return value === undefined ? [] : [{ atMs: sample.atMs, value }];
    });
  const waits = pointsOf(({ waitedMs }) => waitedMs);
  const waited = trendOf(waits, { share: 0, least: Number.POSITIVE_INFINITY });
  const isBusy = waits.length > 0 && Math.max(waited.medians[1], waited.medians[2]) > BUSY_MS;
  const all = WATCHED.flatMap(({ what, valueIn, tolerance, isDelay }): Watched[] => {
    const points = pointsOf(valueIn);
    if (points.length === 0) return [];
    const trend = trendOf(points, tolerance);
    return [{ what, trend, verdict: isBusy && isDelay ? 'busy' : trend.flat ? 'flat' : 'grows' }];
  });
  return waits.length === 0 ? all : [...all, { what: WAITED, trend: waited, verdict: isBusy ? 'busy' : 'flat' }];
}
