import type { Meter } from './adapters/aws/metrics.ts';
import type { SweepMark } from './adapters/dynamodb/sweep-mark.ts';
import type { SweepPorts } from './core/ports/needs.ts';
import { survey } from './core/sweeping/survey.ts';
import { type SweepReport, sweep } from './core/sweeping/sweep.ts';
import type { SweepPlace } from './core/sweeping/sweep-turns.ts';
import type { Log } from './log.ts';

/** Time kept back of what Lambda gives, for the target under way and the survey. */
export const RESERVE_MS = 60_000;
/** A page of 100 takes some 0.2 s to be found and sent, in batches of 10: about 20 s in all. */
export const MAX_DUE = 10_000;
const MAX_SURVEYED = 500;

/**
 * Runs one sweep, as the schedule asks every few minutes, and measures how the open leases stand. Bounded by the time that
 * Lambda gives: where it stopped is marked, and the next sweep begins there.
 */
export function sweeper(
  ports: () => Promise<SweepPorts>,
  mark: SweepMark,
  meter: Meter,
  log: Log,
  isKeyUsable: () => Promise<boolean>,
): (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<SweepReport> {
  return async (_event, context) => {
    // First of all: with a key that cannot be used, the ports cannot be either, and the sweep ends here.
    if (!(await isKeyUsable())) meter.record('KeyUnusable', 1);
    const sweepPorts = await ports();
    const from = await mark.read();
    const untilMs = sweepPorts.clock.nowMs() + Math.max(0, context.getRemainingTimeInMillis() - RESERVE_MS);
    const report = await sweep(sweepPorts, { untilMs, mostDue: MAX_DUE, from });
    await mark.write(placeOf(report));
    for (const { step, ...failure } of report.failures) log.error('sweep_step_failed', { route: step, ...failure });
    const { open, overdueSeconds, stuck } = await survey(sweepPorts, MAX_SURVEYED);
    meter.record('LeasesOpen', open);
    meter.record('OverdueSeconds', overdueSeconds);
    meter.record('StuckRevocations', stuck);
    meter.record('SweepCompleted', 1);
    return report;
  };
}

function placeOf({ resumeAfter, leftOver }: SweepReport): SweepPlace {
  return { ...(resumeAfter !== undefined && { resumeAfter }), ...(leftOver !== undefined && { leftOver }) };
}
