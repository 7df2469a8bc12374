import type { ManagedBy } from './secret.ts';

/**
 * Which login route a target's credential takes. `auth-token` is Docker Hub's current one; `users-login` is deprecated, but
 * the only one that accepts a second factor, and some accounts get 401 on the other.
 */
export type LoginRoute = 'auth-token' | 'users-login';

/** Finest to coarsest instants that Docker Hub was seen to accept for `expires_at`. */
export type ExpiryGranularity = 'second' | 'minute' | 'hour' | 'day';

/** What a verification learned from the live service. */
export interface Verification {
  readonly atMs: number;
  readonly account: string;
  readonly loginRoute: LoginRoute;
  /** Finest instant that was accepted for `expires_at`; absent where only the login was proven. */
  readonly expiryGranularity?: ExpiryGranularity;
  /** Status of the delete of the throwaway token. */
  readonly deleteStatus?: number;
  /** From the create until the token stood in the list. */
  readonly listDelayMs?: number;
  /** Docker Hub's remaining requests afterwards. */
  readonly rateRemaining?: number;
}

/** A privileged Docker Hub account that tokens are minted from. Its credential is kept elsewhere. */
export interface Target {
  readonly schema: 1;
  readonly name: string;
  readonly version: number;
  readonly opId: string;
  readonly kind: 'user' | 'org';
  /** Docker Hub user name that logs in, lower case. */
  readonly username: string;
  /** On `org` targets. */
  readonly organization?: string;
  readonly loginRoute: LoginRoute;
  /** Where the owner keeps the credential, when that is not hublease: it is read there and never written. */
  readonly credentialRef?: string;
  readonly expiryGranularity: ExpiryGranularity;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly verification?: Verification;
  /** Most open leases at a time; Docker Hub caps an organization's tokens at 10 (Team) or 100 (Business). */
  readonly maxActive?: number;
  /** `draining`: refuses new leases; removed once its leases are revoked. */
  readonly status: 'ready' | 'draining';
  readonly managedBy: ManagedBy;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** The Docker Hub account that holds a target's tokens: the organization of an `org` target, else the user. */
export function hubAccountOf(target: Pick<Target, 'kind' | 'username' | 'organization'>): string {
  return target.kind === 'org' ? (target.organization as string) : target.username;
}

/** What a target logs in with. Never leaves TargetCredentials but for a login. */
export interface Credential {
  readonly username: string;
  readonly password: string;
  /** Base32, for accounts with two-factor authentication. */
  readonly totpSecret?: string;
}

/** `dckr_pat_…`, `dckr_oat_…`: tokens that Docker Hub does not let mint others. Source: Docker Hub answers 403 to them. */
export function isAccessToken(password: string): boolean {
  return /^dckr_(pat|oat)_/.test(password);
}

const GRANULARITY_MS: Record<ExpiryGranularity, number> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** The first instant at or after `atMs` that Docker Hub accepts as an expiry. */
export function roundUpExpiry(atMs: number, granularity: ExpiryGranularity): number {
  const step = GRANULARITY_MS[granularity];
  return Math.ceil(atMs / step) * step;
}
