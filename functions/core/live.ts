import { placeOf } from './evidence.ts';
import { isOpen, type Lease } from './lease.ts';
import { noteToken } from './note-token.ts';
import type { RevokePorts } from './ports.ts';
import { withSession } from './session.ts';
import { stored } from './stored.ts';

/** What Docker Hub itself says of a lease's token. */
export type LiveView =
  | { readonly found: true; readonly isActive: boolean; readonly lastUsedAtMs: number | null }
  /** Docker Hub has no such token. */
  | { readonly found: false };

/**
 * Asks Docker Hub for a lease's token; undefined when there is nothing to ask for (no token on record, or it is revoked), or
 * Docker Hub could not say. Never fails because of Docker Hub: the lease itself is worth showing.
 *
 * @throws Failed `store_unavailable`.
 */
export async function lookLive(ports: RevokePorts, lease: Lease): Promise<LiveView | undefined> {
  const { tokenId } = lease;
  if (tokenId === undefined || !isOpen(lease)) return undefined;
  const target = await stored(ports.catalog.getTarget(lease.target));
  if (target === undefined) return undefined;
  try {
    const reply = await withSession(ports, target, (session) => ports.hub.getToken(session, placeOf(lease), tokenId));
    if (reply.ok && reply.value.expiresAtMs !== (lease.hubReportedExpiresAtMs ?? null)) {
      await noteToken(ports, lease, reply.value);
    }
    if (reply.ok) return { found: true, isActive: reply.value.isActive, lastUsedAtMs: reply.value.lastUsedAtMs };
    return reply.problem.tag === 'not_found' ? { found: false } : undefined;
  } catch {
    return undefined;
  }
}
