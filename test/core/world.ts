import { createHash, createHmac } from 'node:crypto';
import { expect } from 'vitest';
import { writeLabel } from '../../functions/core/hub/label.ts';
import type { AuditEvent } from '../../functions/core/model/audit-event.ts';
import type { Origin } from '../../functions/core/model/caller.ts';
import { Failed, type Failure } from '../../functions/core/model/failure.ts';
import {
  isOpen,
  type Lease,
  type LeaseStatus,
  type OpenLease,
  type RevokedLease,
} from '../../functions/core/model/lease.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import { type Credential, hubAccountOf, type Target, type Verification } from '../../functions/core/model/target.ts';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { Limits } from '../../functions/core/ports/environment.ts';
import type { LabelKeys } from '../../functions/core/ports/sealing.ts';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import type { LeaseDetails, LeaseMembers, LeaseOf, LeaseOverrides } from '../contract/builders.ts';
import { BEARER_CANARY, type GivenToken, MemoryHub, OUR_USER_AGENT, TOKEN_CANARY } from './ports/hub.ts';
import { type AllPorts, ERROR_CANARY, Steering } from './ports/steering.ts';
import { memoryCatalog, memoryCredentials, memoryLeases, memorySealer, memorySessions } from './ports/stores.ts';

export const NOW_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
export const PASSWORD = 'canary-password';
export const TOTP_SECRET = 'CANARYTOTPSECRET';

export const ORIGIN: Origin = {
  caller: { arn: 'arn:aws:iam::111122223333:role/ci', accountId: '111122223333', id: 'AROADBQP57FF2AEXAMPLE' },
  requestId: 'request-1',
  sourceIp: '192.0.2.7',
};

/** What was learned of a Docker Hub that is as documented. */
export const VERIFICATION: Verification = {
  atMs: NOW_MS - 1_000_000,
  account: 'acme-bot',
  loginRoute: 'auth-token',
  expiryGranularity: 'second',
  expirySlackSeconds: 0,
  labelMaxCharacters: 100,
  creatorUserAgentKept: true,
  listDelayMs: 0,
};

export const TARGET: Target = {
  schema: 1,
  name: 'acme-bot',
  version: 1,
  opId: 'op-target',
  kind: 'user',
  username: 'acme-bot',
  loginRoute: 'auth-token',
  expiryGranularity: 'second',
  tags: {},
  verification: VERIFICATION,
  status: 'ready',
  managedBy: 'api',
  createdAtMs: NOW_MS - 1_000_000,
  updatedAtMs: NOW_MS - 1_000_000,
};

/** The fields that make a target hold organization tokens. */
export const ORG = { name: 'acme', kind: 'org', organization: 'acme' } as const;

export const SECRET: DynamicSecret = {
  schema: 1,
  name: 'ci/release',
  version: 1,
  opId: 'op-secret',
  target: 'acme-bot',
  scope: 'repo:write',
  defaultTtlSeconds: 900,
  maxTtlSeconds: 3_600,
  renewable: false,
  allow: ['arn:aws:iam::111122223333:role/ci*'],
  tags: {},
  deleteProtection: false,
  status: 'ready',
  managedBy: 'api',
  createdAtMs: NOW_MS - 1_000_000,
  updatedAtMs: NOW_MS - 1_000_000,
};

export const LIMITS: Limits = {
  minTtlSeconds: 60,
  mintWindowMs: 20_000,
  hubTimeoutMs: 8_000,
  quietMs: 60_000,
  maxRetryMs: 900_000,
  auditRetentionMs: 30 * 86_400_000,
};

/** From a lease's record until no create of it can land any more, where the list is known not to lag. */
export const QUIET_AFTER_MS = LIMITS.mintWindowMs + LIMITS.hubTimeoutMs + LIMITS.quietMs;

export const LABELS: LabelKeys = {
  installation: 'abcd1234',
  currentKeyId: 'k1',
  mac: (keyId, text) =>
    keyId === 'k1' ? createHmac('sha256', 'label key').update(text).digest('base64url').slice(0, 16) : undefined,
  sha256: (token) => createHash('sha256').update(token).digest('hex'),
};

/** A clock that moves only when told to, or when somebody sleeps. Who sleeps at the same time wakes at the same time. */
export class VirtualClock {
  #nowMs = NOW_MS;
  readonly slept: number[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    const wakeAtMs = this.#nowMs + ms;
    // Whoever can still do something does it first.
    await new Promise((resolve) => setImmediate(resolve));
    this.#nowMs = Math.max(this.#nowMs, wakeAtMs);
  }
}

