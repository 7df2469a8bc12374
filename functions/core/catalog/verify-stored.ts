import { noteFacts, refuseMints } from '../hub/facts.ts';
import { auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { Failed, fail } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { VerifyPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { type VerificationStep, verifyByToken } from './verify.ts';

/**
 * Verifies a stored target with its current credential, and stores the results. If Docker Hub keeps too little, mints are refused
 * from then on. When a verification passes, mints are allowed again.
 *
 * @throws Failed `version_conflict`, `store_unavailable`, all of `openSession` and `verifyByToken`.
 */
export async function verifyStored(
  ports: VerifyPorts,
  origin: Origin,
  target: Target,
): Promise<{ readonly target: Target; readonly pending?: VerificationStep }> {
  const verified = await verifyByToken(ports, origin, target).catch(async (error: unknown) => {
    const tag = error instanceof Failed ? error.failure.tag : undefined;
    if (tag === 'expiry_refused' || tag === 'label_refused') await refuseMints(ports, target, tag);
    throw error;
  });
  if (verified === undefined) return { target, pending: 'login' };
  const { verification, pending } = verified;
  const changed: Target = {
    ...target,
    verification,
    expiryGranularity: verification.expiryGranularity ?? target.expiryGranularity,
    version: target.version + 1,
    opId: ports.ids.opId(),
  };
  if ((await stored(ports.catalog.putTarget(changed))) === 'conflict') {
    throw fail({ tag: 'version_conflict', name: target.name });
  }
  await endRefusal(ports, changed, { pending });
  await ports.audit.record({
    event: 'target.verified',
    atMs: ports.clock.nowMs(),
    ...auditOrigin(origin),
    target: target.name,
  });
  return { target: changed, ...(pending !== undefined && { pending }) };
}

/**
 * Allows mints again after a target was verified, or after its owner accepted unproven expiries.
 *
 * @param verified the verification that was just made, and its pending step; absent if none was made.
 */
export async function endRefusal(
  ports: Pick<VerifyPorts, 'sessions' | 'ids'>,
  { name, verification, allowUnprovenExpiry }: Target,
  verified: { readonly pending: VerificationStep | undefined } | undefined,
): Promise<void> {
  // A login alone proves nothing about labels and expiries. Neither does a token that could not be read.
  const isByToken = verification?.labelMaxCharacters !== undefined;
  const isPassed = verified !== undefined && isByToken && verified.pending !== 'read';
  await noteFacts(ports, name, ({ refusal }) => {
    if (refusal === undefined) return undefined;
    const isOver =
      refusal.code === 'list_lags'
        ? isPassed && verified.pending !== 'list'
        : isPassed || (refusal.code === 'expiry_refused' && allowUnprovenExpiry === true);
    return isOver ? { refusal: undefined } : undefined;
  });
}
