import { callerLabelMax, LABEL_MAX_CHARACTERS } from '../hub/label.ts';
import { isAllowed } from '../model/allow.ts';
import type { Caller } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import { checkResources, resourcesCover } from '../model/resource.ts';
import { covers, type OatResource, type PatScope } from '../model/scope.ts';
import type { DynamicSecret } from '../model/secret.ts';
import { hubAccountOf, type Target } from '../model/target.ts';
import type { QuotaClaim } from '../ports/leases.ts';
import type { MintPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { admitCaller, admitMint } from './rates.ts';

/** A caller's request to a secret. */
export interface MintOrder {
  readonly secret: string;
  readonly ttlSeconds?: number;
  /** Only narrower than the secret's. */
  readonly scope?: PatScope;
  /** Only narrower than the secret's. */
  readonly resources?: readonly OatResource[];
  /** Shown on Docker Hub after hublease's mark. */
  readonly label?: string;
  readonly reason?: string;
  /** 1 to 255 visible characters. A repeated order with the same key never leaves two live tokens. */
  readonly idempotencyKey?: string;
}

/** The checked order, with the secret's defaults filled in. */
export interface Grant {
  readonly secretName: string;
  readonly target: Target;
  readonly ttlSeconds: number;
  /** From issue to the latest end that a renewal can reach. */
  readonly maxTtlSeconds: number;
  readonly renewable: boolean;
  readonly scope?: PatScope;
  readonly resources?: readonly OatResource[];
  readonly label?: string;
  readonly reason?: string;
  readonly quotas: readonly QuotaClaim[];
  readonly protectionJwk?: Readonly<Record<string, string>>;
  /** The token of a verification, which learns what Docker Hub keeps of a request. */
  readonly isVerification?: true;
}

type Ports = Pick<MintPorts, 'catalog' | 'limits' | 'rates' | 'labels' | 'clock'>;

/**
 * Decides what is granted for an order.
 *
 * @throws Failed `secret_not_found`, `caller_not_allowed`, `draining`, `ttl_too_long`, `ttl_too_short`, `scope_too_wide`,
 *   `scope_needs_user_target`, `resources_need_org_target`, `invalid_field`, `target_not_found`, `rate_limited`,
 *   `store_unavailable`.
 */
export async function decideGrant(ports: Ports, caller: Caller, order: MintOrder): Promise<Grant> {
  const [admitted, found] = await Promise.allSettled([
    admitCaller(ports, caller),
    allowedSecret(ports, caller, order.secret),
  ]);
  if (admitted.status === 'rejected') throw admitted.reason;
  if (found.status === 'rejected') throw found.reason;
  const secret = found.value;
  const ttlSeconds = allowedTtl(ports, secret, order.ttlSeconds);
  const target = await readyTarget(ports, secret.target);
  const label = labelOf(secret, target, caller, order);
  const reach = reachOf(secret, target, order);
  // Last, so that a refused order does not use up the rate of others.
  await admitMint(ports, caller, secret);
  return {
    secretName: secret.name,
    target,
    ttlSeconds,
    maxTtlSeconds: secret.renewable ? secret.maxTtlSeconds : ttlSeconds,
    renewable: secret.renewable,
    ...reach,
    ...(label !== undefined && { label }),
    ...(order.reason !== undefined && { reason: order.reason }),
    quotas: quotasOf(secret, target),
    ...(secret.protectionJwk !== undefined && { protectionJwk: secret.protectionJwk }),
  };
}

/**
 * Finds a secret that lists the caller and is not draining.
 *
 * @throws Failed `secret_not_found`, `caller_not_allowed`, `draining`, `store_unavailable`.
 */
export async function allowedSecret(
  ports: Pick<Ports, 'catalog'>,
  caller: Caller,
  name: string,
): Promise<DynamicSecret> {
  const secret = await stored(ports.catalog.getSecret(name));
  if (secret === undefined) throw fail({ tag: 'secret_not_found', secret: name });
  if (!isAllowed(secret.allow, caller)) {
    const callerId = caller.id === undefined ? {} : { callerId: caller.id };
    throw fail({ tag: 'caller_not_allowed', caller: caller.arn, ...callerId, secret: name });
  }
  if (secret.status === 'draining') throw fail({ tag: 'draining', name });
  return secret;
}

/** @throws Failed `target_not_found`, `draining`, `store_unavailable`. */
export async function readyTarget(ports: Pick<Ports, 'catalog'>, name: string): Promise<Target> {
  const target = await stored(ports.catalog.getTarget(name));
  if (target === undefined) throw fail({ tag: 'target_not_found', target: name });
  if (target.status === 'draining') throw fail({ tag: 'draining', name });
  return target;
}

function allowedTtl(ports: Ports, secret: DynamicSecret, asked: number | undefined): number {
  const ttlSeconds = asked ?? secret.defaultTtlSeconds;
  const { maxTtlSeconds } = secret;
  const { minTtlSeconds } = ports.limits;
  if (ttlSeconds > maxTtlSeconds) throw fail({ tag: 'ttl_too_long', ttlSeconds, maxTtlSeconds });
  if (ttlSeconds < minTtlSeconds) throw fail({ tag: 'ttl_too_short', ttlSeconds, minTtlSeconds });
  return ttlSeconds;
}

/** The secret's scope or resources, or the narrower ones of the order. */
function reachOf(secret: DynamicSecret, target: Target, order: MintOrder): Pick<Grant, 'scope' | 'resources'> {
  if (target.kind === 'org') {
    if (order.scope !== undefined) throw fail({ tag: 'scope_needs_user_target', target: target.name });
    const held = secret.resources ?? [];
    if (order.resources === undefined) return { resources: held };
    checkResources(order.resources, hubAccountOf(target), 'resources');
    if (resourcesCover(held, order.resources)) return { resources: order.resources };
    throw fail({ tag: 'scope_too_wide', asked: spell(order.resources), allowed: spell(held) });
  }
  if (order.resources !== undefined) throw fail({ tag: 'resources_need_org_target', target: target.name });
  const held = secret.scope as PatScope;
  const scope = order.scope ?? held;
  if (!covers(held, scope)) throw fail({ tag: 'scope_too_wide', asked: scope, allowed: held });
  return { scope };
}

function spell(resources: readonly OatResource[]): string {
  return resources.map(({ path, scopes }) => `${path} (${scopes.join(', ')})`).join('; ');
}

/** The caller's label, or else the secret's label. In the latter, `{role}` is the last part of the caller's ARN. */
function labelOf(secret: DynamicSecret, target: Target, caller: Caller, order: MintOrder): string | undefined {
  const maxCharacters = callerLabelMax(target.verification?.labelMaxCharacters ?? LABEL_MAX_CHARACTERS);
  if (order.label !== undefined) {
    if (order.label.length <= maxCharacters) return order.label;
    const problem = `Docker Hub keeps at most ${maxCharacters} characters of it on target "${target.name}"`;
    throw fail({ tag: 'invalid_field', field: 'label', problem });
  }
  const label = secret.labelTemplate
    ?.replaceAll('{secret}', secret.name)
    .replaceAll('{role}', caller.arn.split(/[:/]/).at(-1) as string)
    .slice(0, maxCharacters)
    // Docker Hub may drop a space at the end. Then the label would come back changed.
    .trimEnd();
  return label === '' ? undefined : label;
}

function quotasOf(secret: DynamicSecret, target: Target): readonly QuotaClaim[] {
  const claims: QuotaClaim[] = [];
  if (secret.maxActive !== undefined) claims.push({ counter: `secret:${secret.name}`, most: secret.maxActive });
  if (target.maxActive !== undefined) claims.push({ counter: `target:${target.name}`, most: target.maxActive });
  return claims;
}
