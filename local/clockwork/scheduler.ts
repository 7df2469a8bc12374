import { revokeLease } from '../../functions/core/ending/revoke.ts';
import type { RevokePorts } from '../../functions/core/ports/needs.ts';
import type { Page } from '../../functions/core/ports/pages.ts';
import type { Backstop, RevocationQueue } from '../../functions/core/ports/triggers.ts';
import type { Time } from './time.ts';

/** The due leases are looked for this often, and at once when somebody asks: so nothing is later than this, after a crash too. */
const POLL_MS = 250;
/** Docker Hub calls under way at once. */
const MAX_CONCURRENCY = 16;
/**
 * Pause of a lease after an attempt whose outcome could not be written down, as on a full disk; doubles. The row stays due, so
 * nothing else would keep every look from asking Docker Hub again.
 */
const FIRST_REST_MS = 1_000;
/** So much later than the store a lease may be back. */
const MAX_REST_MS = 15_000;

/** The embedded edition's clockwork: it revokes what is due, by the very rows of the lease store. */
export interface Scheduler {
  readonly backstop: Backstop;
  readonly queue: RevocationQueue;
  /** Begins with what is due already. */
  start(ports: RevokePorts): void;
  /** Takes up nothing more and waits for what is under way. */
  stop(): Promise<void>;
}

/** A pause by steady time, which a clock that is set back does not lengthen. */
interface Rest {
  readonly failures: number;
  isOver: boolean;
  readonly callOff: () => void;
}

/**
 * Makes the scheduler. A lease's due time is on disk with the lease, so that arming only has to make sure of a look at that
 * moment, and a restart loses nothing.
 */
export function scheduler(time: Time, onError: (code: string, leaseId?: string) => void): Scheduler {
  const underWay = new Map<string, Promise<void>>();
  /** Due leases whose last attempts could not be written down. */
  const resting = new Map<string, Rest>();
  let ports: RevokePorts | undefined;
  let callOff = () => {};
  let timerAtMs = Number.POSITIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let lookAgain = false;

  function wakeBy(atMs: number): void {
    if (ports === undefined || atMs >= timerAtMs) return;
    callOff();
    timerAtMs = atMs;
    callOff = time.after(Math.max(0, atMs - time.nowMs()), look);
  }

  function look(): void {
    timerAtMs = Number.POSITIVE_INFINITY;
    if (ports === undefined) return;
    wakeBy(time.nowMs() + POLL_MS);
    if (looking !== undefined) {
      lookAgain = true;
      return;
    }
    looking = takeUp(ports)
      .catch(() => onError('due_lookup_failed'))
      .finally(() => {
        looking = undefined;
        if (lookAgain) wakeBy(time.nowMs());
        lookAgain = false;
      });
  }

  async function takeUp(revokePorts: RevokePorts): Promise<void> {
    const due = new Set<string>();
    let nextToken: string | undefined;
    do {
      const page: Page<string> = await revokePorts.leases.due(time.nowMs(), {
        limit: 100,
        ...(nextToken && { nextToken }),
      });
      for (const leaseId of page.items) {
        if (ports === undefined) return;
        due.add(leaseId);
        if (underWay.has(leaseId) || resting.get(leaseId)?.isOver === false) continue;
        while (underWay.size >= MAX_CONCURRENCY) await Promise.race(underWay.values());
        underWay.set(leaseId, revoke(revokePorts, leaseId));
      }
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    for (const leaseId of resting.keys()) if (!due.has(leaseId)) wake(leaseId);
  }

  async function revoke(revokePorts: RevokePorts, leaseId: string): Promise<void> {
    await revokeLease(revokePorts, leaseId, { trigger: 'due', reason: 'expired' })
      .then(
        () => wake(leaseId),
        () => {
          onError('revoke_failed', leaseId);
          rest(leaseId);
        },
      )
      .finally(() => underWay.delete(leaseId));
  }

  function rest(leaseId: string): void {
    if (ports === undefined) return;
    const failures = (resting.get(leaseId)?.failures ?? 0) + 1;
    const restMs = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** (failures - 1));
    const begun: Rest = {
      failures,
      isOver: false,
      callOff: time.after(restMs, () => {
        begun.isOver = true;
      }),
    };
    resting.set(leaseId, begun);
  }

  function wake(leaseId: string): void {
    resting.get(leaseId)?.callOff();
    resting.delete(leaseId);
  }

  return {
    backstop: { arm: async (_leaseId, atMs) => wakeBy(atMs) },
    queue: {
      send: async (_leaseId, delayMs) => wakeBy(time.nowMs() + delayMs),
      sendAll: async () => wakeBy(time.nowMs()),
    },
    start(revokePorts) {
      ports = revokePorts;
      wakeBy(time.nowMs());
    },
    async stop() {
      ports = undefined;
      callOff();
      await looking;
      await Promise.all(underWay.values());
      for (const leaseId of resting.keys()) wake(leaseId);
    },
  };
}
