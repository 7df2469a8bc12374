import { revokeLease } from '../ending/revoke.ts';
import { auditIds } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import { isLeftToSweep, isOpen, type Lease, type RevokingLease } from '../model/lease.ts';
import { handToRevoker } from '../model/lease-transitions.ts';
import { isUnder } from '../model/name.ts';
import type { LeaseFilter } from '../ports/leases.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { Page, PageRequest } from '../ports/pages.ts';
import { stored } from '../ports/stored.ts';
import { openLeases } from './quota.ts';

/** After this many conflicting writes, a lease is left for the next request. */
const MAX_CONFLICTS = 5;

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
 * Marks every open lease that matches the selector as `revoking`, and sends each to the revoker. Does not wait for Docker Hub;
 * the leases show the progress. If one lease cannot be marked, the others still are. Leases that are already `revoking` come
 * last. Of these, only leases that wait for a later attempt are due at once, so that a repeated call makes progress. A token's
 * hash finds its lease even if the lease is already revoked, so that a leak can be traced.
 *
 * @param untilMs stop at this time; a repeated call continues with the rest.
 * @returns the leases as they are now, and whether all were marked.
 * @throws Failed `store_unavailable` if leases could not be read.
 */
export async function revokeMatching(
  ports: RevokePorts,
  origin: Origin,
  selector: Selector,
  untilMs: number,
): Promise<Marked> {
  if ('tokenSha256' in selector) return revokeByToken(ports, origin, selector.tokenSha256);
  const leases: Lease[] = [];
  const waiting: RevokingLease[] = [];
  let complete = true;
  const open = openLeases(ports);
  for (;;) {
    const next = await stored(open.next());
    if (next.done === true) break;
    if (ports.clock.nowMs() >= untilMs) return { leases: [...leases, ...waiting], complete: false };
    if (!isNamed(next.value, selector)) continue;
    if (next.value.status === 'revoking') {
      waiting.push(next.value);
      continue;
    }
    const { lease, reached } = await mark(ports, origin, next.value);
    leases.push(lease);
    complete &&= reached;
  }
  for (const lease of waiting) {
    const nowMs = ports.clock.nowMs();
    const hurries = nowMs < untilMs && lease.dueAtMs > nowMs;
    leases.push(hurries ? (await mark(ports, origin, lease)).lease : lease);
  }
  return { leases, complete };
}

interface Marked {
  readonly leases: readonly Lease[];
  readonly complete: boolean;
}

async function revokeByToken(ports: RevokePorts, origin: Origin, tokenSha256: string): Promise<Marked> {
  const leaseId = await stored(ports.leases.findByToken(tokenSha256));
  const found = leaseId === undefined ? undefined : await stored(ports.leases.get(leaseId));
  if (found === undefined) return { leases: [], complete: true };
  const { lease, reached } = await mark(ports, origin, found);
  return { leases: [lease], complete: reached };
}

function isNamed(lease: Lease, selector: Exclude<Selector, { tokenSha256: string }>): boolean {
  if ('prefix' in selector) return isUnder(lease.secret, selector.prefix);
  return 'target' in selector ? lease.target === selector.target : lease.caller === selector.caller;
}

/**
 * Best effort for each lease. Retries after every conflicting write, because no other change of a lease may keep its token alive.
 *
 * @returns the lease as last seen, and whether it is `revoking` or `revoked`.
 */
async function mark(ports: RevokePorts, origin: Origin, seen: Lease): Promise<{ lease: Lease; reached: boolean }> {
  for (let tries = 0; tries < MAX_CONFLICTS; tries++) {
    const read = await ports.leases.get(seen.id).then(
      (lease) => ({ lease }),
      () => undefined,
    );
    if (read === undefined) return { lease: seen, reached: false };
    const { lease } = read;
    if (lease === undefined || !isOpen(lease)) return { lease: lease ?? seen, reached: true };
    // The sweep's listings end it.
    if (isLeftToSweep(lease)) return { lease, reached: true };
    const nowMs = ports.clock.nowMs();
    const revoking = handToRevoker(lease, ports.ids.opId(), 'admin', nowMs);
    const outcome = await ports.leases.update(revoking).catch(() => 'unknown' as const);
    if (outcome === 'unknown') return { lease, reached: false };
    if (outcome === 'conflict') continue;
    await ports.queue.send(lease.id, 0).catch(() => undefined);
    await recordAsked(ports, origin, revoking);
    return { lease: revoking, reached: true };
  }
  return { lease: seen, reached: false };
}

async function recordAsked(ports: RevokePorts, { caller, requestId, sourceIp }: Origin, lease: Lease): Promise<void> {
  await ports.audit.record({
    event: 'lease.revoke_requested',
    atMs: ports.clock.nowMs(),
    ...auditIds(lease),
    requestId,
    ...(sourceIp !== undefined && { sourceIp }),
    detail: { reason: 'admin', by: caller.arn },
  });
}
