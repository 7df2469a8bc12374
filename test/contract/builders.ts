import { randomBytes } from 'node:crypto';
import { ulid } from 'ulid';
import {
  isOpen,
  type Lease,
  type LeaseStatus,
  type OpenLease,
  type RevokedLease,
  type RevokingLease,
} from '../../functions/core/model/lease.ts';
import { conclude, nextLease, reopen } from '../../functions/core/model/lease-transitions.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { SessionRecord } from '../../functions/core/ports/sessions.ts';

const AUDIT_RETENTION_MS = 30 * 86_400_000;

/** A legal name that no other test uses, so that suites can share a store with each other and with former runs. */
export function unique(word: string): string {
  return `${word}-${randomBytes(6).toString('hex')}`;
}

/** A name for one write. */
export function anOpId(): string {
  return randomBytes(15).toString('base64url');
}

/** The ARN of a role that no other test uses. */
export function aCaller(): string {
  return `arn:aws:iam::111122223333:role/${unique('role')}`;
}

/** Members of a lease, of whatever status. */
export type LeaseMembers = { readonly [K in keyof Lease]?: Exclude<Lease[K], undefined> };

/** The same, but for the status. */
export type LeaseDetails = Omit<LeaseMembers, 'status'>;

/** What a lease differs in from the usual one, its status among it. */
export type LeaseOverrides<S extends LeaseStatus> = LeaseDetails & { readonly status?: S };

/** What an open lease differs in from the usual one. */
export type OpenOverrides = LeaseOverrides<OpenLease['status']>;

/** A lease of one status. */
export type LeaseOf<S extends LeaseStatus> = Extract<Lease, { readonly status: S }>;

/** What leases of some status have, beside what all have, in place of what they never have. */
function membersOf(status: LeaseStatus, expiresAtMs: number): { readonly [K in keyof Lease]?: Lease[K] | undefined } {
  const token = { tokenId: unique('token'), tokenSha256: randomBytes(32).toString('hex') };
  const revoking = { revokeReason: 'expired', revokingSinceMs: expiresAtMs } as const;
  const evidence = { kind: 'deleted', atMs: expiresAtMs, httpStatus: 204 } as const;
  const ttlAtMs = Math.max(expiresAtMs, Date.now()) + AUDIT_RETENTION_MS;
  switch (status) {
    case 'minting':
      return { dueAtMs: expiresAtMs };
    case 'active':
      return { ...token, dueAtMs: expiresAtMs };
    case 'revoking':
      return { ...token, ...revoking, dueAtMs: expiresAtMs };
    case 'revoked':
      return { ...token, ...revoking, revokedAtMs: expiresAtMs, evidence, ttlAtMs };
  }
}

/**
 * A lease: `active`, version 1, due when it expires, unless another status is given. Its secret, target and caller are its own
 * unless given. Its id carries `issuedAtMs`, as real ids do.
 */
export function aLease<S extends LeaseStatus = 'active'>(overrides: LeaseOverrides<S> = {}): LeaseOf<S> {
  const issuedAtMs = overrides.issuedAtMs ?? Date.now();
  const id = overrides.id ?? ulid(issuedAtMs);
  const expiresAtMs = overrides.expiresAtMs ?? issuedAtMs + 900_000;
  const lease = {
    schema: 1,
    id,
    status: 'active',
    version: 1,
    opId: anOpId(),
    secret: unique('secret'),
    target: unique('target'),
    hubAccount: 'acme-bot',
    kind: 'pat',
    scope: 'repo:write',
    caller: aCaller(),
    callerId: 'AROADBQP57FF2AEXAMPLE',
    hubLabel: `hl1:0a1b2c3d:${id}:k1.AAAAAAAAAAAAAAAA`,
    requestId: unique('request'),
    issuedAtMs,
    expiresAtMs,
    maxExpiresAtMs: expiresAtMs,
    hubExpiresAtMs: expiresAtMs,
    renewable: false,
    mintByMs: issuedAtMs + 10_000,
    attempts: 0,
    ...membersOf(overrides.status ?? 'active', expiresAtMs),
    ...overrides,
  };
  // The status decides which members are there.
  return lease as Lease as LeaseOf<S>;
}

/**
 * The next version of a lease, under a write of its own. What another status needs is added; a member set to undefined is removed.
 */
