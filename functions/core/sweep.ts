import { removeDrainedSecrets, removeDrainedTarget } from './drain.ts';
import { deleteToken } from './evidence.ts';
import { Failed } from './failure.ts';
import { readLabel } from './label.ts';
import { isOpen, type Lease, nextLease } from './lease.ts';
import { listAll } from './listing.ts';
import { everyPage } from './pages.ts';
import type { HubToken, RevokePorts, SweepPorts, TokenPlace } from './ports.ts';
import { quotaCounters, recount } from './quota.ts';
import { reservedUntilMs, yieldToRevocation } from './rate.ts';
import { auditIds, reopenLease, revokeLease } from './revoke.ts';
import { withSession } from './session.ts';
import { hubAccountOf, type Target } from './target.ts';

/**
 * Hands every due lease to the revoker.
 *
 * @param most stop after so many; what is left is found by the next sweep.
 * @returns how many were handed on.
 * @throws any error of the lease store, or the last of the queue's after all others were tried.
 */
export async function sweepDue(ports: RevokePorts, most: number): Promise<number> {
  let handedOn = 0;
  let failed: unknown;
  for await (const leaseId of everyPage((page) => ports.leases.due(ports.clock.nowMs(), page))) {
    if (handedOn >= most) break;
    // One message that is refused must not keep back those behind it.
    await ports.queue.send(leaseId, 0).catch((error: unknown) => {
      failed = error;
    });
    handedOn += 1;
  }
  if (failed !== undefined) throw failed;
  return handedOn;
}

/** What one look at a target's account found. */
export interface Reconciliation {
  /** Tokens of this installation on the account. */
  readonly ours: number;
  /** Tokens whose lease was lost: recorded anew and revoked. */
  readonly orphans: number;
  /** Leases that read `revoked` while their token lived. */
  readonly reopened: number;
  /** Tokens besides, or left over by, their lease's own: deleted. */
  readonly strays: number;
  /** Whether every page could be read. */
  readonly complete: boolean;
}

/**
 * Compares a target's tokens on Docker Hub with the leases and settles what does not agree. A token is only ever touched when
 * its label carries this installation's MAC for this very account. Gives way to revocations that wait for Docker Hub's requests.
 *
 * @throws as `openSession`, and any error of the lease store; repeat later.
 */
export async function reconcile(ports: SweepPorts, target: Target): Promise<Reconciliation> {
  const hubAccount = hubAccountOf(target);
  const place: TokenPlace = target.kind === 'org' ? { kind: 'oat', organization: hubAccount } : { kind: 'pat' };
  await yieldToRevocation(ports, target);
  // Of a large account the listing alone would take every request there is.
  const enough = async () => (await reservedUntilMs(ports, target)) === undefined;
  const listing = await listAll(ports, target, place, enough);
  const found = { ours: 0, orphans: 0, reopened: 0, strays: 0 };
  for (const token of listing.tokens) {
    const leaseId = readLabel(ports.labels, token.label, hubAccount);
    if (leaseId === undefined) continue;
    found.ours += 1;
    const verdict = await settleToken(ports, target, place, token, leaseId);
    if (verdict !== 'covered') found[verdict] += 1;
  }
  return { ...found, complete: listing.complete };
}

async function settleToken(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  token: HubToken,
  leaseId: string,
): Promise<'covered' | 'orphans' | 'reopened' | 'strays'> {
  // Read after the listing: a lease is recorded before its token is created, so a token without one has lost it.
  const lease = await ports.leases.get(leaseId);
  if (lease === undefined) {
    await adopt(ports, target, token, leaseId);
    return 'orphans';
  }
  if (isOpen(lease)) {
    // Without an id on record the revoker goes by the label and finds this token too.
    if (lease.tokenId !== undefined && lease.tokenId !== token.tokenId) {
      return deleteStray(ports, target, place, token, lease);
    }
    await noteUse(ports, lease, token);
    await takeUpAgain(ports, lease);
    return 'covered';
  }
  // A list may lag behind a delete; only the token itself can say that it lives.
  const reply = await withSession(ports, target, (session) => ports.hub.getToken(session, place, token.tokenId));
  if (!reply.ok) return 'covered';
  const hubNowMs = reply.meta.hubDateMs ?? ports.clock.nowMs();
  const ended = reply.value.expiresAtMs !== null && reply.value.expiresAtMs < hubNowMs;
  // Docker Hub keeps listing what has expired, and an organization's count of tokens includes it.
  if (ended) return deleteStray(ports, target, place, token, lease);
  await reopenLease(ports, lease, token.tokenId);
  await revokeLease(ports, leaseId, { trigger: 'asked', reason: 'reopened' });
  return 'reopened';
}

/**
 * Docker Hub answers again, so a revocation that waits because it did not need not sit out its pause: that may be a quarter of an
 * hour, and the token lives. One that fails again waits longer.
 */
