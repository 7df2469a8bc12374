import { proveCredential } from '../hub/session.ts';
import { targetChange } from '../model/audit-change.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { AdminPorts } from '../ports/needs.ts';
import type { Page, PageRequest } from '../ports/pages.ts';
import { everyPage } from '../ports/pages.ts';
import { stored } from '../ports/stored.ts';
import { removeDrainedTarget } from './drain.ts';
import { type ByOwner, checkOwner, deleteEntry, type EntryKind, recordChanged, writeEntry } from './entries.ts';
import { checkAccount, checkTargetOrder, type TargetOrder, targetOf } from './target-order.ts';
import { type StagedCredential, type VerificationStep, verifyByToken } from './verify.ts';
import { endRefusal, verifyStored } from './verify-stored.ts';
import { changedFields } from './versioned.ts';

const TARGETS: EntryKind<Target> = {
  noun: 'target',
  named: (target) => ({ target }),
  put: (catalog, target) => catalog.putTarget(target),
  removeDrained: removeDrainedTarget,
  detail: targetChange,
};

/** The written target, and what has changed. */
export interface PutTarget {
  readonly target: Target;
  readonly created: boolean;
  /** Names of the changed fields; empty if nothing changed, and then nothing was written. */
  readonly changed: readonly string[];
  /** The step that the verification waited for when its time was up. */
  readonly verificationPending?: VerificationStep;
}

/** Maximum secrets that a refusal names. */
const MAX_NAMED = 10;

/**
 * Creates or changes a target. A new credential is stored beside the current one. It becomes current only after a login with it.
 * It must belong to the same account. Safe to repeat.
 *
 * @throws Failed `invalid_field`, `access_token_as_credential`, `credential_refused`, `wrong_account`, `managed_by_cdk`,
 *   `draining`, `precondition_failed`, `version_conflict`, `store_unavailable`, all of `proveCredential` and `verifyByToken`.
 */
export async function putTarget(ports: AdminPorts, origin: Origin, order: TargetOrder): Promise<PutTarget> {
  const existing = await stored(ports.catalog.getTarget(order.name));
  checkTargetOrder(order, existing);
  const wanted = targetOf(ports, order, existing);
  checkAccount(wanted, existing);
  const changed = changedFields(existing, wanted, order.credential === undefined ? [] : ['credential']);
  if (existing !== undefined && changed.length === 0) {
    return { target: existing, created: false, changed };
  }
  const staged = await stageCredential(ports, order);
  const proof = staged === undefined || !order.verify ? undefined : await prove(ports, origin, wanted, staged);
  const proven = proof?.target ?? wanted;
  await writeEntry(ports, TARGETS, proven);
  // Only the process whose write of the row succeeded makes its credential current. If this is lost, the former credential still
  // opens the same account.
  if (staged !== undefined && order.credentialRef === undefined) {
    await stored(ports.credentials.promote(order.name, staged.version));
  }
  await endRefusal(ports, proven, proof);
  await recordChanged(ports, origin, TARGETS, { before: existing, after: proven, changed });
  return {
    target: proven,
    created: existing === undefined,
    changed,
    ...(proof?.pending !== undefined && { verificationPending: proof.pending }),
  };
}

/**
 * Verifies a target again, with its current credential.
 *
 * @returns the target with the results, and the step that Docker Hub has not finished if time ran out.
 * @throws Failed `target_not_found`, `draining`, `version_conflict`, `store_unavailable`, all of `openSession` and
 *   `verifyByToken`.
 */
export async function verifyTarget(
  ports: AdminPorts,
  origin: Origin,
  name: string,
): Promise<{ readonly target: Target; readonly pending?: VerificationStep }> {
  const target = await getTarget(ports, name);
  if (target.status === 'draining') throw fail({ tag: 'draining', name });
  return verifyStored(ports, origin, target);
}

/** @throws Failed `target_not_found`, `store_unavailable`. */
export async function getTarget(ports: Pick<AdminPorts, 'catalog'>, name: string): Promise<Target> {
  const target = await stored(ports.catalog.getTarget(name));
  if (target === undefined) throw fail({ tag: 'target_not_found', target: name });
  return target;
}

/** @throws Failed `invalid_field` for a foreign `nextToken`, `store_unavailable`. */
export async function listTargets(
  ports: Pick<AdminPorts, 'catalog'>,
  filter: { readonly prefix?: string },
  page: PageRequest,
): Promise<Page<Target>> {
  return stored(ports.catalog.listTargets(filter, page));
}

/**
 * Deletes a target. Marks it draining, so that it gives no more leases, and removes it with its credential if no lease is open.
 * With `force`, open leases run to their end, and then the sweep removes it.
 *
 * @throws Failed `target_not_found`, `managed_by_cdk`, `target_in_use` while secrets name it, `open_leases` without `force`,
 *   `version_conflict`, `store_unavailable`.
 */
export async function deleteTarget(
  ports: AdminPorts,
  origin: Origin,
  name: string,
  options: { readonly force: boolean } & ByOwner,
): Promise<{ readonly removed: boolean; readonly openLeases: number; readonly target: Target }> {
  const target = await getTarget(ports, name);
  checkOwner(target, options);
  const inUse: string[] = [];
  for await (const secret of everyPage((page) => stored(ports.catalog.listSecrets({ target: name }, page)))) {
    // A draining secret gives no more leases. Its existing leases are counted below.
    if (secret.status === 'ready') inUse.push(secret.name);
  }
  if (inUse.length > 0) throw fail({ tag: 'target_in_use', target: name, secrets: inUse.slice(0, MAX_NAMED) });
  const { entry, ...deleted } = await deleteEntry(ports, origin, TARGETS, target, options.force);
  return { ...deleted, target: entry };
}

async function stageCredential(ports: AdminPorts, order: TargetOrder): Promise<StagedCredential | undefined> {
  const { name, credential, credentialRef } = order;
  if (credential === undefined) return undefined;
  return { credential, version: credentialRef ?? (await stored(ports.credentials.stage(name, credential))) };
}

/** The target with the facts learned with its new credential, and the step that Docker Hub has not finished if time ran out. */
async function prove(
  ports: AdminPorts,
  origin: Origin,
  wanted: Target,
  staged: StagedCredential,
): Promise<{ readonly target: Target; readonly pending: VerificationStep | undefined }> {
  const { account } = await proveCredential(ports, wanted, staged);
  if (account !== wanted.username) throw fail({ tag: 'wrong_account', expected: wanted.username, got: account });
  const { loginRoute } = wanted;
  const byLogin: Target = { ...wanted, verification: { atMs: ports.clock.nowMs(), account, loginRoute } };
  // A draining target gives no tokens, not even for a verification. A login is enough for the remaining revocations.
  if (wanted.status === 'draining') return { target: byLogin, pending: undefined };
  const verified = await verifyByToken(ports, origin, wanted, staged);
  if (verified === undefined) return { target: byLogin, pending: 'login' };
  const { verification, pending } = verified;
  return {
    target: { ...wanted, verification, expiryGranularity: verification.expiryGranularity ?? 'second' },
    pending,
  };
}
