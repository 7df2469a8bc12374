import type { Origin } from './caller.ts';
import { fail } from './failure.ts';
import { isOpen, type Lease, nextLease } from './lease.ts';
import { isUnder } from './name.ts';
import type { LeaseFilter, Page, PageRequest, RevokePorts } from './ports.ts';
import { openLeases } from './quota.ts';
import { auditIds, revokeLease } from './revoke.ts';
import { stored } from './stored.ts';

/** Exactly one way to name leases. A prefix covers whole segments of secrets' names. */
export type Selector =
  | { readonly prefix: string }
  | { readonly target: string }
  | { readonly caller: string }
  | { readonly tokenSha256: string };

/** Everybody's leases, newest first, for admins. @throws Failed `invalid_field` for a foreign `nextToken`, `store_unavailable`. */
export async function listAllLeases(
  ports: Pick<RevokePorts, 'leases'>,
  filter: LeaseFilter,
  page: PageRequest,
): Promise<Page<Lease>> {
  return stored(ports.leases.list(filter, page));
}

/** @throws Failed `lease_not_found`, `store_unavailable`. */
export async function showAnyLease(ports: Pick<RevokePorts, 'leases'>, leaseId: string): Promise<Lease> {
  const lease = await stored(ports.leases.get(leaseId));
  if (lease === undefined) throw fail({ tag: 'lease_not_found', leaseId });
  return lease;
}

/** Revokes anybody's lease now. @throws Failed `lease_not_found`, `store_unavailable`. */
export async function revokeAnyLease(
  ports: RevokePorts,
  origin: Origin,
  leaseId: string,
): Promise<{ readonly lease: Lease; readonly pending: boolean }> {
  const revocation = await stored(revokeLease(ports, leaseId, { trigger: 'asked', reason: 'admin', origin }));
  if (revocation.outcome === 'unknown') throw fail({ tag: 'lease_not_found', leaseId });
  return { lease: revocation.lease, pending: revocation.outcome !== 'revoked' };
}

/**
 * Marks every open lease that the selector names as being revoked, and hands each to the revoker. Docker Hub is not waited for:
 * how far it has come is seen in the leases. One lease that cannot be marked does not stop the others. A token's hash names
 * its lease even when that is revoked already, so that a leak can be traced.
 *
 * @param untilMs stop then; repeating takes up what is left.
 * @returns the leases as they are now, and whether all were reached.
 * @throws Failed `store_unavailable` when leases could not be read.
 */
export async function revokeMatching(
  ports: RevokePorts,
  origin: Origin,
  selector: Selector,
  untilMs: number,
): Promise<{ readonly leases: readonly Lease[]; readonly complete: boolean }> {
  if ('tokenSha256' in selector) return revokeByToken(ports, origin, selector.tokenSha256);
  const leases: Lease[] = [];
  const open = openLeases(ports);
  for (;;) {
    const next = await stored(open.next());
    if (next.done === true) return { leases, complete: true };
    if (ports.clock.nowMs() >= untilMs) return { leases, complete: false };
    if (isNamed(next.value, selector)) leases.push(await mark(ports, origin, next.value));
  }
}

async function revokeByToken(ports: RevokePorts, origin: Origin, tokenSha256: string) {
  const leaseId = await stored(ports.leases.findByToken(tokenSha256));
  const lease = leaseId === undefined ? undefined : await stored(ports.leases.get(leaseId));
  if (lease === undefined) return { leases: [], complete: true };
  return { leases: [isOpen(lease) ? await mark(ports, origin, lease) : lease], complete: true };
}

function isNamed(lease: Lease, selector: Exclude<Selector, { tokenSha256: string }>): boolean {
  if ('prefix' in selector) return isUnder(lease.secret, selector.prefix);
  return 'target' in selector ? lease.target === selector.target : lease.caller === selector.caller;
}

/** Best effort for each: a lease that could not be marked is returned as it stands and taken up when it is due. */
async function mark(ports: RevokePorts, origin: Origin, seen: Lease): Promise<Lease> {
  const lease = await ports.leases.get(seen.id).catch(() => undefined);
  if (lease === undefined || !isOpen(lease)) return lease ?? seen;
  const nowMs = ports.clock.nowMs();
  const revoking = nextLease(lease, ports.ids.opId(), {
    status: 'revoking',
    revokeReason: lease.revokeReason ?? 'admin',
    revokingSinceMs: lease.revokingSinceMs ?? nowMs,
    dueAtMs: nowMs,
  });
  const outcome = await ports.leases.update(revoking).catch(() => 'conflict');
  if (outcome === 'conflict') return lease;
  const { caller, requestId, sourceIp } = origin;
  await ports.audit.record({
    event: 'lease.revoke_requested',
    atMs: nowMs,
    ...auditIds(revoking),
    requestId,
    ...(sourceIp !== undefined && { sourceIp }),
    detail: { reason: 'admin', by: caller.arn },
  });
  await ports.queue.send(lease.id, 0).catch(() => undefined);
  return revoking;
}
