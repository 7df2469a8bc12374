import { randomBytes } from 'node:crypto';
import { ulid } from 'ulid';
import { type Lease, nextLease } from '../../functions/core/model/lease.ts';
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

/**
 * A lease as it stands right after its first write with a token: `active`, version 1, due when it expires. Its secret, target
 * and caller are its own unless given. Its id carries `issuedAtMs`, as real ids do.
 */
export function aLease(overrides: Partial<Lease> = {}): Lease {
  const issuedAtMs = overrides.issuedAtMs ?? Date.now();
  const id = overrides.id ?? ulid(issuedAtMs);
  const expiresAtMs = overrides.expiresAtMs ?? issuedAtMs + 900_000;
  return {
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
    tokenId: unique('token'),
    tokenSha256: randomBytes(32).toString('hex'),
    attempts: 0,
    dueAtMs: expiresAtMs,
    ...overrides,
  };
}

/** The next version of a lease, under a write of its own. */
export function changed(lease: Lease, change: Parameters<typeof nextLease>[2]): Lease {
  return nextLease(lease, anOpId(), change);
}

/** The next version of a lease: revoked, on evidence. */
export function revoked(lease: Lease): Lease {
  const atMs = lease.expiresAtMs;
  return changed(lease, {
    status: 'revoked',
    dueAtMs: undefined,
    revokedAtMs: atMs,
    revokeReason: 'expired',
    evidence: { kind: 'deleted', atMs, httpStatus: 204 },
    ttlAtMs: Math.max(atMs, Date.now()) + AUDIT_RETENTION_MS,
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
