import type { Log } from '../../functions/log.ts';
import type { Data } from '../sqlite/data.ts';
import type { SteadyTime } from './steady-time.ts';

/** How soon after the system's clock was set back hublease goes by it again. */
const LOOK_MS = 250;
/** A lease that was issued later than now tells that the clock was set back while nobody looked; a second is nothing. */
const TOLERANCE_MS = 1_000;

/**
 * Follows the system's clock when it is set back, and takes open leases along, so that none lasts longer for it. Begins with what
 * happened since the last run, as far as the leases tell.
 *
 * @returns how to end it.
 */
export function followClock(time: SteadyTime, data: Pick<Data, 'setBack' | 'lastIssuedAtMs'>, log: Log): () => void {
  let callOff = () => {};
  let isToldOfFailure = false;

  function goBack(byMs: number): void {
    if (byMs <= 0) return;
    try {
      data.setBack(byMs);
      // In the same turn, so that nobody meets a lease by the one clock and reads the other.
      time.goBack(Math.min(byMs, time.behindMs()));
      isToldOfFailure = false;
      log.error('clock_set_back', { durationMs: byMs });
    } catch {
      // Time goes on as before, and so do the leases, until this can be written down.
      if (!isToldOfFailure) log.error('clock_not_followed', { durationMs: byMs });
      isToldOfFailure = true;
    }
  }

  function look(): void {
    goBack(time.behindMs());
    callOff = time.after(LOOK_MS, look);
  }

  const aheadMs = (data.lastIssuedAtMs() ?? 0) - time.nowMs();
  if (aheadMs > TOLERANCE_MS) goBack(aheadMs);
  look();
  return () => callOff();
}
