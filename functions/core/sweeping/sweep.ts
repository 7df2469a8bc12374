import { removeDrainedSecrets, removeDrainedTarget } from '../catalog/drain.ts';
import { VERIFICATION_SECRET } from '../catalog/throwaway.ts';
import { verifyStored } from '../catalog/verify-stored.ts';
import { noteFacts, readFacts } from '../hub/facts.ts';
import { openLeases, quotaCounters, recount } from '../leases/quota.ts';
import { Failed } from '../model/failure.ts';
import { isLeftToSweep, type Lease } from '../model/lease.ts';
import type { Target } from '../model/target.ts';
import type { RevokePorts, SweepPorts } from '../ports/needs.ts';
import { pagesOf } from '../ports/pages.ts';
import { type Reconciliation, reconcile } from './reconcile.ts';
import { giveTurns, type SweepPlace } from './sweep-turns.ts';

/** How often the sweep tries to verify a target whose mints are refused. Each try makes and deletes a token. */
const VERIFY_EVERY_MS = 3_600_000;
/** The caller name of the sweep, for operations that callers also use. */
const SWEEP_ORIGIN = { caller: { arn: 'hublease:sweep', accountId: '' }, requestId: 'sweep' };

/**
 * Hands every due lease to the revoker, a page at a time.
 *
 * @param most stop after this many; the next sweep finds the rest.
 * @returns the number of leases that were sent.
 * @throws any error of the lease store, or the queue's last error after all leases were tried.
 */
export async function sweepDue(ports: RevokePorts, most: number): Promise<number> {
  let handedOn = 0;
  let failed: unknown;
  for await (const page of pagesOf((request) => ports.leases.due(ports.clock.nowMs(), request))) {
    const leaseIds = page.slice(0, most - handedOn);
    if (leaseIds.length > 0) {
      // A page that fails must not stop the pages after it.
      await ports.queue.sendAll(leaseIds).catch((error: unknown) => {
        failed = error;
      });
    }
    handedOn += leaseIds.length;
    if (handedOn >= most) break;
  }
  if (failed !== undefined) throw failed;
  return handedOn;
}

/** The result of a whole sweep, and where the next one continues. */
export interface SweepReport extends SweepPlace {
  readonly due: number;
  readonly targets: number;
  readonly found: Pick<Reconciliation, 'ours' | 'orphans' | 'reopened' | 'strays'>;
  readonly removed: number;
  /** Quota counters that were wrong. */
  readonly recounted: number;
  /** The parts that failed, by failure code. All other parts were done. */
  readonly failures: readonly SweepFailure[];
}

export interface SweepFailure {
  readonly step: 'due' | 'secrets' | 'quotas' | 'leases' | 'reconcile' | 'verify' | 'remove';
  readonly target?: string;
  readonly code: string;
}

/**
 * One sweep. It sends due leases to the queue, then reconciles each target's account, then removes drained entries. A failure
 * does not stop the rest, and a slow target does not block the others.
 *
 * @param bounds no target gets a turn after `untilMs`; `from` is where the last sweep stopped.
 * @throws any error of the catalog if targets cannot be listed.
 */
export async function sweep(
  ports: SweepPorts,
  bounds: { readonly untilMs: number; readonly mostDue: number; readonly from?: SweepPlace },
): Promise<SweepReport> {
  const failures: SweepFailure[] = [];
  const attempt = async <T>(where: Omit<SweepFailure, 'code'>, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      failures.push({ ...where, code: error instanceof Failed ? error.failure.tag : 'store_unavailable' });
      return undefined;
    }
  };
  const due = (await attempt({ step: 'due' }, () => sweepDue(ports, bounds.mostDue))) ?? 0;
  let removed = (await attempt({ step: 'secrets' }, () => removeDrainedSecrets(ports))) ?? 0;
  const recounted = (await attempt({ step: 'quotas' }, async () => recount(ports, await quotaCounters(ports)))) ?? 0;
  const open = (await attempt({ step: 'leases' }, () => openByTarget(ports))) ?? new Map<string, Lease[]>();
  const found = { ours: 0, orphans: 0, reopened: 0, strays: 0 };
  const turns = await giveTurns(
    ports,
    { untilMs: bounds.untilMs, from: bounds.from ?? {} },
    async (target, untilMs) => {
      const { name } = target;
      const ofTarget = open.get(name) ?? [];
      const result = await attempt({ step: 'reconcile', target: name }, () =>
        reconcile(ports, target, ofTarget, untilMs),
      );
      found.ours += result?.ours ?? 0;
      found.orphans += result?.orphans ?? 0;
      found.reopened += result?.reopened ?? 0;
      found.strays += result?.strays ?? 0;
      const isLeftOver = result?.outOfTime === true;
      if (result?.complete === false) {
        failures.push({ step: 'reconcile', target: name, code: isLeftOver ? 'out_of_time' : 'listing_incomplete' });
      }
      await attempt({ step: 'verify', target: name }, () => verifyRefused(ports, target, ofTarget));
      // Separate, because a target whose credential is already gone cannot be reconciled.
      if (await attempt({ step: 'remove', target: name }, () => removeDrainedTarget(ports, target))) removed += 1;
      return isLeftOver ? 'left over' : 'done';
    },
  );
  return { due, found, removed, recounted, failures, ...turns };
}

/** The open leases that a listing can end or learn from: leases of refused creates, of verifications, and with a token in use. */
async function openByTarget(ports: SweepPorts): Promise<Map<string, Lease[]>> {
  const byTarget = new Map<string, Lease[]>();
  for await (const lease of openLeases(ports)) {
    const isOfUse = lease.createRefused === true || lease.secret === VERIFICATION_SECRET || lease.status === 'active';
    if (!isOfUse) continue;
    const leases = byTarget.get(lease.target);
    if (leases === undefined) byTarget.set(lease.target, [lease]);
    else leases.push(lease);
  }
  return byTarget;
}

/**
 * Verifies a target whose mints are refused, to find out whether it can mint again. At most hourly, and not while the token of a
 * former verification may live. Otherwise each verification would leave one more token if Docker Hub neither deletes nor ends
 * tokens.
 */
async function verifyRefused(ports: SweepPorts, target: Target, open: readonly Lease[]): Promise<void> {
  const { refusal } = await readFacts(ports, target.name);
  const nowMs = ports.clock.nowMs();
  if (refusal === undefined || target.status !== 'ready' || nowMs < refusal.triedAtMs + VERIFY_EVERY_MS) return;
  if (open.some((lease) => lease.secret === VERIFICATION_SECRET && !isLeftToSweep(lease))) return;
  await noteFacts(ports, target.name, (facts) => facts.refusal && { refusal: { ...facts.refusal, triedAtMs: nowMs } });
  await verifyStored(ports, SWEEP_ORIGIN, target);
}
