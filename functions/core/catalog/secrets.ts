import { readyTarget } from '../leases/grant.ts';
import type { AllowEntry } from '../model/allow.ts';
import { secretChange } from '../model/audit-change.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import { checkResources } from '../model/resource.ts';
import type { OatResource, PatScope } from '../model/scope.ts';
import type { DynamicSecret, ManagedBy } from '../model/secret.ts';
import type { Target } from '../model/target.ts';
import type { AdminPorts } from '../ports/needs.ts';
import type { Page, PageRequest } from '../ports/pages.ts';
import { stored } from '../ports/stored.ts';
import { removeDrainedSecret } from './drain.ts';
import { type ByOwner, checkOwner, deleteEntry, type EntryKind, recordChanged, writeEntry } from './entries.ts';
import { checkOrganization, OWN_TARGET_PREFIX, type TargetOrder } from './target-order.ts';
import { putTarget } from './targets.ts';
import { VERIFICATION_SECRET } from './throwaway.ts';
import { changedFields, checkVersion } from './versioned.ts';

const SECRETS: EntryKind<DynamicSecret> = {
  noun: 'secret',
  named: (secret) => ({ secret }),
  put: (catalog, secret) => catalog.putSecret(secret),
  removeDrained: removeDrainedSecret,
  detail: secretChange,
};

/** A secret as its admin orders it. PUT replaces the whole secret: missing fields get their defaults. */
export interface SecretOrder {
  readonly name: string;
  /** The name of a target, or an inline credential. If left out, a secret with an inline credential keeps it. */
  readonly target?: string | InlineTarget;
  readonly scope?: PatScope;
  readonly resources?: readonly OatResource[];
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly renewable?: boolean;
  readonly maxActive?: number;
  readonly maxMintsPerMinute?: number;
  readonly allow: readonly AllowEntry[];
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly deleteProtection?: boolean;
  readonly labelTemplate?: string;
  /** A public key that was already checked. */
  readonly protectionJwk?: Readonly<Record<string, string>>;
  /** The version to replace; `any` only requires that one exists. */
  readonly ifVersion?: number | 'any';
  readonly managedBy?: ManagedBy;
}

/** A credential that is given with the secret. It is stored as a separate target, which is deleted with the secret. */
export type InlineTarget = Pick<
  TargetOrder,
  'kind' | 'organization' | 'credential' | 'loginRoute' | 'allowUnprovenExpiry' | 'verify'
>;

/** The written secret, and what has changed. */
export interface PutSecret {
  readonly secret: DynamicSecret;
  readonly created: boolean;
  /** Names of the changed fields; empty if nothing changed, and then nothing was written. */
  readonly changed: readonly string[];
  /** The verification of the inline credential ran out of time. Request it again for the secret's target. */
  readonly verificationPending?: true;
}

/**
 * Creates or replaces a dynamic secret. Existing leases do not change. Safe to repeat.
 *
 * @throws Failed `target_not_found`, `draining`, `scope_needs_user_target`, `resources_need_org_target`, `invalid_field`,
 *   `ttl_too_short`, `managed_by_cdk`, `precondition_failed`, `version_conflict`, `store_unavailable`; with an inline credential
 *   also all of `putTarget`.
 */
export async function putSecret(ports: AdminPorts, origin: Origin, order: SecretOrder): Promise<PutSecret> {
  const existing = await stored(ports.catalog.getSecret(order.name));
  checkOrder(ports, order, existing);
  const { target, resources, ...pending } = await reachOf(ports, origin, order, existing);
  const secret = secretOf(ports, order, existing, target, resources);
  const changed = changedFields(existing, secret, []);
  if (existing !== undefined && changed.length === 0) return { secret: existing, created: false, changed, ...pending };
  await writeEntry(ports, SECRETS, secret);
  await recordChanged(ports, origin, SECRETS, { before: existing, after: secret, changed });
  return { secret, created: existing === undefined, changed, ...pending };
}

/** @throws Failed `secret_not_found`, `store_unavailable`. */
export async function getSecret(ports: Pick<AdminPorts, 'catalog'>, name: string): Promise<DynamicSecret> {
  const secret = await stored(ports.catalog.getSecret(name));
  if (secret === undefined) throw fail({ tag: 'secret_not_found', secret: name });
  return secret;
}

/** @throws Failed `invalid_field` for a foreign `nextToken`, `store_unavailable`. */
export async function listSecrets(
  ports: Pick<AdminPorts, 'catalog'>,
  filter: { readonly prefix?: string; readonly target?: string },
  page: PageRequest,
): Promise<Page<DynamicSecret>> {
  return stored(ports.catalog.listSecrets(filter, page));
}

/**
 * Deletes a secret. Marks it draining, so that it gives no more leases, and removes it if no lease is open. With `force`, open
 * leases run to their end, and then the sweep removes it.
 *
 * @throws Failed `secret_not_found`, `managed_by_cdk`, `delete_protected`, `open_leases` without `force`, `version_conflict`,
 *   `store_unavailable`.
 */
export async function deleteSecret(
  ports: AdminPorts,
  origin: Origin,
  name: string,
  options: { readonly force: boolean } & ByOwner,
): Promise<{ readonly removed: boolean; readonly openLeases: number; readonly secret: DynamicSecret }> {
  const secret = await getSecret(ports, name);
  checkOwner(secret, options);
  if (secret.deleteProtection) throw fail({ tag: 'delete_protected', secret: name });
  const { entry, ...deleted } = await deleteEntry(ports, origin, SECRETS, secret, options.force);
  return { ...deleted, secret: entry };
}

