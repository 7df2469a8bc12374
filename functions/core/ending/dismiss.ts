import { auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { AdminPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';

/** Maximum dismissed ids that a target remembers. The oldest are dropped first. By then, their tokens are gone or block nothing. */
const MAX_DISMISSED = 100;

/**
 * Declares that listed tokens are not from hublease, so that they no longer keep a lease open. If such a token is from hublease
 * after all, its lease can end as `absent` while the token lives. The admin takes responsibility for that. Nothing is deleted.
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
