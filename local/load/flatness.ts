import type { Sample } from './samples.ts';
import { floors, type Point, type Tolerance, type Trend, trendOf } from './trend.ts';

/** Something that is to stay as it is while leases come and go. */
export interface Watched {
  readonly what: string;
  readonly trend: Trend;
}

interface Watch {
  readonly what: string;
  /** Undefined where the system does not say. */
  readonly valueIn: (sample: Sample) => number | undefined;
  readonly tolerance: Tolerance;
  /** Judged by its least in each stretch of time, because garbage comes and goes. */
  readonly floor?: true;
}

const MIB = 2 ** 20;

/**
 * What is watched, and how much more of it is none. From the middle of the second third to the middle of the last, 10,000 leases
 * come and go in a run of ten minutes at 50 a second: a tenth of a heap of 40 MiB is 420 bytes of each, less than a lease takes.
 * Waits and processor time are as much the machine's as ours, so they may differ by more.
 */
const WATCHED: readonly Watch[] = [
  {
    what: 'heap after garbage, MiB',
    valueIn: ({ heapUsedBytes }) => heapUsedBytes / MIB,
    tolerance: { share: 0.1, least: 2 },
    floor: true,
  },
  { what: 'resident memory, MiB', valueIn: ({ rssBytes }) => rssBytes / MIB, tolerance: { share: 0.1, least: 8 } },
  {
    what: 'buffers, MiB',
    valueIn: ({ externalBytes }) => externalBytes / MIB,
    tolerance: { share: 0.1, least: 2 },
    floor: true,
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

/** A mark-and-sweep comes several times in as long at the rate of a soak. */
const FLOOR_STRETCH_MS = 10_000;
/** So that each third has a median where a run is short. */
const FEWEST_STRETCHES = 9;

/** What was watched in a run and how it went. What the system does not say is left out. */
export function watched(samples: readonly Sample[]): Watched[] {
  const spanMs = (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);
  const stretchMs = Math.min(FLOOR_STRETCH_MS, spanMs / FEWEST_STRETCHES);
  return WATCHED.flatMap(({ what, valueIn, tolerance, floor }) => {
    const points = samples.flatMap((sample): Point[] => {
      const value = valueIn(sample);
      return value === undefined ? [] : [{ atMs: sample.atMs, value }];
    });
    if (points.length === 0) return [];
    return [{ what, trend: trendOf(floor === true ? floors(points, stretchMs) : points, tolerance) }];
  });
}