let leaseCount = 0;

/** A lease id that no other lease has. */
export function aLeaseId(): string {
  return `01K9ZC3V7M8Q2R4T6W8Y0A${String(++leaseCount).padStart(4, '0')}`;
}

export interface WorldOptions {
  readonly settleMs?: number;
  readonly limits?: Partial<Limits>;
}

/** Everything that core works with, in memory. There is nothing in it yet. */
export class World {
  readonly clock = new VirtualClock();
  readonly hub = new MemoryHub(() => this.clock.nowMs());
  readonly leases;
  readonly catalog = memoryCatalog();
  readonly sessions = memorySessions();
  readonly credentials = memoryCredentials();
  readonly sealer = memorySealer();
  readonly events: AuditEvent[] = [];
  readonly steering = new Steering();
  readonly ports: AllPorts;
  #ops = 0;

  constructor(options: WorldOptions = {}) {
    this.leases = memoryLeases(options.settleMs ?? 0, () => this.clock.nowMs());
    const { steering } = this;
    this.ports = {
      leases: steering.steered('leases', this.leases.port),
      catalog: steering.steered('catalog', this.catalog.port),
      credentials: steering.steered('credentials', this.credentials.port),
      sessions: steering.steered('sessions', this.sessions.port),
      sealer: steering.steered('sealer', this.sealer.port),
      hub: steering.steered('hub', this.hub.port),
      minter: steering.steered('minter', this.hub.minter),
      tokenSealer: steering.steered('tokenSealer', { seal: async () => 'a.compact.jwe' }),
      backstop: steering.steered('backstop', { arm: async () => {} }),
      timer: steering.steered('timer', { arm: async () => {} }),
      queue: steering.steered('queue', { send: async () => {}, sendAll: async () => {} }),
      audit: steering.steered('audit', {
        record: async (event) => {
          this.events.push(event);
          return 'stored';
        },
      }),
      clock: this.clock,
      ids: { leaseId: aLeaseId, opId: () => `op-${++this.#ops}` },
      labels: LABELS,
      limits: { ...LIMITS, ...options.limits },
    };
  }

  /** Puts a target there, its account on Docker Hub, and its credential. */
  addTarget(overrides: Partial<Target> = {}, credential: Partial<Credential> = {}): Target {
    const target = { ...TARGET, ...overrides };
    this.catalog.targets.set(target.name, target);
    const offered = { username: target.username, password: PASSWORD, ...credential };
    this.credentials.current.set(target.name, { credential: offered, version: 'cred-0' });
    this.hub.accounts.set(target.username, { password: PASSWORD, secondFactor: offered.totpSecret !== undefined });
    return target;
  }

  /** Puts what use has taught about a target's Docker Hub into its record, beside what is known already. */
  addFacts(targetName: string, facts: HubFacts): void {
    const record = this.sessions.rows.get(targetName) ?? { target: targetName, version: 1, opId: 'op-of-facts' };
    this.sessions.rows.set(targetName, { ...record, facts: { ...record.facts, ...facts } });
  }

  /** What use has taught about a target's Docker Hub. */
  factsOf(targetName: string): HubFacts {
    return this.sessions.rows.get(targetName)?.facts ?? {};
  }

  addSecret(overrides: Partial<DynamicSecret> = {}): DynamicSecret {
    const secret = { ...SECRET, ...overrides };
    this.catalog.secrets.set(secret.name, secret);
    return secret;
  }

  /** Puts an `active` lease of 15 minutes there, its token alive and its expiry reported. */
  addLease<S extends OpenLease['status'] = 'active'>(
    target: Target,
    overrides: LeaseOverrides<S> = {},
  ): LeaseOf<S> & { readonly tokenId: string } {
    const lease: Lease = this.leaseOf(target, overrides);
    const token = this.addToken(target, lease);
    const reported = token.expiresAtMs === null ? {} : { hubReportedExpiresAtMs: token.expiresAtMs };
    const { tokenId } = token;
    const kept = { ...lease, tokenId, tokenSha256: 'ab'.repeat(32), ...reported, ...overrides } as Lease;
    this.leases.rows.set(kept.id, kept);
    return { ...kept, tokenId } as Lease as LeaseOf<S> & { readonly tokenId: string };
  }

