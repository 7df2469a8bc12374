import { agree, gapIn, judgeAbsence, lagDoubt, quietUntilMs } from '../ending/absence.ts';
import { noteBlocked } from '../ending/blocked.ts';
import { concludeLease } from '../ending/conclude.ts';
import { placeOf } from '../ending/evidence.ts';
import { readFacts } from '../hub/facts.ts';
import { type Listing, listAll } from '../hub/listing.ts';
import { isLeftToSweep, type Lease } from '../model/lease.ts';
import { hubAccountOf, type Target } from '../model/target.ts';
import type { RevokePorts } from '../ports/needs.ts';

/**
 * Ends the leases of refused creates, all with two listings: the one that the sweep has already made, and a second one if it is
 * needed. A lease stays for a later sweep if its quiet period is not over, or if its token may be listed.
 *
 * @param first complete.
 * @param open the target's open leases, as they were before the listing or later.
 * @param mayGoOn as of `listAll`.
 * @returns the number of leases that ended.
 * @throws as `openSession`, and any error of the lease store.
 */
export async function endRefusedCreates(
  ports: RevokePorts,
  target: Target,
  first: Listing,
  open: readonly Lease[],
  mayGoOn?: () => Promise<boolean>,
): Promise<number> {
  const facts = await readFacts(ports, target.name);
  const quietMs = (lease: Lease) => quietUntilMs(lease, ports.limits, target, facts);
  // This list shows nothing about another account that the target's name had before.
  const waiting = open.filter(
    (lease) => isLeftToSweep(lease) && lease.hubAccount === hubAccountOf(target) && quietMs(lease) <= first.startedAtMs,
  );
  const [one] = waiting;
  if (one === undefined || (await lagDoubt(ports, target)) !== undefined) return 0;
  const second = await listAll(ports, target, placeOf(one), 'revoke', mayGoOn);
  if (gapIn(ports, target, second) !== undefined || !(await agree(ports, one.hubAccount, first, second))) return 0;
  let ended = 0;
  for (const { id } of waiting) {
    // The lease may have learned its token meanwhile, or have ended.
    const lease = await ports.leases.get(id);
    if (lease === undefined || !isLeftToSweep(lease)) continue;
    const absence = judgeAbsence(ports, target, lease, { first, second, quietUntilMs: quietMs(lease) });
    if (absence.tag === 'unproven') {
      if (absence.blockedBy !== undefined) await noteBlocked(ports, lease, absence.blockedBy);
      continue;
    }
    const removedTokenIds = lease.removedTokenIds ?? [];
    await concludeLease(ports, lease, 'mint_failed', { evidence: absence.evidence, removedTokenIds });
    ended += 1;
  }
  return ended;
}
