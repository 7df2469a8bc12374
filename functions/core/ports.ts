import type { Rates } from './leases/rates.ts';
import type { HubFault } from './model/failure.ts';
import type { Lease, LeaseStatus } from './model/lease.ts';
import type { Pace } from './model/pace.ts';
import type { OatResource, PatScope } from './model/scope.ts';
import type { DynamicSecret } from './model/secret.ts';
import type { Credential, LoginRoute, Target } from './model/target.ts';

/**
 * The ports of hublease's core: what it needs from the world, as contracts. Unless a method says otherwise, it may reject with
 * any error, which means that its effect is unknown: it may have happened, may still happen, or never will. Core never shows
 * such an error to anyone. Every method is safe to repeat with the same arguments unless it says otherwise.
 */

/** One page of a list. `nextToken` is opaque; absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

export interface PageRequest {
  /** 1 to 100. */
  readonly limit: number;
  /** From a former page. A token that the store did not issue for this list rejects with Failed `invalid_field` `nextToken`. */
  readonly nextToken?: string;
}

/** `written`, or `conflict`: another write came first and nothing was changed. */
export type WriteOutcome = 'written' | 'conflict';

/** A counter of open leases that a new lease must fit under. */
export interface QuotaClaim {
  /** `secret:NAME` or `target:NAME`; also in the lease's `counters`. */
  readonly counter: string;
  readonly most: number;
}

/** Which lease answered a caller's Idempotency-Key. Kept for `REPLAY_MS`. */
export interface ReplayRecord {
  /** Hex SHA-256 over the caller's ARN and key. The lease says which role of that ARN it was. */
  readonly id: string;
  readonly version: number;
  readonly opId: string;
  /** Hex SHA-256 of what was asked. */
  readonly orderSha256: string;
  readonly leaseId: string;
  readonly ttlAtMs: number;
}

/** What is written in one transaction with a new lease. */
export interface LeaseClaims {
  readonly quotas?: readonly QuotaClaim[];
  /** Version 1 for a new key, else one more than the record it replaces. */
  readonly replay?: ReplayRecord;
}

/** `written`, `conflict`, or which counter is full; nothing was written in the latter two. */
export type CreateOutcome = WriteOutcome | { readonly full: string };

/** A counter of open leases. */
export interface Counter {
  readonly open: number;
  /** Changes with every write of the counter. */
  readonly version: number;
  readonly changedAtMs: number;
}

/** The leases. Called by mint, revoke, sweep and the lease routes. */
export interface LeaseStore {
  /**
   * Adds a new lease, and in the same transaction its claims. `conflict` when the id is taken by another write, or the replay
   * record is not of the version before; `written` when this very row (same `opId`) is there.
   */
  create(lease: Lease, claims?: LeaseClaims): Promise<CreateOutcome>;
  /** Reads the latest state, strongly consistent. */
  get(leaseId: string): Promise<Lease | undefined>;
  /**
   * Replaces the row whose version is `lease.version - 1`. `written` also when this very write (same `opId` and version) had
   * been applied before. Never creates a row.
   *
   * @param count in the same transaction, takes the lease off its `counters` (`release`), or puts it back on them (`take`,
   *   whatever their limits). A counter never falls below 0.
   */
  update(lease: Lease, count?: 'release' | 'take'): Promise<WriteOutcome>;
  /** Ids of open leases with `dueAtMs` at or before `nowMs`, most overdue first. May lag behind writes by seconds. */
  due(nowMs: number, page: PageRequest): Promise<Page<string>>;
  /** Newest first. May lag behind writes by seconds. A page may be short, even empty, and still have a `nextToken`. */
  list(filter: LeaseFilter, page: PageRequest): Promise<Page<Lease>>;
  /** Open leases, all of them page by page, in no order that matters. May lag behind writes by `settleMs`. */
  listOpen(page: PageRequest): Promise<Page<Lease>>;
  /** The lease that a token belongs to, by the token's hex SHA-256, open or not. May lag behind writes by seconds. */
  findByToken(tokenSha256: string): Promise<string | undefined>;
  /** The record of a caller's key, strongly consistent; one past its `ttlAtMs` may still be there. */
  readReplay(id: string): Promise<ReplayRecord | undefined>;
  /** A counter, strongly consistent; undefined when nothing was ever counted. */
  readCounter(counter: string): Promise<Counter | undefined>;
  /** Corrects a counter, unless it changed since it was read. */
  correctCounter(counter: string, open: number, version: number): Promise<WriteOutcome>;
  /** How many leases of a target or secret are open. May lag behind writes by `settleMs`. */
  countOpen(of: { readonly target: string } | { readonly secret: string }): Promise<number>;
  /** How long a lease may be missing from `countOpen`, `due` and `list` after it was written; 0 for a store with one truth. */
  readonly settleMs: number;
}