async function takeUpAgain(ports: SweepPorts, lease: Lease): Promise<void> {
  if (lease.status !== 'revoking' || lease.lastError?.startsWith('hub_unavailable') !== true) return;
  await revokeLease(ports, lease.id, { trigger: 'asked', reason: 'expired' });
}

/** Best effort: what a lease was used for last is a courtesy to its owner. */
async function noteUse(ports: SweepPorts, lease: Lease, token: HubToken): Promise<void> {
  const lastUsedAtMs = token.lastUsedAtMs ?? undefined;
  if (lease.status !== 'active' || lastUsedAtMs === undefined || lastUsedAtMs === lease.lastUsedAtMs) return;
  await ports.leases.update(nextLease(lease, ports.ids.opId(), { lastUsedAtMs })).catch(() => undefined);
}

async function deleteStray(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  token: HubToken,
  lease: Lease,
): Promise<'covered' | 'strays'> {
  const status = await deleteToken(ports, target, place, token.tokenId);
  if (typeof status !== 'number') return 'covered';
  await ports.audit.record({
    event: 'token.stray_deleted',
    atMs: ports.clock.nowMs(),
    ...auditIds(lease),
    tokenId: token.tokenId,
  });
  return 'strays';
}

/** Writes the lost lease anew, as far as its token tells of it, and revokes it. */
async function adopt(ports: SweepPorts, target: Target, token: HubToken, leaseId: string): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const endMs = token.expiresAtMs ?? nowMs;
  const orphan: Lease = {
    schema: 1,
    id: leaseId,
    status: 'revoking',
    version: 1,
    opId: ports.ids.opId(),
    secret: 'orphan',
    target: target.name,
    hubAccount: hubAccountOf(target),
    kind: target.kind === 'org' ? 'oat' : 'pat',
    caller: 'unknown',
    hubLabel: token.label,
    requestId: 'sweep',
    issuedAtMs: token.createdAtMs,
    expiresAtMs: endMs,
    maxExpiresAtMs: endMs,
    hubExpiresAtMs: token.expiresAtMs,
    renewable: false,
    mintByMs: token.createdAtMs,
    tokenId: token.tokenId,
    attempts: 0,
    dueAtMs: nowMs,
    revokeReason: 'orphan',
    revokingSinceMs: nowMs,
  };
  // Another sweep was first, or this lease is not lost after all: its row is revoked like any other then.
  if ((await ports.leases.create(orphan)) === 'conflict') return;
  await ports.audit.record({ event: 'lease.orphan_adopted', atMs: nowMs, ...auditIds(orphan) });
  await revokeLease(ports, leaseId, { trigger: 'asked', reason: 'orphan' });
}

/** What a whole sweep came to. */
export interface SweepReport {
  readonly due: number;
  readonly targets: number;
  readonly found: Omit<Reconciliation, 'complete'>;
  readonly removed: number;
  /** Quota counters that were wrong. */
  readonly recounted: number;
  /** What could not be done this time, by failure code; the rest was done all the same. */
  readonly failures: readonly SweepFailure[];
  /** Where to go on; absent when every target was looked at. */
  readonly resumeAfter?: string;
}

export interface SweepFailure {
  readonly step: 'due' | 'secrets' | 'quotas' | 'reconcile' | 'remove';
  readonly target?: string;
  readonly code: string;
}

/**
 * One sweep: due leases to the queue, then each target's account reconciled, then what has drained removed. What fails does not
 * stop the rest.
 *
 * @param bounds stop taking up targets after `untilMs`; begin after the target named `after`.
 * @throws any error of the catalog when targets cannot be listed.
 */
export async function sweep(
  ports: SweepPorts,
  bounds: { readonly untilMs: number; readonly mostDue: number; readonly after?: string },
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
  const found = { ours: 0, orphans: 0, reopened: 0, strays: 0 };
  let targets = 0;
  let last = bounds.after;
  for await (const target of allTargets(ports, bounds.after)) {
    if (ports.clock.nowMs() >= bounds.untilMs) {
      const report = { due, targets, found, removed, recounted, failures };
      return last === undefined ? report : { ...report, resumeAfter: last };
    }
    const { name } = target;
    const result = await attempt({ step: 'reconcile', target: name }, () => reconcile(ports, target));
    found.ours += result?.ours ?? 0;
    found.orphans += result?.orphans ?? 0;
    found.reopened += result?.reopened ?? 0;
    found.strays += result?.strays ?? 0;
    if (result?.complete === false) failures.push({ step: 'reconcile', target: name, code: 'listing_incomplete' });
    // Apart, for a target whose credential is gone already can no longer be looked at.
    if (await attempt({ step: 'remove', target: name }, () => removeDrainedTarget(ports, target))) removed += 1;
    targets += 1;
    last = name;
  }
  return { due, targets, found, removed, recounted, failures };
}

/** Every target by name, from behind `after`. */
async function* allTargets(ports: SweepPorts, after: string | undefined): AsyncGenerator<Target> {
  for await (const target of everyPage((page) => ports.catalog.listTargets({}, page))) {
    if (after === undefined || target.name > after) yield target;
  }
}
