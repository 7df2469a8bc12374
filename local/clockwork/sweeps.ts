import type { SweepPorts } from '../../functions/core/ports/needs.ts';
import { sweep } from '../../functions/core/sweeping/sweep.ts';
import type { SweepPlace } from '../../functions/core/sweeping/sweep-turns.ts';
import type { Log } from '../../functions/log.ts';
import type { SqliteLeases } from '../sqlite/leases.ts';
import type { Time } from './time.ts';

/** A sweep that found more due leases than this leaves the rest to the next; the scheduler takes them up anyway. */
const MAX_DUE = 1_000;

/**
 * Sweeps at once, for what a crash left behind, and then from time to time; removes rows whose time is over. A sweep that fails
 * is logged, and repeated with the next.
 *
 * @returns how to end it: takes up no further sweep and waits for the one under way.
 */
export function startSweeps(
  intervalSeconds: number,
  ports: SweepPorts,
  leases: Pick<SqliteLeases, 'purge'>,
  time: Time,
  log: Log,
): () => Promise<void> {
  const intervalMs = intervalSeconds * 1_000;
  let callOff = () => {};
  let isEnding = false;
  let running = Promise.resolve();
  let from: SweepPlace = {};

  function begin(): void {
    running = sweepOnce().then(() => {
      if (!isEnding) callOff = time.after(intervalMs, begin);
    });
  }

  async function sweepOnce(): Promise<void> {
    try {
      const report = await sweep(ports, { untilMs: time.nowMs() + intervalMs, mostDue: MAX_DUE, from });
      from = report;
      for (const { step, ...failure } of report.failures) log.error('sweep_step_failed', { route: step, ...failure });
      while (leases.purge(time.nowMs()) > 0);
    } catch {
      log.error('sweep_failed', {});
    }
  }

  begin();
  return async () => {
    isEnding = true;
    callOff();
    await running;
  };
}