/** All that are given must match. At least `caller` is given on callers' routes. */
export interface LeaseFilter {
  readonly caller?: string;
  readonly secret?: string;
  readonly status?: LeaseStatus;
}

/** Targets and secrets, without credentials. Called by mint, revoke, sweep and the admin routes. */
export interface Catalog {
  /** Strongly consistent, as are all single reads here. */
  getSecret(name: string): Promise<DynamicSecret | undefined>;
  /** Writes the row when the stored version is `secret.version - 1` (0 means absent), or when this `opId` is already there. */
  putSecret(secret: DynamicSecret): Promise<WriteOutcome>;
  /** Removes the row when its version is `version`; `written` also when it is gone. */
  deleteSecret(name: string, version: number): Promise<WriteOutcome>;
  /** By name, ascending. `prefix` covers whole segments. */
  listSecrets(
    filter: { readonly prefix?: string; readonly target?: string },
    page: PageRequest,
  ): Promise<Page<DynamicSecret>>;
  getTarget(name: string): Promise<Target | undefined>;
  putTarget(target: Target): Promise<WriteOutcome>;
  deleteTarget(name: string, version: number): Promise<WriteOutcome>;
  listTargets(filter: { readonly prefix?: string }, page: PageRequest): Promise<Page<Target>>;
}

/**
 * The credentials of targets, encrypted at rest. A new credential is staged, proven by a login, and only then made current.
 * Called by session (read) and the admin routes (all).
 */
export interface TargetCredentials {
  /** The current credential and its version, or undefined when none is stored. */
  read(target: string): Promise<{ readonly credential: Credential; readonly version: string } | undefined>;
  /** Stores a credential beside the current one and returns its version. Repeating makes another version. */
  stage(target: string, credential: Credential): Promise<string>;
  /** Makes a staged version the current one. */
  promote(target: string, version: string): Promise<void>;
  /** Removes every version. */
  remove(target: string): Promise<void>;
}

/** What is kept of a target's login, shared by all processes of an installation. */
export interface SessionRecord {
  readonly target: string;
  readonly version: number;
  readonly opId: string;
  /** The bearer, sealed with the context `session:TARGET`. */
  readonly sealedBearer?: string;
  readonly account?: string;
  readonly expiresAtMs?: number;
  /** From when on somebody should log in anew while the session still serves; absent where that is two minutes before its end. */
  readonly refreshAtMs?: number;
  /** The credential that was last used to log in. */
  readonly credentialVersion?: string;
  /** No login with that credential before this. */
  readonly breakerUntilMs?: number;
  /** Refusals of that credential in a row. */
  readonly refusals?: number;
  /** Somebody is logging in, and nobody else should before this. */
  readonly claimUntilMs?: number;
  /** The last 30 s step whose TOTP code was used. */
  readonly totpStep?: number;
  /** Docker Hub's remaining requests as last seen, and when they are replenished. */
  readonly rateRemaining?: number;
  readonly rateResetAtMs?: number;
  /** Docker Hub refused a revocation: nobody asks it before this. */
  readonly throttledUntilMs?: number;
  /** Docker Hub refused a look or a mint: no more of these before this, while a revocation may ask. */
  readonly mintsThrottledUntilMs?: number;
  /** Requests per minute that Docker Hub allows the account, as it last stated. */
  readonly rateLimit?: number;
  /** When the next look of a caller is on time. See `looks.ts`. */
  readonly nextLookAtMs?: number;
  /** No login before this: Docker Hub asked for it, or its edge answered in its place. */
  readonly loginAfterMs?: number;
  /** Logins in a row that got no verdict of Docker Hub: its edge answered in its place, or it failed. */
  readonly edgeLogins?: number;
  /** How the last of those was answered. */
  readonly loginFault?: HubFault;
  /** The version of the credential that last opened a session. */
  readonly provenVersion?: string;
  /** Revocations wait for requests until then. */
  readonly revocationsUntilMs?: number;
  /** What use taught about the target's Docker Hub. */
  readonly facts?: HubFacts;
}

/** Why mints are refused until a verification passes. */
export type MintRefusal = 'expiry_refused' | 'label_refused' | 'list_lags';