  /** Puts a `minting` lease there, due when its mint window ends, whose create is not known to have made anything. */
  addMinting<S extends OpenLease['status'] = 'minting'>(target: Target, overrides: LeaseOverrides<S> = {}): LeaseOf<S> {
    const dueAtMs = this.clock.nowMs() + LIMITS.mintWindowMs;
    const lease = this.leaseOf(target, { status: 'minting', dueAtMs, ...overrides } as LeaseOverrides<S>);
    const row: Lease = lease;
    this.leases.rows.set(row.id, row);
    return lease;
  }

  /** Puts a lease there that was revoked a minute ago. Nothing of it is on Docker Hub. */
  addRevoked(target: Target, overrides: LeaseDetails = {}): RevokedLease {
    const atMs = this.clock.nowMs() - 60_000;
    const { dueAtMs: _, ...open } = this.leaseOf(target, { issuedAtMs: atMs - 900_000 });
    const lease = {
      ...open,
      status: 'revoked',
      revokedAtMs: atMs,
      revokeReason: 'expired',
      evidence: { kind: 'deleted', atMs, httpStatus: 204 },
      ttlAtMs: atMs + LIMITS.auditRetentionMs,
      ...overrides,
    } as RevokedLease;
    this.leases.rows.set(lease.id, lease);
    return lease;
  }

  /** Puts a token with a lease's label on Docker Hub. */
  addToken(target: Target, lease: Lease, given: GivenToken = {}): HubToken {
    const maker = target.kind === 'org' ? { createdBy: target.username } : { creatorUserAgent: OUR_USER_AGENT };
    const asMinted = { expiresAtMs: lease.hubExpiresAtMs, ...maker, ...given };
    return this.hub.give(hubAccountOf(target), lease.hubLabel, asMinted);
  }

  /** The label that this installation writes for a lease on an account. */
  label(leaseId: string, hubAccount: string): string {
    return writeLabel(LABELS, leaseId, hubAccount);
  }

  /** A lease without a token, not stored anywhere. It has what is given, whether its status demands more or not. */
  leaseOf<S extends LeaseStatus = 'active'>(target: Target, overrides: LeaseOverrides<S> = {}): LeaseOf<S> {
    const id = overrides.id ?? aLeaseId();
    const hubAccount = hubAccountOf(target);
    const issuedAtMs = overrides.issuedAtMs ?? this.clock.nowMs();
    const expiresAtMs = issuedAtMs + 900_000;
    const lease = {
      schema: 1,
      id,
      status: 'active',
      version: 1,
      opId: `op-of-${id}`,
      secret: SECRET.name,
      target: target.name,
      hubAccount,
      kind: target.kind === 'org' ? 'oat' : 'pat',
      caller: ORIGIN.caller.arn,
      callerId: ORIGIN.caller.id as string,
      hubLabel: this.label(id, hubAccount),
      requestId: 'request-0',
      issuedAtMs,
      expiresAtMs,
      maxExpiresAtMs: expiresAtMs,
      hubExpiresAtMs: expiresAtMs,
      renewable: false,
      mintByMs: issuedAtMs + LIMITS.mintWindowMs,
      attempts: 0,
      dueAtMs: expiresAtMs,
      ...overrides,
    };
    return lease as Lease as LeaseOf<S>;
  }

  lease(leaseId: string): Lease {
    return this.leases.rows.get(leaseId) as Lease;
  }

  /** Changes a stored lease behind core's back, as another writer would. */
  rewrite(leaseId: string, change: LeaseMembers): Lease {
    const lease = this.lease(leaseId);
    const next = { ...lease, ...change, version: lease.version + 1, opId: 'op-of-another-writer' } as Lease;
    this.leases.rows.set(leaseId, next);
    return next;
  }

  get openLeases(): Lease[] {
    return this.leases.rows.all().filter(isOpen);
  }

  /** Names of the audit events so far. */
  get eventNames(): string[] {
    return this.events.map(({ event }) => event);
  }

  /** Checks that no secret stands in any row or audit event. */
  expectNothingLeaked(...answers: unknown[]): void {
    const { leases, catalog, sessions, events } = this;
    const kept = [
      leases.rows.all(),
      catalog.secrets.all(),
      catalog.targets.all(),
      sessions.rows.all(),
      events,
      answers,
    ];
    const text = JSON.stringify(kept);
    for (const canary of [PASSWORD, TOTP_SECRET, TOKEN_CANARY, BEARER_CANARY, ERROR_CANARY]) {
      expect(text).not.toContain(canary);
    }
  }
}

/** The failure that some work ends with. Fails the test when it succeeds, or rejects with anything else. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Failed);
  expect(JSON.stringify([(error as Failed).message, (error as Failed).cause])).not.toContain(ERROR_CANARY);
  return (error as Failed).failure;
}
