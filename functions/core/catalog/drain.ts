import type { DynamicSecret } from '../model/secret.ts';
import type { Target } from '../model/target.ts';
import type { SweepPorts } from '../ports/needs.ts';
import { everyPage } from '../ports/pages.ts';
import { withStatus } from './entries.ts';

type Ports = Pick<SweepPorts, 'leases' | 'catalog' | 'credentials' | 'sessions' | 'clock' | 'ids'>;

/**
 * Removes a draining target, its credential and its session if it has no open lease. Returns whether it did. The credential
 * is removed before the row that names it. So after a crash in between, the row is still found.
 */
export async function removeDrainedTarget(ports: Ports, target: Target): Promise<boolean> {
  if (target.status !== 'draining' || !hasSettled(ports, target.updatedAtMs)) return false;
  if ((await ports.leases.countOpen({ target: target.name })) > 0) return false;
  await ports.credentials.remove(target.name);
  await ports.sessions.remove(target.name);
  return (await ports.catalog.deleteTarget(target.name, target.version)) === 'written';
}

/** Removes a draining secret if it has no open lease. Returns whether it did. */
export async function removeDrainedSecret(ports: Ports, secret: DynamicSecret): Promise<boolean> {
  if (secret.status !== 'draining' || !hasSettled(ports, secret.updatedAtMs)) return false;
  if ((await ports.leases.countOpen({ secret: secret.name })) > 0) return false;
  if (secret.ownTarget === true && !(await removeOwnTarget(ports, secret.target))) return false;
  return (await ports.catalog.deleteSecret(secret.name, secret.version)) === 'written';
}

/** A secret's inline credential is removed with the secret, and before it, because the secret's row names it. */
async function removeOwnTarget(ports: Ports, name: string): Promise<boolean> {
  const target = await ports.catalog.getTarget(name);
  if (target === undefined) return true;
  if (target.status === 'draining') return removeDrainedTarget(ports, target);
  const draining = withStatus(ports, target, 'draining');
  return (await ports.catalog.putTarget(draining)) === 'written' && removeDrainedTarget(ports, draining);
}

/** Removes every drained secret. Returns how many. */
export async function removeDrainedSecrets(ports: Ports): Promise<number> {
  let removed = 0;
  for await (const secret of everyPage((page) => ports.catalog.listSecrets({}, page))) {
    if (await removeDrainedSecret(ports, secret)) removed += 1;
  }
  return removed;
}

/** Whether all leases that were recorded before the draining began are now counted. */
function hasSettled(ports: Ports, drainingSinceMs: number): boolean {
  return ports.clock.nowMs() >= drainingSinceMs + ports.leases.settleMs;
}