export function changed<S extends LeaseStatus>(
  lease: LeaseOf<S>,
  change: { readonly [K in keyof LeaseDetails]?: LeaseDetails[K] | undefined },
): LeaseOf<S>;
export function changed<S extends LeaseStatus>(
  lease: Lease,
  change: { readonly [K in keyof LeaseDetails]?: LeaseDetails[K] | undefined } & { readonly status: S },
): LeaseOf<S>;
export function changed(
  lease: Lease,
  change: { readonly [K in keyof LeaseMembers]?: LeaseMembers[K] | undefined },
): Lease {
  const needed = change.status === undefined ? {} : membersOf(change.status, lease.expiresAtMs);
  const merged = Object.entries({ ...needed, ...lease, ...change }).filter(([, value]) => value !== undefined);
  return nextLease(lease, anOpId(), Object.fromEntries(merged) as unknown as Lease);
}

/** The next version of a revoked lease: being revoked again, and long due. */
export function reopened(lease: RevokedLease, nowMs = 1): RevokingLease {
  return reopen(lease, anOpId(), { tokenId: lease.tokenId ?? unique('token'), nowMs });
}

/** The next version of an open lease: revoked, on evidence. */
export function revoked(lease: Lease): RevokedLease {
  if (!isOpen(lease)) throw new Error('only an open lease can be revoked');
  const atMs = lease.expiresAtMs;
  return conclude(lease, anOpId(), {
    evidence: { kind: 'deleted', atMs, httpStatus: 204 },
    reason: 'expired',
    nowMs: atMs,
    ttlAtMs: Math.max(atMs, Date.now()) + AUDIT_RETENTION_MS,
    removedTokenIds: [],
  });
}

/** A secret of a user target, version 1. */
export function aSecret(overrides: Partial<DynamicSecret> = {}): DynamicSecret {
  const nowMs = Date.now();
  return {
    schema: 1,
    name: unique('secret'),
    version: 1,
    opId: anOpId(),
    target: unique('target'),
    scope: 'repo:write',
    defaultTtlSeconds: 900,
    maxTtlSeconds: 3_600,
    renewable: false,
    allow: [
      'arn:aws:iam::111122223333:role/ci*',
      { role: 'arn:aws:iam::111122223333:role/deploy', id: 'AROACKCEVSQ6C2EXAMPLE' },
    ],
    tags: {},
    deleteProtection: false,
    status: 'ready',
    managedBy: 'api',
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    ...overrides,
  };
}

/** A user target, version 1. */
export function aTarget(overrides: Partial<Target> = {}): Target {
  const nowMs = Date.now();
  return {
    schema: 1,
    name: unique('target'),
    version: 1,
    opId: anOpId(),
    kind: 'user',
    username: 'acme-bot',
    loginRoute: 'auth-token',
    expiryGranularity: 'second',
    tags: {},
    status: 'ready',
    managedBy: 'api',
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    ...overrides,
  };
}

/** A target's session, version 1, with every field in use. */
export function aSessionRecord(overrides: Partial<SessionRecord> = {}): SessionRecord {
  const nowMs = Date.now();
  return {
    target: unique('target'),
    version: 1,
    opId: anOpId(),
    sealedBearer: `sealed.${randomBytes(24).toString('base64url')}`,
    account: 'acme-bot',
    expiresAtMs: nowMs + 600_000,
    refreshAtMs: nowMs + 480_000,
    credentialVersion: unique('credential'),
    breakerUntilMs: nowMs,
    claimUntilMs: nowMs,
    totpStep: Math.floor(nowMs / 30_000),
    rateRemaining: 177,
    rateResetAtMs: nowMs + 60_000,
    throttledUntilMs: nowMs + 60_000,
    refusals: 2,
    loginAfterMs: nowMs + 600_000,
    edgeLogins: 3,
    loginFault: 'edge',
    provenVersion: unique('credential'),
    revocationsUntilMs: nowMs + 900_000,
    facts: {
      refusal: { code: 'label_refused', sinceMs: nowMs, triedAtMs: nowMs },
      pendingVerification: { leaseId: ulid(nowMs), tokenId: unique('token'), createdAtMs: nowMs },
      listLagMs: 0,
      listLagsBeyondMs: 5_000,
      pageSize: 50,
      listing: { code: 'malformed', sinceMs: nowMs },
      cap: { tokens: 10, atMs: nowMs },
      places: { atMs: nowMs, tokens: 10, foreign: 3, expired: 0 },
    },
    ...overrides,
  };
}
