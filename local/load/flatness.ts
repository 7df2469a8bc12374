import type { Sample } from './samples.ts';
import { type Point, type Tolerance, type Trend, trendOf } from './trend.ts';

/** Something that is to stay as it is while leases come and go. */
export interface Watched {
  readonly what: string;
  readonly trend: Trend;
}

interface Watch {
  readonly what: string;
  /** Undefined where the system, or this sample, does not say. */
  readonly valueIn: (sample: Sample) => number | undefined;
  readonly tolerance: Tolerance;
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
  { what: 'event-loop delay p50, ms', valueIn: ({ delayP50Ms }) => delayP50Ms, tolerance: { share: 0.5, least: 5 } },
  { what: 'event-loop delay p99, ms', valueIn: ({ delayP99Ms }) => delayP99Ms, tolerance: { share: 0.5, least: 20 } },
  { what: 'event-loop delay max, ms', valueIn: ({ delayMaxMs }) => delayMaxMs, tolerance: { share: 0.5, least: 40 } },
  { what: 'processor, ms a second', valueIn: ({ cpuMs }) => cpuMs, tolerance: { share: 0.2, least: 30 } },
];

/** What was watched in a run and how it went. What the system does not say is left out. */
export function watched(samples: readonly Sample[]): Watched[] {
  return WATCHED.flatMap(({ what, valueIn, tolerance }) => {
    const points = samples.flatMap((sample): Point[] => {
      const value = valueIn(sample);
      return value === undefined ? [] : [{ atMs: sample.atMs, value }];
    });
    return points.length === 0 ? [] : [{ what, trend: trendOf(points, tolerance) }];
  });
}
