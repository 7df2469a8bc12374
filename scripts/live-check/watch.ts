import type { Line } from './line.ts';

const FIRST_INTERVAL_MS = 500;
const INTERVAL_FACTOR = 1.4;
const MAX_INTERVAL_MS = 30_000;

/** Asks once; true when what is waited for is there. `skipped`: it did not ask. `given-up`: it will not ask again. */
export type Probe = () => Promise<boolean | 'skipped' | 'given-up'>;

/** When something came about, counted from `sinceMs`. */
export interface Seen {
  /** When it was first seen; null where it never was. */
  readonly atMs: number | null;
  /** When it was last seen not to be so; absent where the first look already saw it. */
  readonly notYetAtMs?: number;
}

export interface WatchBounds {
  /** Counted from the first look. */
  readonly maxMs: number;
  /** What times are counted from; the first look where absent. */
  readonly sinceMs?: number;
}

/** Looks at several things at widening intervals until each has come about, or the time is up. */
export async function watch<Name extends string>(
  line: Line,
  probes: Readonly<Record<Name, Probe>>,
  { maxMs, sinceMs }: WatchBounds,
): Promise<Readonly<Record<Name, Seen>>> {
  const startedAtMs = line.nowMs();
  const names = Object.keys(probes) as Name[];
  const seen = Object.fromEntries(names.map((name) => [name, { atMs: null }])) as Record<Name, Seen>;
  const open = new Set(names);
  for (let intervalMs = FIRST_INTERVAL_MS; ; intervalMs = Math.min(intervalMs * INTERVAL_FACTOR, MAX_INTERVAL_MS)) {
    for (const name of open) {
      const result = await probes[name]();
      const atMs = Math.round(line.nowMs() - (sinceMs ?? startedAtMs));
      if (result === true) seen[name] = { ...seen[name], atMs };
      if (result === false) seen[name] = { atMs: null, notYetAtMs: atMs };
      if (result === true || result === 'given-up') open.delete(name);
    }
    const spentMs = line.nowMs() - startedAtMs;
    if (open.size === 0 || spentMs >= maxMs) return seen;
    await line.sleep(Math.min(intervalMs, maxMs - spentMs));
  }
}
