import { proveCredential } from '../hub/session.ts';
import { targetChange } from '../model/audit-change.ts';
import { type AuditEvent, auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import { isUnder } from '../model/name.ts';
import type { ManagedBy } from '../model/secret.ts';
import { type Credential, hubAccountOf, isAccessToken, type LoginRoute, type Target } from '../model/target.ts';
import type { AdminPorts } from '../ports/needs.ts';
import type { Page, PageRequest } from '../ports/pages.ts';
import { everyPage } from '../ports/pages.ts';
import { stored } from '../ports/stored.ts';
import { removeDrainedTarget } from './drain.ts';
import { type StagedCredential, type VerificationStep, verifyByToken } from './verify.ts';
import { endRefusal, verifyStored } from './verify-stored.ts';
import { changedFields, checkVersion } from './versioned.ts';

/** A target as its admin wants it. What is left out keeps its former value, or the default. */
export interface TargetOrder {
  readonly name: string;
  readonly kind: 'user' | 'org';
  readonly organization?: string;
  readonly credential?: Credential;
  /** Where the owner keeps `credential`; it is then proven, and not stored. */
  readonly credentialRef?: string;
  readonly loginRoute?: LoginRoute;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Most open leases at a time. An organization's is 100 unless given, what Docker's Business plan allows; Team has 10. */
  readonly maxActive?: number;
  /** Accept tokens whose expiry Docker Hub drops, moves by more than a day, or does not show. */
  readonly allowUnprovenExpiry?: boolean;
  /** Prove the credential by a login and a throwaway token before it becomes current. */
  readonly verify: boolean;
  /** The version that is to be replaced; `any` asks only that there is one. */
  readonly ifVersion?: number | 'any';
  readonly managedBy?: ManagedBy;
  /** Made for one secret, under a name that the API gives to nobody. */
  readonly ownTarget?: boolean;
}

/** A target as written, and what of it is new. */
export interface PutTarget {
  readonly target: Target;
  readonly created: boolean;
  /** Names of the fields that changed; empty when nothing did, and then nothing was written. */
  readonly changed: readonly string[];
  /** What the verification waited for when its time was up. */
  readonly verificationPending?: VerificationStep;
}

/** Names below this are given to the targets of inline credentials. */
export const OWN_TARGET_PREFIX = 'inline';

/** Secrets that a refusal names. */
const MOST_NAMED = 10;

/** Docker's Business plan. Source: Docker manuals, "Organization access tokens". */
const ORG_TOKEN_CAP = 100;

/**
 * Creates or changes a target. A new credential is stored beside the current one, logged in with, and only then made current;
 * it must be of the same account. Repeating it is safe.
 *
 * @throws Failed `invalid_field`, `access_token_as_credential`, `credential_refused`, `wrong_account`, `managed_by_cdk`,
 *   `draining`, `precondition_failed`, `version_conflict`, `store_unavailable`, all of `proveCredential` and `verifyByToken`.
 */
export async function putTarget(ports: AdminPorts, origin: Origin, order: TargetOrder): Promise<PutTarget> {
  const existing = await stored(ports.catalog.getTarget(order.name));
  checkOrder(order, existing);
  const wanted = targetOf(ports, order, existing);
  checkAccount(wanted, existing);
  const changed = changedFields(existing, wanted, order.credential === undefined ? [] : ['credential']);
  if (existing !== undefined && changed.length === 0) {
    return { target: existing, created: false, changed };
  }
  const staged = await stageCredential(ports, order);
  const proof = staged === undefined || !order.verify ? undefined : await prove(ports, origin, wanted, staged);
  const proven = proof?.target ?? wanted;
  if ((await stored(ports.catalog.putTarget(proven))) === 'conflict') {
    throw fail({ tag: 'version_conflict', name: order.name });
  }
  // Only whoever won the row makes a credential current. Should this be lost, the former one still opens the same account.
  if (staged !== undefined && order.credentialRef === undefined) {
    await stored(ports.credentials.promote(order.name, staged.version));
  }
  await endRefusal(ports, proven, proof);
  await recordChange(ports, origin, 'target.changed', order.name, targetChange(existing, proven, changed));
  return {
    target: proven,
    created: existing === undefined,
    changed,
    ...(proof?.pending !== undefined && { verificationPending: proof.pending }),
  };
}

/**
 * Verifies a target again, with the credential in force.
 *
 * @returns the target with what was learned, and what Docker Hub has yet to do when time ran out.
 * @throws Failed `target_not_found`, `draining`, `version_conflict`, `store_unavailable`, all of `openSession` and `verifyByToken`.
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
 * Deletes a target: marks it draining, so that no lease is taken from it any more, and removes it with its credential when
 * none is open. With `force` open leases run out first and the sweep removes it.
 *
 * @throws Failed `target_not_found`, `managed_by_cdk`, `target_in_use` while secrets name it, `open_leases` without `force`,
 *   `version_conflict`, `store_unavailable`.
 */
export async function deleteTarget(
  ports: AdminPorts,
  origin: Origin,
  name: string,
  options: { readonly force: boolean; readonly managedBy?: ManagedBy },
): Promise<{ readonly removed: boolean; readonly openLeases: number; readonly target: Target }> {
  const target = await getTarget(ports, name);
  if (target.managedBy !== (options.managedBy ?? 'api')) throw fail({ tag: 'managed_by_cdk', name });
  const inUse: string[] = [];
  for await (const secret of everyPage((page) => stored(ports.catalog.listSecrets({ target: name }, page)))) {
    // A draining secret gives no more leases, and those that it gave are counted below.
    if (secret.status === 'ready') inUse.push(secret.name);
  }
  if (inUse.length > 0) throw fail({ tag: 'target_in_use', target: name, secrets: inUse.slice(0, MOST_NAMED) });
  const draining = await mark(ports, target, 'draining');
  const openLeases = await stored(ports.leases.countOpen({ target: name }));
  if (openLeases > 0 && !options.force) {
    await mark(ports, draining, target.status);
    throw fail({ tag: 'open_leases', name, count: openLeases });
  }
  const removed = await stored(removeDrainedTarget(ports, draining));
  await recordChange(ports, origin, 'target.deleted', name, targetChange(target, undefined));
  return { removed, openLeases, target: draining };
}

function checkOrder(order: TargetOrder, existing: Target | undefined): void {
  if (isUnder(order.name, OWN_TARGET_PREFIX) !== (order.ownTarget === true)) {
    const problem = `names below "${OWN_TARGET_PREFIX}" are kept for credentials that are given with a secret`;
    throw fail({ tag: 'invalid_field', field: 'name', problem });
  }
  checkVersion(order.name, existing, order.ifVersion);
  if (existing !== undefined && existing.managedBy !== (order.managedBy ?? 'api')) {
    throw fail({ tag: 'managed_by_cdk', name: order.name });
  }
  // A new credential may be what its last leases need to be revoked with.
  if (existing?.status === 'draining' && order.credential === undefined)
    throw fail({ tag: 'draining', name: order.name });
  checkOrganization(order);
  if (order.credential === undefined && existing === undefined) {
    throw fail({ tag: 'invalid_field', field: 'credential', problem: 'required for a new target' });
  }
  if (order.credential !== undefined && isAccessToken(order.credential.password)) {
    throw fail({ tag: 'access_token_as_credential' });
  }
}

/** @throws Failed `invalid_field` `organization` unless there is one exactly where the kind is `org`. */
export function checkOrganization({ kind, organization }: Pick<TargetOrder, 'kind' | 'organization'>): void {
  if ((kind === 'org') === (organization !== undefined)) return;
  const problem = kind === 'org' ? 'required when kind is "org"' : 'only allowed when kind is "org"';
  throw fail({ tag: 'invalid_field', field: 'organization', problem });
}

function targetOf(ports: AdminPorts, order: TargetOrder, existing: Target | undefined): Target {
  const nowMs = ports.clock.nowMs();
  const description = order.description ?? existing?.description;
  const allowUnprovenExpiry = order.allowUnprovenExpiry ?? existing?.allowUnprovenExpiry;
  const maxActive = order.maxActive ?? existing?.maxActive ?? (order.kind === 'org' ? ORG_TOKEN_CAP : undefined);
  return {
    schema: 1,
    name: order.name,
    version: (existing?.version ?? 0) + 1,
    opId: ports.ids.opId(),
    kind: order.kind,
    ...loginOf(order, existing),
    ...(order.organization !== undefined && { organization: order.organization.toLowerCase() }),
    ...(maxActive !== undefined && { maxActive }),
    ...(allowUnprovenExpiry === true && { allowUnprovenExpiry }),
    ...(existing?.dismissedTokenIds !== undefined && { dismissedTokenIds: existing.dismissedTokenIds }),
    expiryGranularity: existing?.expiryGranularity ?? 'second',
    ...(description !== undefined && { description }),
    tags: order.tags ?? existing?.tags ?? {},
    status: existing?.status ?? 'ready',
    managedBy: order.managedBy ?? 'api',
    createdAtMs: existing?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  };
}

/** How a target logs in, and what was learned by it: with the credential that it has, or a new one of which nothing is known. */
function loginOf(
  { credential, credentialRef, loginRoute }: TargetOrder,
  existing: Target | undefined,
): Pick<Target, 'username' | 'loginRoute' | 'credentialRef' | 'verification'> {
  if (credential === undefined) {
    // Without a credential there is one already, see `checkOrder`.
    const former = existing as Target;
    return {
      username: former.username,
      loginRoute: loginRoute ?? former.loginRoute,
      ...(former.credentialRef !== undefined && { credentialRef: former.credentialRef }),
      ...(former.verification !== undefined && { verification: former.verification }),
    };
  }
  // Only the older route has a second step for accounts with two-factor authentication.
  const route = credential.totpSecret === undefined ? 'auth-token' : 'users-login';
  return {
    username: credential.username.toLowerCase(),
    loginRoute: loginRoute ?? route,
    ...(credentialRef !== undefined && { credentialRef }),
  };
}

async function stageCredential(ports: AdminPorts, order: TargetOrder): Promise<StagedCredential | undefined> {
  const { name, credential, credentialRef } = order;
  if (credential === undefined) return undefined;
  return { credential, version: credentialRef ?? (await stored(ports.credentials.stage(name, credential))) };
}

/** The target with what its new credential taught, and what Docker Hub has yet to do where time ran out. */
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
  // A draining target gives no token, not even this one; its login is proof enough for what is left to revoke.
  if (wanted.status === 'draining') return { target: byLogin, pending: undefined };
  const verified = await verifyByToken(ports, origin, wanted, staged);
  if (verified === undefined) return { target: byLogin, pending: 'login' };
  const { verification, pending } = verified;
  return {
    target: { ...wanted, verification, expiryGranularity: verification.expiryGranularity ?? 'second' },
    pending,
  };
}

/**
 * Leases can only be revoked from the account that their tokens are on. A lease may be recorded at any moment, so an account
 * is never changed under a target: deleting the target waits for its leases.
 */
function checkAccount(wanted: Target, existing: Target | undefined): void {
  if (existing === undefined || hubAccountOf(existing) === hubAccountOf(wanted)) return;
  throw fail({ tag: 'wrong_account', expected: hubAccountOf(existing), got: hubAccountOf(wanted) });
}

async function mark(ports: AdminPorts, target: Target, status: Target['status']): Promise<Target> {
  const updatedAtMs = ports.clock.nowMs();
  const marked = { ...target, status, updatedAtMs, version: target.version + 1, opId: ports.ids.opId() };
  if ((await stored(ports.catalog.putTarget(marked))) === 'conflict') {
    throw fail({ tag: 'version_conflict', name: target.name });
  }
  return marked;
}

async function recordChange(
  ports: AdminPorts,
  origin: Origin,
  event: 'target.changed' | 'target.deleted',
  target: string,
  detail: NonNullable<AuditEvent['detail']>,
): Promise<void> {
  const atMs = ports.clock.nowMs();
  await ports.audit.record({ event, atMs, ...auditOrigin(origin), target, detail });
}
