import { refuseMints } from '../hub/facts.ts';
import type { Target } from '../model/target.ts';
import type { HubToken } from '../ports/docker-hub.ts';
import type { SweepPorts } from '../ports/needs.ts';
import { expiryFactsOf } from './verified-expiry.ts';

/**
 * Compares a verification's token with its request when the token is finally listed. Its verification ran out of time before
 * that, and may have seen only the answer to the create. If Docker Hub kept too little, mints are refused.
 *
 * @throws any error of the lease store.
 */
export async function judgeListed(
  ports: SweepPorts,
  target: Target,
  leaseId: string,
  { label, expiresAtMs }: HubToken,
): Promise<void> {
  const lease = await ports.leases.get(leaseId);
  if (lease === undefined) return;
  if (label !== lease.hubLabel) await refuseMints(ports, target, 'label_refused');
  else if (expiryFactsOf(target, lease, [expiresAtMs]) === undefined)
    await refuseMints(ports, target, 'expiry_refused');
}