/** What mints, revocations and sweeps found out about a target's Docker Hub. Each member is absent until something is known. */
export interface HubFacts {
  /** Mints are refused since `sinceMs`; the sweep last tried to verify the target at `triedAtMs`. */
  readonly refusal?: { readonly code: MintRefusal; readonly sinceMs: number; readonly triedAtMs: number };
  /** The token of a verification that waits to be listed. */
  readonly pendingVerification?: {
    readonly leaseId: string;
    readonly tokenId: string;
    readonly createdAtMs: number;
  };
  /** Largest delay measured between a create and the token's place in the list. */
  readonly listLagMs?: number;
  /** Largest age at which a living token was seen to be missing from the list, so the list lags further than that. */
  readonly listLagsBeyondMs?: number;
  /** Largest `page_size` that Docker Hub accepts, where it refused a larger one. */
  readonly pageSize?: number;
  /** The account's list cannot be used since `sinceMs`; `code` says why. */
  readonly listing?: { readonly code: string; readonly sinceMs: number };
  /** An organization took no more tokens when it had this many. */
  readonly cap?: { readonly tokens: number; readonly atMs: number };
  /** What holds an account's places, as last listed. `foreign` tokens are not of this installation. */
  readonly places?: {
    readonly atMs: number;
    readonly tokens: number;
    readonly foreign: number;
    readonly expired: number;
  };
}

/** Called by session only. */
export interface SessionStore {
  /** Strongly consistent. */
  read(target: string): Promise<SessionRecord | undefined>;
  /** Writes when the stored version is `record.version - 1` (0 means absent), or when this `opId` is already there. */
  write(record: SessionRecord): Promise<WriteOutcome>;
  remove(target: string): Promise<void>;
}

/** Counts who asks how often, for all processes of an installation. Called by `Rates` only, which lets pass what it cannot count. */
export interface CallerRates {
  /**
   * Takes places of a pace, all or none. Repeating takes others, which does no harm. May let through more where many write at the
   * same time.
   *
   * @param key hex SHA-256 over what is counted.
   * @param count 1 to `pace.burst`.
   * @returns undefined when they were taken, else from when on there will be room.
   */
  take(key: string, pace: Pace, nowMs: number, count: number): Promise<number | undefined>;
}

/** Seals tokens for the owner of a protection key: who seals cannot open. Called by mint only. */
export interface TokenSealer {
  /**
   * @param publicJwk a public key, checked when the secret was put.
   * @returns a compact JWE (RFC 7516), RSA-OAEP-256 or ECDH-ES+A256KW by the key's type, content A256GCM.
   */
  seal(token: string, publicJwk: Readonly<Record<string, string>>): Promise<string>;
}

/** Encrypts small texts under the installation's key, bound to a context. Called by session only. */
export interface Sealer {
  seal(plain: string, context: string): Promise<string>;
  /** Rejects when the text was changed, or sealed with another context or key. */
  open(sealed: string, context: string): Promise<string>;
}

/** A logged-in Docker Hub session. */
export interface HubSession {
  /** Docker Hub user name it logged in as, lower case. */
  readonly account: string;
  /** Secret. */
  readonly bearer: string;
  readonly expiresAtMs: number;
}

/** Where tokens live: the account's personal ones, or an organization's. */
export type TokenPlace = { readonly kind: 'pat' } | { readonly kind: 'oat'; readonly organization: string };

/** A token as Docker Hub lists it. Times that are missing, unreadable or before the year 2000 are null. */
export interface HubToken {
  readonly tokenId: string;
  /** Empty where there is none. */
  readonly label: string;
  readonly createdAtMs: number | null;
  /** True where Docker Hub does not say. */
  readonly isActive: boolean;
  readonly expiresAtMs: number | null;
  readonly lastUsedAtMs: number | null;
  /** Personal tokens: the User-Agent that created it; absent where Docker Hub does not say. */
  readonly creatorUserAgent?: string;
  /** Organization tokens: the user who created it; absent where Docker Hub does not say. */
  readonly createdBy?: string;
}

/** Which part of a list is asked for: `pageSize` tokens, behind `page - 1` times as many. */
export interface HubWindow {
  /** From 1. */
  readonly page: number;
  readonly pageSize: number;
}

export interface HubTokenPage {
  readonly tokens: readonly HubToken[];
  /** What Docker Hub says there is in all. */
  readonly total: number;
  /** Whether Docker Hub names a further page. Its address is never followed. */
  readonly more: boolean;
}

