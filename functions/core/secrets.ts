import type { Origin } from './caller.ts';
import { removeDrainedSecret } from './drain.ts';
import { fail } from './failure.ts';
import type { AdminPorts, Page, PageRequest } from './ports.ts';
import type { OatResource, PatScope } from './scope.ts';
import type { DynamicSecret, ManagedBy } from './secret.ts';
import { stored } from './stored.ts';
import type { Target } from './target.ts';

/** A secret as its admin wants it. PUT replaces: what is left out falls back to its default. */
export interface SecretOrder {
  readonly name: string;
  readonly target: string;
  readonly scope?: PatScope;
  readonly resources?: readonly OatResource[];
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly renewable?: boolean;
  readonly maxActive?: number;
  readonly allow: readonly string[];
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly deleteProtection?: boolean;
  readonly managedBy?: ManagedBy;
}

/**
 * Creates or replaces a dynamic secret. Leases already taken keep what they were given. Repeating it is safe.
 *
 * @throws Failed `target_not_found`, `draining`, `scope_needs_user_target`, `resources_need_org_target`, `invalid_field`,
 *   `ttl_too_short`, `managed_by_cdk`, `version_conflict`, `store_unavailable`.
 */
export async function putSecret(
  ports: AdminPorts,
  origin: Origin,
  order: SecretOrder,
): Promise<{ readonly secret: DynamicSecret; readonly created: boolean }> {
  const existing = await stored(ports.catalog.getSecret(order.name));
  if (existing !== undefined && existing.managedBy !== (order.managedBy ?? 'api')) {
    throw fail({ tag: 'managed_by_cdk', name: order.name });
  }
  if (existing?.status === 'draining') throw fail({ tag: 'draining', name: order.name });
  const target = await stored(ports.catalog.getTarget(order.target));
  if (target === undefined) throw fail({ tag: 'target_not_found', target: order.target });
  if (target.status === 'draining') throw fail({ tag: 'draining', name: target.name });
  checkReach(order, target);
  checkTtls(ports, order);
  const secret = secretOf(ports, order, existing);
  if ((await stored(ports.catalog.putSecret(secret))) === 'conflict') {
    throw fail({ tag: 'version_conflict', name: order.name });
  }
  await recordChange(ports, origin, 'secret.changed', order.name);
  return { secret, created: existing === undefined };
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
 * Deletes a secret: marks it draining, so that no lease is taken from it any more, and removes it when none is open. With
 * `force` open leases run out first and the sweep removes it.
 *
 * @throws Failed `secret_not_found`, `managed_by_cdk`, `delete_protected`, `open_leases` without `force`, `version_conflict`,
 *   `store_unavailable`.
 */
export async function deleteSecret(
  ports: AdminPorts,
  origin: Origin,
  name: string,
  options: { readonly force: boolean; readonly managedBy?: ManagedBy },
): Promise<{ readonly removed: boolean; readonly openLeases: number; readonly secret: DynamicSecret }> {
  const secret = await getSecret(ports, name);
  if (secret.managedBy !== (options.managedBy ?? 'api')) throw fail({ tag: 'managed_by_cdk', name });
  if (secret.deleteProtection) throw fail({ tag: 'delete_protected', secret: name });
  const draining = await mark(ports, secret, 'draining');
  const openLeases = await stored(ports.leases.countOpen({ secret: name }));
  if (openLeases > 0 && !options.force) {
    await mark(ports, draining, secret.status);
    throw fail({ tag: 'open_leases', name, count: openLeases });
  }
  const removed = await stored(removeDrainedSecret(ports, draining));
  await recordChange(ports, origin, 'secret.deleted', name);
  return { removed, openLeases, secret: draining };
}

/** A personal token reaches all that its account does, and only an organization's can be narrowed to repositories. */
function checkReach(order: SecretOrder, target: Target): void {
  if (order.scope !== undefined && target.kind === 'org')
    throw fail({ tag: 'scope_needs_user_target', target: target.name });
  if (order.resources !== undefined && target.kind === 'user') {
    throw fail({ tag: 'resources_need_org_target', target: target.name });
  }
  if (order.scope === undefined && target.kind === 'user') {
    throw fail({ tag: 'invalid_field', field: 'scope', problem: 'required for a target of kind "user"' });
  }
  if (order.resources === undefined && target.kind === 'org') {
    throw fail({ tag: 'invalid_field', field: 'resources', problem: 'required for a target of kind "org"' });
  }
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

function secretOf(ports: AdminPorts, order: SecretOrder, existing: DynamicSecret | undefined): DynamicSecret {
  const nowMs = ports.clock.nowMs();
  return {
    schema: 1,
    name: order.name,
    version: (existing?.version ?? 0) + 1,
    opId: ports.ids.opId(),
    target: order.target,
    ...(order.scope !== undefined && { scope: order.scope }),
    ...(order.resources !== undefined && { resources: order.resources }),
    defaultTtlSeconds: order.defaultTtlSeconds,
    maxTtlSeconds: order.maxTtlSeconds,
    renewable: order.renewable ?? false,
    ...(order.maxActive !== undefined && { maxActive: order.maxActive }),
    allow: order.allow,
    ...(order.description !== undefined && { description: order.description }),
    tags: order.tags ?? {},
    deleteProtection: order.deleteProtection ?? false,
    status: 'ready',
    managedBy: order.managedBy ?? 'api',
    createdAtMs: existing?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  };
}

async function mark(ports: AdminPorts, secret: DynamicSecret, status: DynamicSecret['status']): Promise<DynamicSecret> {
  const updatedAtMs = ports.clock.nowMs();
  const marked = { ...secret, status, updatedAtMs, version: secret.version + 1, opId: ports.ids.opId() };
  if ((await stored(ports.catalog.putSecret(marked))) === 'conflict') {
    throw fail({ tag: 'version_conflict', name: secret.name });
  }
  return marked;
}

async function recordChange(
  ports: AdminPorts,
  origin: Origin,
  event: 'secret.changed' | 'secret.deleted',
  secret: string,
): Promise<void> {
  const { caller, requestId, sourceIp } = origin;
  const atMs = ports.clock.nowMs();
  await ports.audit.record({ event, atMs, caller: caller.arn, requestId, secret, ...(sourceIp && { sourceIp }) });
}
