import { fail } from '../model/failure.ts';
import { isUnder } from '../model/name.ts';
import type { ManagedBy } from '../model/secret.ts';
import { type Credential, hubAccountOf, isAccessToken, type LoginRoute, type Target } from '../model/target.ts';
import type { AdminPorts } from '../ports/needs.ts';
import { checkOwner } from './entries.ts';
import { checkVersion } from './versioned.ts';

/** A target as its admin orders it. Missing fields keep their former value, or get the default. */
export interface TargetOrder {
  readonly name: string;
  readonly kind: 'user' | 'org';
  readonly organization?: string;
  readonly credential?: Credential;
  /** Where the owner keeps `credential`. hublease then checks it, and does not store it. */
  readonly credentialRef?: string;
  readonly loginRoute?: LoginRoute;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Maximum open leases at a time. For an organization, the default is 100, the limit of Docker's Business plan. Team has 10. */
  readonly maxActive?: number;
  /** Accept tokens whose expiry Docker Hub drops, moves by more than a day, or does not show. */
  readonly allowUnprovenExpiry?: boolean;
  /** Check the credential with a login and a throwaway token before it becomes current. */
  readonly verify: boolean;
  /** The version to replace; `any` only requires that one exists. */
  readonly ifVersion?: number | 'any';
  readonly managedBy?: ManagedBy;
  /** Made for one secret, with a name that the API does not allow. */
  readonly ownTarget?: boolean;
}

/** The prefix of names of targets for inline credentials. */
export const OWN_TARGET_PREFIX = 'inline';

/** Docker's Business plan. Source: Docker manuals, "Organization access tokens". */
const ORG_TOKEN_CAP = 100;

/**
 * The checks that need no port.
 *
 * @throws Failed `invalid_field`, `precondition_failed`, `managed_by_cdk`, `draining`, `access_token_as_credential`.
 */
export function checkTargetOrder(order: TargetOrder, existing: Target | undefined): void {
  if (isUnder(order.name, OWN_TARGET_PREFIX) !== (order.ownTarget === true)) {
    const problem = `names below "${OWN_TARGET_PREFIX}" are kept for credentials that are given with a secret`;
    throw fail({ tag: 'invalid_field', field: 'name', problem });
  }
  checkVersion(order.name, existing, order.ifVersion);
  if (existing !== undefined) checkOwner(existing, order);
  // The target's last leases may need the new credential for their revocation.
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

/** @throws Failed `invalid_field` `organization` if the kind is `org` without an organization, or another kind with one. */
export function checkOrganization({ kind, organization }: Pick<TargetOrder, 'kind' | 'organization'>): void {
  if ((kind === 'org') === (organization !== undefined)) return;
  const problem = kind === 'org' ? 'required when kind is "org"' : 'only allowed when kind is "org"';
  throw fail({ tag: 'invalid_field', field: 'organization', problem });
}

/** The target's row after an order. */
export function targetOf(ports: AdminPorts, order: TargetOrder, existing: Target | undefined): Target {
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

/** The target's login and the facts learned with it: those of its current credential, or no facts for a new credential. */
function loginOf(
  { credential, credentialRef, loginRoute }: TargetOrder,
  existing: Target | undefined,
): Pick<Target, 'username' | 'loginRoute' | 'credentialRef' | 'verification'> {
  if (credential === undefined) {
    // If the order has no credential, the target already has one, see `checkOrder`.
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

/**
 * Leases can only be revoked from the account that holds their tokens. A lease may be recorded at any moment, so a target's
 * account never changes. To change it, delete the target, which waits for its leases.
 *
 * @throws Failed `wrong_account`.
 */
export function checkAccount(wanted: Target, existing: Target | undefined): void {
  if (existing === undefined || hubAccountOf(existing) === hubAccountOf(wanted)) return;
  throw fail({ tag: 'wrong_account', expected: hubAccountOf(existing), got: hubAccountOf(wanted) });
}
