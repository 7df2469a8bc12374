import type { Origin } from './caller.ts';
import { removeDrainedTarget } from './drain.ts';
import { fail } from './failure.ts';
import type { AdminPorts, Page, PageRequest } from './ports.ts';
import type { ManagedBy } from './secret.ts';
import { proveCredential } from './session.ts';
import { stored } from './stored.ts';
import { type Credential, hubAccountOf, isAccessToken, type LoginRoute, type Target } from './target.ts';

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
  /** Prove the credential by a real login before it becomes current. */
  readonly verify: boolean;
  readonly managedBy?: ManagedBy;
}

/**
 * Creates or replaces a target. A new credential is stored beside the current one, logged in with, and only then made
 * current; with leases open it must be of the same account, or they could not be revoked any more. Repeating it is safe.
 *
 * @throws Failed `invalid_field`, `access_token_as_credential`, `credential_refused`, `wrong_account`, `managed_by_cdk`,
 *   `draining`, `version_conflict`, `store_unavailable`, those of a Docker Hub login.
 */
export async function putTarget(
  ports: AdminPorts,
  origin: Origin,
  order: TargetOrder,
): Promise<{ readonly target: Target; readonly created: boolean }> {
  const existing = await stored(ports.catalog.getTarget(order.name));
  checkOrder(order, existing);
  const wanted = targetOf(ports, order, existing);
  const proven = order.credential === undefined ? wanted : await replaceCredential(ports, order, wanted, existing);
  await checkAccount(ports, proven, existing);
  if ((await stored(ports.catalog.putTarget(proven))) === 'conflict') {
    throw fail({ tag: 'version_conflict', name: order.name });
  }
  await recordChange(ports, origin, 'target.changed', order.name);
  return { target: proven, created: existing === undefined };
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
  const secrets = await stored(ports.catalog.listSecrets({ target: name }, { limit: 100 }));
  // A draining secret gives no more leases, and those that it gave are counted below.
  const inUse = secrets.items.filter((secret) => secret.status === 'ready').map((secret) => secret.name);
  if (inUse.length > 0) throw fail({ tag: 'target_in_use', target: name, secrets: inUse.slice(0, 10) });
  const draining = await mark(ports, target, 'draining');
  const openLeases = await stored(ports.leases.countOpen({ target: name }));
  if (openLeases > 0 && !options.force) {
    await mark(ports, draining, target.status);
    throw fail({ tag: 'open_leases', name, count: openLeases });
  }
  const removed = await stored(removeDrainedTarget(ports, draining));
  await recordChange(ports, origin, 'target.deleted', name);
  return { removed, openLeases, target: draining };
}

function checkOrder(order: TargetOrder, existing: Target | undefined): void {
  if (existing !== undefined && existing.managedBy !== (order.managedBy ?? 'api')) {
    throw fail({ tag: 'managed_by_cdk', name: order.name });
  }
  if (existing?.status === 'draining') throw fail({ tag: 'draining', name: order.name });
  if ((order.kind === 'org') !== (order.organization !== undefined)) {
    const problem = order.kind === 'org' ? 'required when kind is "org"' : 'only allowed when kind is "org"';
    throw fail({ tag: 'invalid_field', field: 'organization', problem });
  }
  if (order.credential === undefined && existing === undefined) {
    throw fail({ tag: 'invalid_field', field: 'credential', problem: 'required for a new target' });
  }
  if (order.credential !== undefined && isAccessToken(order.credential.password)) {
    throw fail({ tag: 'access_token_as_credential' });
  }
}

function targetOf(ports: AdminPorts, order: TargetOrder, existing: Target | undefined): Target {
  const nowMs = ports.clock.nowMs();
  const description = order.description ?? existing?.description;
  const username = order.credential?.username.toLowerCase() ?? existing?.username;
  return {
    schema: 1,
    name: order.name,
    version: (existing?.version ?? 0) + 1,
    opId: ports.ids.opId(),
    kind: order.kind,
    username: username as string,
    ...(order.organization !== undefined && { organization: order.organization.toLowerCase() }),
    loginRoute: order.loginRoute ?? defaultRoute(order.credential) ?? existing?.loginRoute ?? 'auth-token',
    ...(order.credentialRef !== undefined && { credentialRef: order.credentialRef }),
    expiryGranularity: existing?.expiryGranularity ?? 'second',
    ...(description !== undefined && { description }),
    tags: order.tags ?? existing?.tags ?? {},
    // What was learned belongs to the credential it was learned with.
    ...(order.credential === undefined && existing?.verification && { verification: existing.verification }),
    status: 'ready',
    managedBy: order.managedBy ?? 'api',
    createdAtMs: existing?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  };
}

/** Only the older route has a second step for accounts with two-factor authentication. */
function defaultRoute(credential: Credential | undefined): LoginRoute | undefined {
  if (credential === undefined) return undefined;
  return credential.totpSecret === undefined ? 'auth-token' : 'users-login';
}

async function replaceCredential(
  ports: AdminPorts,
  order: TargetOrder,
  wanted: Target,
  existing: Target | undefined,
): Promise<Target> {
  const credential = order.credential as Credential;
  await checkAccount(ports, wanted, existing);
  const version = order.credentialRef ?? (await stored(ports.credentials.stage(order.name, credential)));
  const proven = order.verify ? await prove(ports, wanted, credential, version) : wanted;
  if (order.credentialRef === undefined) await stored(ports.credentials.promote(order.name, version));
  return proven;
}

async function prove(ports: AdminPorts, wanted: Target, credential: Credential, version: string): Promise<Target> {
  const { account } = await proveCredential(ports, wanted, { credential, version });
  if (account !== wanted.username) throw fail({ tag: 'wrong_account', expected: wanted.username, got: account });
  return { ...wanted, verification: { atMs: ports.clock.nowMs(), account, loginRoute: wanted.loginRoute } };
}

/** Open leases can only be revoked from the account that their tokens are on. */
async function checkAccount(ports: AdminPorts, wanted: Target, existing: Target | undefined): Promise<void> {
  if (existing === undefined || hubAccountOf(existing) === hubAccountOf(wanted)) return;
  const open = await stored(ports.leases.countOpen({ target: wanted.name }));
  if (open > 0) throw fail({ tag: 'wrong_account', expected: hubAccountOf(existing), got: hubAccountOf(wanted) });
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
): Promise<void> {
  const { caller, requestId, sourceIp } = origin;
  const atMs = ports.clock.nowMs();
  await ports.audit.record({ event, atMs, caller: caller.arn, requestId, target, ...(sourceIp && { sourceIp }) });
}