function checkOrder(ports: AdminPorts, order: SecretOrder, existing: DynamicSecret | undefined): void {
  if (existing !== undefined) checkOwner(existing, order);
  if (existing?.status === 'draining') throw fail({ tag: 'draining', name: order.name });
  if (order.name === VERIFICATION_SECRET) {
    throw fail({ tag: 'invalid_field', field: 'name', problem: 'kept for verifications of targets' });
  }
  checkVersion(order.name, existing, order.ifVersion);
  checkTtls(ports, order);
}

interface Reach {
  readonly target: string;
  readonly resources: readonly OatResource[] | undefined;
  readonly verificationPending?: true;
}

/**
 * The named target, or the secret's own target, which is created or updated. First checks that the target can grant what the
 * secret needs, because a refused secret must leave no credential behind.
 */
async function reachOf(
  ports: AdminPorts,
  origin: Origin,
  order: SecretOrder,
  existing: DynamicSecret | undefined,
): Promise<Reach> {
  const wanted = wantedTarget(order, existing);
  if (typeof wanted === 'string') {
    const target = await readyTarget(ports, wanted);
    return { target: wanted, resources: checkReach(order, target) };
  }
  const name = `${OWN_TARGET_PREFIX}/${ports.labels.sha256(order.name).slice(0, 16)}`;
  checkOrganization(wanted);
  const resources = checkReach(order, { name, kind: wanted.kind, organization: wanted.organization?.toLowerCase() });
  const managedBy = order.managedBy ?? 'api';
  const put = await putTarget(ports, origin, { ...wanted, name, managedBy, ownTarget: true });
  return { target: name, resources, ...(put.verificationPending && { verificationPending: true }) };
}

/** Leases are revoked through their own target, so a secret keeps the kind of target that it began with. */
function wantedTarget(order: SecretOrder, existing: DynamicSecret | undefined): string | InlineTarget {
  const own = existing?.ownTarget === true;
  if (order.target === undefined) {
    if (own) return existing.target;
    throw fail({ tag: 'invalid_field', field: 'target', problem: 'give a target, or a credential in its place' });
  }
  if (existing !== undefined && own !== (typeof order.target === 'object')) {
    const problem = 'a secret cannot change between a target and a credential of its own: delete it and make it anew';
    throw fail({ tag: 'invalid_field', field: own ? 'target' : 'credential', problem });
  }
  return order.target;
}

/**
 * A personal token reaches everything that its account reaches. Only an organization's token can be limited to repositories.
 *
 * @returns the resources, for an organization.
 */
function checkReach(
  order: SecretOrder,
  target: { readonly name: string; readonly kind: Target['kind']; readonly organization?: string | undefined },
): readonly OatResource[] | undefined {
  const { scope, resources } = order;
  if (target.kind === 'user') {
    if (resources !== undefined) throw fail({ tag: 'resources_need_org_target', target: target.name });
    if (scope !== undefined) return undefined;
    throw fail({ tag: 'invalid_field', field: 'scope', problem: 'required for a target of kind "user"' });
  }
  if (scope !== undefined) throw fail({ tag: 'scope_needs_user_target', target: target.name });
  if (resources === undefined) {
    const problem = 'required for a target of kind "org", or namespace in its place';
    throw fail({ tag: 'invalid_field', field: 'resources', problem });
  }
  checkResources(resources, target.organization as string, 'resources');
  return resources;
}

function checkTtls(ports: AdminPorts, order: SecretOrder): void {
  const { minTtlSeconds } = ports.limits;
  if (order.defaultTtlSeconds < minTtlSeconds) {
    throw fail({ tag: 'ttl_too_short', ttlSeconds: order.defaultTtlSeconds, minTtlSeconds });
  }
  if (order.defaultTtlSeconds > order.maxTtlSeconds) {
    throw fail({ tag: 'invalid_field', field: 'defaultTtl', problem: 'may not exceed maxTtl' });
  }
}

function secretOf(
  ports: AdminPorts,
  order: SecretOrder,
  existing: DynamicSecret | undefined,
  target: string,
  resources: readonly OatResource[] | undefined,
): DynamicSecret {
  const nowMs = ports.clock.nowMs();
  return {
    schema: 1,
    name: order.name,
    version: (existing?.version ?? 0) + 1,
    opId: ports.ids.opId(),
    target,
    ...(typeof order.target !== 'string' && { ownTarget: true }),
    ...(order.scope !== undefined && { scope: order.scope }),
    ...(resources !== undefined && { resources }),
    defaultTtlSeconds: order.defaultTtlSeconds,
    maxTtlSeconds: order.maxTtlSeconds,
    renewable: order.renewable ?? false,
    ...(order.maxActive !== undefined && { maxActive: order.maxActive }),
    ...(order.maxMintsPerMinute !== undefined && { maxMintsPerMinute: order.maxMintsPerMinute }),
    allow: order.allow,
    ...(order.description !== undefined && { description: order.description }),
    tags: order.tags ?? {},
    deleteProtection: order.deleteProtection ?? false,
    ...(order.labelTemplate !== undefined && { labelTemplate: order.labelTemplate }),
    ...(order.protectionJwk !== undefined && { protectionJwk: order.protectionJwk }),
    status: 'ready',
    managedBy: order.managedBy ?? 'api',
    createdAtMs: existing?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  };
}
