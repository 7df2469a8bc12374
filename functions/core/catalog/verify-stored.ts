import { noteFacts, refuseMints } from '../hub/facts.ts';
import { auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { Failed, fail } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { VerifyPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { type VerificationStep, verifyByToken } from './verify.ts';

/**
 * Verifies a stored target with the credential in force and stores what was learned. One that fails for what Docker Hub keeps
 * refuses mints from then on; one that passes ends that.
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
 * Lets mints through again after a target was verified, or its owner has said that its expiries need not be proven.
 *
 * @param verified the verification that was just made, and what it still waits for; absent where none was made.
 */
export async function endRefusal(
  ports: Pick<VerifyPorts, 'sessions' | 'ids'>,
  { name, verification, allowUnprovenExpiry }: Target,
  verified: { readonly pending: VerificationStep | undefined } | undefined,
): Promise<void> {
  // A login alone says nothing of labels and expiries, and neither does a token that could not be read.
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
