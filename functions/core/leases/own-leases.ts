import { revokeLease } from '../ending/revoke.ts';
import { isAllowed } from '../model/allow.ts';
import { type Caller, isOwner, type Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import type { Lease, LeaseStatus } from '../model/lease.ts';
import type { DynamicSecret } from '../model/secret.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { Page, PageRequest } from '../ports/pages.ts';
import { everyPage } from '../ports/pages.ts';
import { stored } from '../ports/stored.ts';

type ReadPorts = Pick<RevokePorts, 'leases' | 'catalog'>;

/** The caller's own leases, newest first. Leases of an earlier role with the same ARN are left out, so a page may be shorter. */
export async function listOwn(
  ports: ReadPorts,
  origin: Origin,
  filter: { readonly secret?: string; readonly status?: LeaseStatus },
  page: PageRequest,
): Promise<Page<Lease>> {
  const { items, ...rest } = await stored(ports.leases.list({ ...filter, caller: origin.caller.arn }, page));
  return { items: items.filter((lease) => isOwner(lease, origin.caller)), ...rest };
}

/**
 * One of the caller's own leases.
 *
 * @throws Failed `lease_not_found`, also for another caller's lease, so that its existence is not revealed.
 */
export async function showOwn(ports: ReadPorts, origin: Origin, leaseId: string): Promise<Lease> {
  const lease = await stored(ports.leases.get(leaseId));
  if (lease === undefined || !isOwner(lease, origin.caller)) throw fail({ tag: 'lease_not_found', leaseId });
  return lease;
}

/**
 * Revokes one of the caller's own leases now. A repeated call tries again only if the lease is due, or 30 s after the last
 * attempt, because all callers share Docker Hub's requests. `pending` if there is no proof yet; the revocation then continues by
 * itself. If the lease is already revoked, the call succeeds.
 *
 * @throws Failed `lease_not_found`.
 */
export async function revokeOwn(
  ports: RevokePorts,
  origin: Origin,
  leaseId: string,
): Promise<{ readonly lease: Lease; readonly pending: boolean }> {
  await showOwn(ports, origin, leaseId);
  const revocation = await stored(revokeLease(ports, leaseId, { trigger: 'caller', reason: 'caller', origin }));
  if (revocation.outcome === 'unknown') throw fail({ tag: 'lease_not_found', leaseId });
  return { lease: revocation.lease, pending: revocation.outcome !== 'revoked' };
}

/** The caller as hublease sees it, and the names of the secrets that list it. */
export async function whoami(
  ports: ReadPorts,
  origin: Origin,
): Promise<{ readonly caller: Caller; readonly secrets: readonly DynamicSecret[] }> {
  const secrets: DynamicSecret[] = [];
  const listed = everyPage((page) => stored(ports.catalog.listSecrets({}, page)));
  for await (const secret of listed) if (isAllowed(secret.allow, origin.caller)) secrets.push(secret);
  return { caller: origin.caller, secrets };
}