/** What came with an answer of Docker Hub, whatever its status; absent where it did not say. */
export interface HubMeta {
  readonly httpStatus?: number;
  /** The answer was JSON, which is how Docker Hub itself answers; what stands before it sends HTML, text or nothing. */
  readonly isJson?: true;
  /** Docker Hub's clock, from the `Date` header. */
  readonly hubDateMs?: number;
  /** Requests per minute that the account is allowed, and how many are left. */
  readonly rateLimit?: number;
  readonly rateRemaining?: number;
  readonly rateResetAtMs?: number;
}

/**
 * Why a call to Docker Hub did not succeed. `fault` means that nothing is known of its effect. `retryAtMs` is by our clock.
 */
export type HubProblem =
  | { readonly tag: 'credential_refused' }
  | { readonly tag: 'second_factor_needed' }
  | { readonly tag: 'session_refused' }
  | { readonly tag: 'access_token_session' }
  | { readonly tag: 'forbidden' }
  /** The account's plan does not include what was asked for. */
  | { readonly tag: 'plan' }
  /** In words that name a limit of tokens. */
  | { readonly tag: 'cap_reached' }
  /** Only ever in Docker Hub's JSON form. */
  | { readonly tag: 'not_found' }
  /** `fields` are those of ours that it names; none where it names none. */
  | { readonly tag: 'invalid'; readonly fields: readonly string[] }
  | { readonly tag: 'throttled'; readonly retryAtMs: number }
  | { readonly tag: 'fault'; readonly code: Exclude<HubFault, 'session_refused'> };

export type HubReply<T> =
  | { readonly ok: true; readonly value: T; readonly meta: HubMeta }
  | { readonly ok: false; readonly problem: HubProblem; readonly meta: HubMeta };

/**
 * Docker Hub, except for creating tokens. Never rejects for anything Docker Hub or the network does: that is a HubReply.
 * Every call ends within the installation's `hubTimeoutMs`. Called by session, revoke, sweep and verification.
 */
export interface DockerHub {
  /**
   * Logs in once. Not to be repeated on `credential_refused`: Docker Hub locks the user name.
   *
   * @param nowMs the time for which a TOTP code is made.
   */
  login(credential: Credential, route: LoginRoute, nowMs: number): Promise<HubReply<HubSession>>;
  /** One page. Pages shift while others create and delete, and may be smaller than asked for. */
  listTokens(session: HubSession, place: TokenPlace, window: HubWindow): Promise<HubReply<HubTokenPage>>;
  /** `not_found` when there is none of that id on that account. */
  getToken(session: HubSession, place: TokenPlace, tokenId: string): Promise<HubReply<HubToken>>;
  /** `httpStatus` is any 2xx, and only 204 says that the token is gone. `not_found` when there is none of that id. */
  deleteToken(
    session: HubSession,
    place: TokenPlace,
    tokenId: string,
  ): Promise<HubReply<{ readonly httpStatus: number }>>;
  /** Reads only Docker Hub's clock, without a session; as it stood within the last minute. */
  readDate(): Promise<HubReply<null>>;
}

/** What a create sends. */
export interface TokenOrder {
  readonly label: string;
  readonly expiresAtMs: number | null;
  /** PAT. */
  readonly scope?: PatScope;
  /** OAT. */
  readonly resources?: readonly OatResource[];
}

/** Creating tokens, apart from DockerHub so that what only revokes cannot. Called by mint and verification. */
export interface TokenMinter {
  /**
   * Creates one token. Sent at most once, never retried; after any failure a token may exist or may still appear.
   * Never repeat.
   */
  createToken(session: HubSession, place: TokenPlace, order: TokenOrder): Promise<HubReply<CreatedToken>>;
}

/** What Docker Hub answers to a create. */
export interface CreatedToken {
  readonly tokenId: string;
  /** Secret. */
  readonly token: string;
  /** As it was echoed; absent where it was not. */
  readonly label?: string;
  /** As it was echoed; null where there is none, or none that can be read. */
  readonly expiresAtMs: number | null;
}

/** A job that calls the revoker for one lease at a time of its own. Called by mint and renew. */
export interface Backstop {
  /** Arms, or moves, the lease's job. Firing early, late or twice is harmless: the revoker reads the lease first. */
  arm(leaseId: string, atMs: number): Promise<void>;
}

/** Hands leases to the revoker. Called by revoke (next attempts) and sweep (due leases). At least once, in any order. */
export interface RevocationQueue {
  /** @param delayMs 0 to 900,000. */
  send(leaseId: string, delayMs: number): Promise<void>;
  /** Hands on all of them, without a delay. When it rejects, all were tried, and those that are not at fault were handed on. */
  sendAll(leaseIds: readonly string[]): Promise<void>;
}

