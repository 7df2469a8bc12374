/** What was measured at one instant. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** How much more of something counts as the same: a share of what there was, or `least`, whichever is more. */
export interface Tolerance {
  readonly share: number;
  /** In the unit of the values. */
  readonly least: number;
}

/** How something went over the three thirds of a run. The first is for warming up and judged by nobody. */
export interface Trend {
  /** Medians of the thirds. */
  readonly medians: readonly [first: number, second: number, last: number];
  /** Of the line through the last two thirds (least squares), per hour. */
  readonly slopePerHour: number;
  /** What the last third's median may have over the second's. */
  readonly allowed: number;
  readonly flat: boolean;
}

/**
 * Says whether something stayed as it was, from the second third of a run to the last. A growth that goes on and on shows in the
 * medians and, twice as large, in the line; one that began late shows in the line only.
 *
 * @param points in the order of time, at least three.
 */
export function trendOf(points: readonly Point[], tolerance: Tolerance): Trend {
  const [begin, end] = [points[0]?.atMs ?? 0, points.at(-1)?.atMs ?? 0];
  const thirdMs = (end - begin) / 3;
  const third = (index: number) =>
    points.filter(({ atMs }) => Math.min(2, Math.floor((atMs - begin) / thirdMs)) === index).map(({ value }) => value);
  const medians = [median(third(0)), median(third(1)), median(third(2))] as const;
  const [, second, last] = medians;
  const judged = points.filter(({ atMs }) => atMs >= begin + thirdMs);
  const slopePerMs = slope(judged);
  const allowed = Math.max(Math.abs(second) * tolerance.share, tolerance.least);
  return {
    medians,
    slopePerHour: slopePerMs * 3_600_000,
    allowed,
    flat: last - second <= allowed && slopePerMs * 2 * thirdMs <= 2 * allowed,
  };
}

/** The middle one; of an even number the mean of the two in the middle. NaN for none. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Of the straight line that fits best by least squares, per millisecond; 0 where there is none. */
function slope(points: readonly Point[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanAtMs = mean(points.map(({ atMs }) => atMs));
  const meanValue = mean(points.map(({ value }) => value));
  let spread = 0;
  let together = 0;
  for (const { atMs, value } of points) {
    spread += (atMs - meanAtMs) ** 2;
    together += (atMs - meanAtMs) * (value - meanValue);
  }
  return spread === 0 ? 0 : together / spread;
}
