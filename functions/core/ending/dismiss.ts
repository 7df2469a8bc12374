import { auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { AdminPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';

/** Dismissed ids that a target remembers; the oldest go first, and by then their tokens are long gone or blocked nothing. */
const MAX_DISMISSED = 100;

/**
 * Says that listed tokens are not hublease's, so that they keep no lease open any more. Their own leases, if they were hublease's
 * after all, would then read `absent` while they live: the admin vouches for that. Nothing is deleted.
 *
 * @param tokenIds 1 to 100, as the lease's `blockedBy` names them.
 * @throws Failed `target_not_found`, `version_conflict`, `store_unavailable`.
 */
export async function dismissTokens(
  ports: Pick<AdminPorts, 'catalog' | 'audit' | 'clock' | 'ids'>,
  origin: Origin,
  name: string,
  tokenIds: readonly string[],
): Promise<Target> {
  const target = await stored(ports.catalog.getTarget(name));
  if (target === undefined) throw fail({ tag: 'target_not_found', target: name });
  const known = target.dismissedTokenIds ?? [];
  const added = [...new Set(tokenIds)].filter((tokenId) => !known.includes(tokenId));
  if (added.length === 0) return target;
  const changed: Target = {
    ...target,
    dismissedTokenIds: [...known, ...added].slice(-MAX_DISMISSED),
    version: target.version + 1,
    opId: ports.ids.opId(),
  };
  if ((await stored(ports.catalog.putTarget(changed))) === 'conflict') throw fail({ tag: 'version_conflict', name });
  for (const tokenId of added) {
    const atMs = ports.clock.nowMs();
    await ports.audit.record({
      event: 'token.dismissed',
      atMs,
      ...auditOrigin(origin),
      target: name,
      tokenId,
    });
  }
  return changed;
}