/** One decision, for the audit log. Ids and names only: never a token, credential or session. */
export interface AuditEvent {
  readonly event: AuditEventName;
  readonly atMs: number;
  readonly requestId?: string;
  readonly sourceIp?: string;
  readonly caller?: string;
  /** The caller's unique id, such as `AROA…`. */
  readonly callerId?: string;
  readonly secret?: string;
  readonly target?: string;
  readonly leaseId?: string;
  readonly tokenId?: string;
  readonly tokenSha256?: string;
  readonly code?: string;
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

export type AuditEventName =
  | 'lease.granted'
  | 'lease.renewed'
  | 'lease.denied'
  | 'lease.mint_failed'
  | 'lease.revoke_requested'
  | 'lease.revoked'
  | 'lease.revoke_delayed'
  | 'lease.stuck'
  | 'lease.blocked'
  | 'lease.attested'
  | 'lease.reopened'
  | 'lease.orphan_adopted'
  | 'token.stray_deleted'
  | 'token.dismissed'
  | 'login.refused'
  | 'login.retried'
  | 'account.unreachable'
  | 'listing.unusable'
  | 'clock.skewed'
  | 'target.refused'
  | 'target.changed'
  | 'target.verified'
  | 'target.deleted'
  | 'secret.changed'
  | 'secret.deleted';

/** `lost`: the event is not where it should be, or nobody knows. */
export type AuditOutcome = 'stored' | 'lost';

/** Where decisions are written down. Called by all of core. */
export interface Audit {
  /**
   * Never rejects, and ends within seconds: a lost audit event must not stop a revocation. Only `mint` looks at the outcome, and
   * only where `auditRequired` is set. Repeating writes the event again.
   */
  record(event: AuditEvent): Promise<AuditOutcome>;
}

export interface Clock {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** Fresh identifiers. */
export interface Ids {
  /** A ULID, never given before. */
  leaseId(nowMs: number): string;
  /** Names one write, so that its repetition recognises itself. At least 80 random bits. */
  opId(): string;
}

/** The installation's mark on Docker Hub. */
export interface LabelKeys {
  /** 8 of a-z and 0-9. */
  readonly installation: string;
  /** 2 of a-z and 0-9. */
  readonly currentKeyId: string;
  /** The first 96 bits of HMAC-SHA-256 as 16 base64url characters; undefined for an unknown key. */
  mac(keyId: string, text: string): string | undefined;
  /** Hex SHA-256 of a token. */
  sha256(token: string): string;
}

/** Bounds of one installation. */
export interface Limits {
  /** Least TTL of a lease: 60 on AWS (the Scheduler's precision), 1 on the embedded edition. */
  readonly minTtlSeconds: number;
  /** Most time between a lease's record and its create. */
  readonly mintWindowMs: number;
  /** Most time one call to Docker Hub takes. */
  readonly hubTimeoutMs: number;
  /** How long past `mintWindowMs + hubTimeoutMs` a create may still land. */
  readonly quietMs: number;
  /** Longest pause between two attempts to revoke; at most 900,000, what the queue can delay. */
  readonly maxRetryMs: number;
  /** How long a revoked lease's row is kept. */
  readonly auditRetentionMs: number;
}

/** What revoking and sweeping need. */
export interface RevokePorts {
  readonly leases: LeaseStore;
  readonly catalog: Catalog;
  readonly credentials: Pick<TargetCredentials, 'read'>;
  readonly sessions: SessionStore;
  readonly sealer: Sealer;
  readonly hub: DockerHub;
  readonly queue: RevocationQueue;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly labels: LabelKeys;
  readonly limits: Limits;
}

/** What the broker needs: revoking, and what minting takes besides. */
export interface MintPorts extends RevokePorts {
  readonly minter: TokenMinter;
  readonly tokenSealer: TokenSealer;
  readonly backstop: Backstop;
  /** A second, slower trigger, where the edition has one; losing it loses nothing. */
  readonly timer?: Backstop;
  /** How often callers may ask; absent where nobody counts. */
  readonly rates?: Rates;
  /** No token is answered unless its `lease.granted` is stored. */
  readonly auditRequired?: boolean;
}

/** What a verification needs: revoking, and creating the token that it deletes. */
export interface VerifyPorts extends RevokePorts {
  readonly minter: TokenMinter;
}

/** What sweeping needs: revoking, removing what has drained, and verifying targets whose mints are refused. */
export interface SweepPorts extends VerifyPorts {
  readonly credentials: Pick<TargetCredentials, 'read' | 'remove'>;
}

/** What the admin routes need. */
export interface AdminPorts extends VerifyPorts {
  readonly credentials: TargetCredentials;
}
