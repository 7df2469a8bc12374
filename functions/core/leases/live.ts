import { placeOf } from '../ending/evidence.ts';
import { noteLimit, takeLook } from '../hub/looks.ts';
import { withSession } from '../hub/session.ts';
import { isOpen, type Lease, type SeenToken } from '../model/lease.ts';
import type { Target } from '../model/target.ts';
import type { HubReply, HubToken } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { noteView } from './note-token.ts';

/** How long a view is reused before Docker Hub is asked again. */
const VIEW_SERVES_MS = 30_000;

/** The state of a lease's token on Docker Hub, and when it was read. */
export type LiveView = SeenToken;

/**
 * Looks up the state of a lease's token on Docker Hub. Asks Docker Hub only if the last view is older than 30 s and the target's
 * pace of lookups allows it. Otherwise returns the last view. Undefined if the lease has no token or is revoked, or if there is
 * no view yet. Never fails because of Docker Hub, so that the lease itself can still be shown.
 *
 * @throws Failed `store_unavailable`.
 */
export async function lookLive(ports: RevokePorts, lease: Lease): Promise<LiveView | undefined> {
  const { tokenId, seen } = lease;
  if (tokenId === undefined || !isOpen(lease)) return undefined;
  const ageMs = ports.clock.nowMs() - (seen?.atMs ?? Number.NEGATIVE_INFINITY);
  if (ageMs >= 0 && ageMs < VIEW_SERVES_MS) return seen;
  const target = await stored(ports.catalog.getTarget(lease.target));
  if (target === undefined) return seen;
  const look = await takeLook(ports, target);
  if (look === undefined) return seen;
  const reply = await ask(ports, target, lease, tokenId);
  if (reply === undefined) return seen;
  await noteLimit(ports, target.name, look, reply.meta);
  const view = viewOf(reply, ports.clock.nowMs());
  if (view === undefined) return seen;
  await noteView(ports, lease, view, reply.ok ? reply.value : undefined);
  return view;
}

async function ask(
  ports: RevokePorts,
  target: Target,
  lease: Lease,
  tokenId: string,
): Promise<HubReply<HubToken> | undefined> {
  const call = withSession(ports, target, (session) => ports.hub.getToken(session, placeOf(lease), tokenId), 'look');
  return call.catch(() => undefined);
}

/** Undefined if Docker Hub does not say. */
function viewOf(reply: HubReply<HubToken>, atMs: number): LiveView | undefined {
  if (reply.ok) {
    const { isActive, lastUsedAtMs } = reply.value;
    return { atMs, found: true, isActive, lastUsedAtMs };
  }
  return reply.problem.tag === 'not_found' ? { atMs, found: false } : undefined;
}
