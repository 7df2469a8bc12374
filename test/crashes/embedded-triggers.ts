import type { Log } from '../../functions/log.ts';
import { scheduler } from '../../local/clockwork/scheduler.ts';
import { startSweeps } from '../../local/clockwork/sweeps.ts';
import type { Triggers } from './rush-world.ts';
import type { VirtualTime } from './virtual-time.ts';

/** As the embedded edition comes. */
const SWEEP_EVERY_SECONDS = 300;

/** The embedded edition's own scheduler and sweeps. */
export function embeddedTriggers(time: VirtualTime, log: Log): Triggers {
  const clockwork = scheduler(time, (code) => log.error(code, {}));
  let endSweeps = async () => {};
  return {
    backstop: clockwork.backstop,
    queue: clockwork.queue,
    start(ports, data) {
      clockwork.start(ports);
      endSweeps = startSweeps(SWEEP_EVERY_SECONDS, ports, data.leases, time, log);
    },
    async stop() {
      await endSweeps();
      await clockwork.stop();
    },
  };
}
