import type { ManagedBy } from './secret.ts';

/**
 * Which login route a target's credential takes. `auth-token` is Docker Hub's current one; `users-login` is deprecated, but
 * the only one that accepts a second factor, and some accounts get 401 on the other.
 */
export type LoginRoute = 'auth-token' | 'users-login';

/** Granularities of `expires_at` that a verification tries, finest first. */
export type ExpiryGranularity = 'second' | 'minute' | 'hour' | 'day';

/** Results of a verification. */
export interface Verification {
  readonly atMs: number;
  readonly account: string;
  readonly loginRoute: LoginRoute;
  /** Finest granularity that Docker Hub accepted for `expires_at`; absent if only the login was checked. */
  readonly expiryGranularity?: ExpiryGranularity;
  /** Shortest lifetime that Docker Hub accepts, if it refused a shorter one. */
  readonly expiryMinSeconds?: number;
  /** How much later than requested an expiry may be: 0, a minute, an hour or a day. */
  readonly expirySlackSeconds?: number;
  /** Docker Hub keeps no readable expiry, and the target's owner allows this. */
  readonly expiryUnproven?: true;
  /** Longest label that came back unchanged. */
  readonly labelMaxCharacters?: number;
  /**
   * Whether the token's `creator_ua` was our User-Agent; absent if there was none. For an organization's token: false if
   * `created_by` was not the target's user, else absent.
   */
  readonly creatorUserAgentKept?: boolean;
  /** Status of the delete of the throwaway token. */
  readonly deleteStatus?: number;
  /** Time from the create until the token was listed. */
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
  /** Where the owner keeps the credential, if hublease does not keep it. hublease reads it there, and never writes it. */
  readonly credentialRef?: string;
  readonly expiryGranularity: ExpiryGranularity;
  readonly description?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly verification?: Verification;
  /** Maximum open leases at a time. Docker Hub limits an organization's tokens to 10 (Team) or 100 (Business). */
  readonly maxActive?: number;
  /** The owner accepts tokens whose expiry Docker Hub drops, moves by more than a day, or does not show. */
  readonly allowUnprovenExpiry?: true;
  /** Listed tokens that are not from hublease, as an admin declared. They block no lease. At most 100. */
  readonly dismissedTokenIds?: readonly string[];
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

/** The credential of a target. It leaves TargetCredentials only for a login. */
export interface Credential {
  readonly username: string;
  readonly password: string;
  /** Base32, for accounts with two-factor authentication. */
  readonly totpSecret?: string;
}

/** `dckr_pat_…`, `dckr_oat_…`: access tokens. Docker Hub does not let them mint tokens. Source: Docker Hub answers 403 to them. */
export function isAccessToken(password: string): boolean {
  return /^dckr_(pat|oat)_/.test(password);
}

/** Docker Hub's clock may be ahead by this much, and a create takes a while. */
const CLOCK_MARGIN_MS = 60_000;

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

/** The expiry that a create must request now, so that the token lives until `endMs`. */
export function expiryToAskMs(
  { expiryGranularity, verification }: Pick<Target, 'expiryGranularity' | 'verification'>,
  endMs: number,
  nowMs: number,
): number {
  const minSeconds = verification?.expiryMinSeconds;
  // Docker Hub counts from the time at which it receives the create, by its own clock.
  const minMs = minSeconds === undefined ? 0 : nowMs + minSeconds * 1_000 + CLOCK_MARGIN_MS;
  return roundUpExpiry(Math.max(endMs, minMs), expiryGranularity);
}
