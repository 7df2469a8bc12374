import * as z from 'zod';
import type { VerificationStep } from '../core/catalog/verify.ts';
import type { TargetState } from '../core/hub/target-state.ts';
import type { LiveView } from '../core/leases/live.ts';
import type { Evidence, Lease } from '../core/model/lease.ts';
import type { DynamicSecret } from '../core/model/secret.ts';
import type { Target, Verification } from '../core/model/target.ts';
import type { Page } from '../core/ports/pages.ts';
import {
  AdminLeaseAnswer,
  AdminLeaseSchema,
  DeletedSecret,
  DeletedTarget,
  type EvidenceAnswer,
  FakeHub,
  LeaseAnswer,
  LeaseSchema,
  type LiveAnswer,
  MintAnswer,
  OfferSchema,
  PutSecretAnswer,
  PutTargetAnswer,
  pageOf,
  RenewAnswer,
  type ResourceAnswer,
  RevocationsAnswer,
  SecretAnswer,
  SecretSchema,
  TargetAnswer,
  TargetSchema,
  type VerificationAnswer,
} from './answer-schemas.ts';
import { given } from './given.ts';
import type { ProtectionKey } from './protection-key.ts';
import type { Operation } from './routes.ts';
import { stateAnswer } from './state-answer.ts';
import { STEP_TEXT, verificationWarnings } from './verification-words.ts';

/** What the API answers. The functions pick every field by name, so that a field added to a row never goes out by accident. */

const PAGE_TEXT = 'A page of leases. It may be short and still not the last.';
const REVOKED_TEXT = 'The revoked lease, with its evidence.';
const REVOKING_TEXT = 'There is no proof yet; the revocation goes on by itself. `lastError` says why.';
const PENDING =
  'The target; Docker Hub took too long for the verification to be completed. `verificationPending` says what it waits for.';
const PENDING_OWN =
  'The dynamic secret; Docker Hub took too long for the verification of its credential to be completed. Ask for it again by its target.';
const DRAINING = 'Marked draining: it gives no more leases and goes once the open ones have ended.';

/** What an answer's description says of the member that only the bundled fake's answers have. */
function inFake(member: string): string {
  return `\`${member}\` is \`true\` where Docker Hub is the fake that the embedded edition brings, and absent elsewhere.`;
}

/** Every successful answer: operation, status, body. */
export const ANSWERS = {
  mintLease: {
    201: {
      schema: MintAnswer,
      description: `The lease and its token. ${inFake('credential.fakeHub')}`,
    },
  },
  listLeases: { 200: { schema: pageOf(LeaseSchema), description: PAGE_TEXT } },
  getLease: { 200: { schema: LeaseAnswer, description: 'The lease.' } },
  revokeLease: {
    200: { schema: LeaseAnswer, description: REVOKED_TEXT },
    202: { schema: LeaseAnswer, description: REVOKING_TEXT },
  },
  renewLease: { 200: { schema: RenewAnswer, description: 'The lease as extended.' } },
  whoami: {
    200: {
      schema: z.strictObject({
        caller: z.strictObject({
          arn: z.string(),
          accountId: z.string(),
          id: z.string().exactOptional().meta({
            description: 'The unique id of the role or user. A role that is deleted and made again has another.',
          }),
        }),
        secrets: z.array(OfferSchema),
        fakeHub: FakeHub,
      }),
      description: `The caller, and the dynamic secrets that list it. ${inFake('fakeHub')}`,
    },
  },
  getOpenapi: { 200: { schema: z.record(z.string(), z.unknown()), description: 'An OpenAPI 3.1 document.' } },
  listTargets: { 200: { schema: pageOf(TargetSchema), description: 'A page of targets.' } },
  putTarget: {
    200: { schema: PutTargetAnswer, description: 'The target as changed.' },
    201: { schema: PutTargetAnswer, description: 'The new target.' },
    202: { schema: PutTargetAnswer, description: PENDING },
  },
  getTarget: { 200: { schema: TargetAnswer, description: 'The target.' } },
  deleteTarget: {
    200: { schema: DeletedTarget, description: 'The target is gone.' },
    202: { schema: DeletedTarget, description: DRAINING },
  },
  actOnTarget: {
    200: { schema: TargetAnswer, description: 'The target, with what was learned, or the tokens that were dismissed.' },
    202: { schema: TargetAnswer, description: PENDING },
  },
  listSecrets: { 200: { schema: pageOf(SecretSchema), description: 'A page of dynamic secrets.' } },
  putSecret: {
    200: { schema: PutSecretAnswer, description: 'The dynamic secret as changed.' },
    201: { schema: PutSecretAnswer, description: 'The new dynamic secret.' },
    202: { schema: PutSecretAnswer, description: PENDING_OWN },
  },
  getSecret: { 200: { schema: SecretAnswer, description: 'The dynamic secret.' } },
  deleteSecret: {
    200: { schema: DeletedSecret, description: 'The dynamic secret is gone.' },
    202: { schema: DeletedSecret, description: DRAINING },
  },
  listAllLeases: { 200: { schema: pageOf(AdminLeaseSchema), description: PAGE_TEXT } },
  getAnyLease: { 200: { schema: AdminLeaseAnswer, description: 'The lease.' } },
  revokeAnyLease: {
    200: { schema: AdminLeaseAnswer, description: REVOKED_TEXT },
    202: { schema: AdminLeaseAnswer, description: REVOKING_TEXT },
  },
  revokeMatching: {
    202: {
      schema: RevocationsAnswer,
      description: 'The leases, marked to be revoked; GET them to see how far it has come.',
    },
  },
} as const satisfies Record<Operation, Record<number, { schema: z.ZodType; description: string }>>;

/** A status and body that the contract of `Op` has. */
export type AnswerOf<Op extends Operation> = {
  [Status in keyof (typeof ANSWERS)[Op]]: {
    readonly status: Status;
    readonly body: (typeof ANSWERS)[Op][Status] extends { schema: infer S extends z.ZodType } ? z.output<S> : never;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof (typeof ANSWERS)[Op]];

/** A lease as its owner and admins see it; `evidence` once revoked, `live` where Docker Hub was asked and answered. */
export function leaseAnswer(lease: Lease, live?: LiveView): z.output<typeof LeaseSchema> {
  const revoked = lease.status === 'revoked';
  return given({
    id: lease.id,
    secret: lease.secret,
    target: lease.target,
    status: lease.status,
    kind: lease.kind,
    scope: lease.scope,
    resources: resourcesAnswer(lease.resources),
    issuedAt: time(lease.issuedAtMs),
    expiresAt: time(lease.expiresAtMs),
    ttlSeconds: Math.round((lease.expiresAtMs - lease.issuedAtMs) / 1_000),
    renewable: lease.renewable,
    maxExpiresAt: time(lease.maxExpiresAtMs),
    expiryClipped: lease.expiryClipped,
    label: lease.label,
    reason: lease.reason,
    caller: lease.caller,
    callerId: lease.callerId,
    tokenId: lease.tokenId,
    lastUsedAt: lease.lastUsedAtMs === undefined ? undefined : time(lease.lastUsedAtMs),
    live: live === undefined ? undefined : liveAnswer(live),
    neverUsed: live?.found === true && live.lastUsedAtMs === null ? (true as const) : undefined,
    revokeReason: lease.revokeReason,
    createRefused: lease.createRefused,
    lastError: revoked ? undefined : lease.lastError,
    // A reopened lease keeps what it once believed; only a revoked one may show it as proof.
    revokedAt: revoked && lease.revokedAtMs !== undefined ? time(lease.revokedAtMs) : undefined,
    evidence: revoked && lease.evidence !== undefined ? evidenceAnswer(lease.evidence) : undefined,
  });
}

/** A lease as admins see it: with what keeps it open. */
export function adminLeaseAnswer(lease: Lease, live?: LiveView): z.output<typeof AdminLeaseSchema> {
  const { hubReportedExpiresAtMs, revokingSinceMs, blockedBy, status } = lease;
  return given({
    ...leaseAnswer(lease, live),
    hubExpiresAt: hubReportedExpiresAtMs === undefined ? undefined : time(hubReportedExpiresAtMs),
    revokingSince: status === 'revoking' && revokingSinceMs !== undefined ? time(revokingSinceMs) : undefined,
    blockedBy: status === 'revoking' && blockedBy !== undefined ? [...blockedBy] : undefined,
  });
}

function liveAnswer(live: LiveView): z.output<typeof LiveAnswer> {
  const asOf = time(live.atMs);
  if (!live.found) return { found: false, asOf };
  const { isActive, lastUsedAtMs } = live;
  return { found: true, isActive, lastUsedAt: lastUsedAtMs === null ? null : time(lastUsedAtMs), asOf };
}

/** Leases that are to be revoked, as much of each as tells whose it is. */
export function revocationsAnswer(leases: readonly Lease[], complete: boolean): z.output<typeof RevocationsAnswer> {
  return {
    count: leases.length,
    complete,
    leases: leases.map(({ id, secret, caller, issuedAtMs, status }) => ({
      id,
      secret,
      caller,
      issuedAt: time(issuedAtMs),
      status,
    })),
  };
}

function evidenceAnswer(evidence: Evidence): z.output<typeof EvidenceAnswer> {
  const at = time(evidence.atMs);
  switch (evidence.kind) {
    case 'deleted':
      return given({
        kind: 'deleted' as const,
        at,
        httpStatus: evidence.httpStatus,
        confirmedBy: evidence.confirmedBy,
      });
    case 'absent':
      return {
        kind: 'absent',
        at,
        quietUntil: time(evidence.quietUntilMs),
        firstListingAt: time(evidence.firstListingAtMs),
        secondListingAt: time(evidence.secondListingAtMs),
        tokensListed: evidence.tokensListed,
        removedTokenIds: [...evidence.removedTokenIds],
      };
    case 'expired':
      return { kind: 'expired', at, hubDate: time(evidence.hubDateMs), hubExpiresAt: time(evidence.hubExpiresAtMs) };
    case 'attested':
      return { kind: 'attested', at, by: evidence.by, reason: evidence.reason };
  }
}

/**
 * A target; its credential and the version of that are never part of it.
 *
 * @param shown.pending what its verification waits for, where one was asked for and ran out of time.
 * @param shown.state where one target is shown.
 */
export function targetAnswer(
  target: Target,
  shown: { readonly pending?: VerificationStep | undefined; readonly state?: TargetState } = {},
): z.output<typeof TargetSchema> {
  const { pending, state } = shown;
  const verification = target.verification && verificationAnswer(target.verification);
  return given({
    name: target.name,
    kind: target.kind,
    username: target.username,
    organization: target.organization,
    loginRoute: target.loginRoute,
    expiryGranularity: target.expiryGranularity,
    description: target.description,
    tags: { ...target.tags },
    maxActive: target.maxActive,
    allowUnprovenExpiry: target.allowUnprovenExpiry === true,
    verification: pending === undefined ? verification : ('pending' as const),
    verificationPending: pending && { step: pending, detail: STEP_TEXT[pending] },
    dismissedTokenIds: target.dismissedTokenIds && [...target.dismissedTokenIds],
    state: state && stateAnswer(state),
    status: target.status,
    managedBy: target.managedBy,
    createdAt: time(target.createdAtMs),
    updatedAt: time(target.updatedAtMs),
  });
}

function verificationAnswer(verification: Verification): z.output<typeof VerificationAnswer> {
  const { atMs, account, loginRoute, expiryGranularity, expiryMinSeconds, expirySlackSeconds } = verification;
  const { expiryUnproven, labelMaxCharacters, deleteStatus, listDelayMs, rateRemaining } = verification;
  const warnings = verificationWarnings(verification);
  return given({
    at: time(atMs),
    account,
    loginRoute,
    expiryGranularity,
    expiryMinSeconds,
    expirySlackSeconds,
    expiryUnproven,
    labelMaxCharacters,
    deleteStatus,
    listDelayMs: listDelayMs === undefined ? undefined : Math.round(listDelayMs),
    rateRemaining,
    warnings: warnings.length === 0 ? undefined : warnings,
  });
}

/** What a row calls otherwise than its answer does, and what no answer shows. */
const FIELD_NAMES: Readonly<Record<string, string | undefined>> = {
  protectionJwk: 'protectionKey',
  credentialRef: 'credential',
  schema: undefined,
};

/** Names of changed fields as the answers have them. */
export function changedAnswer(changed: readonly string[]): string[] {
  const names = changed.map((name) => (Object.hasOwn(FIELD_NAMES, name) ? FIELD_NAMES[name] : name));
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** The version of a target or secret as a strong entity tag, RFC 9110 section 8.8.3. */
export function etagOf({ version }: Pick<Target, 'version'>): { readonly etag: string } {
  return { etag: `"${version}"` };
}

/** A dynamic secret as admins see it. */
export function secretAnswer(secret: DynamicSecret): z.output<typeof SecretSchema> {
  return given({
    ...offerAnswer(secret),
    ownTarget: secret.ownTarget === true ? (true as const) : undefined,
    maxActive: secret.maxActive,
    maxMintsPerMinute: secret.maxMintsPerMinute,
    allow: secret.allow.map((entry) => (typeof entry === 'string' ? entry : { role: entry.role, id: entry.id })),
    tags: { ...secret.tags },
    deleteProtection: secret.deleteProtection,
    labelTemplate: secret.labelTemplate,
    protectionKey: protectionKeyAnswer(secret.protectionJwk),
    managedBy: secret.managedBy,
    createdAt: time(secret.createdAtMs),
    updatedAt: time(secret.updatedAtMs),
  });
}

/** A dynamic secret as those who may lease from it see it. */
export function offerAnswer(secret: DynamicSecret): z.output<typeof OfferSchema> {
  return given({
    name: secret.name,
    target: secret.target,
    scope: secret.scope,
    resources: resourcesAnswer(secret.resources),
    defaultTtlSeconds: secret.defaultTtlSeconds,
    maxTtlSeconds: secret.maxTtlSeconds,
    renewable: secret.renewable,
    description: secret.description,
    status: secret.status,
  });
}

/** It was checked by the very schema when it was put. */
function protectionKeyAnswer(jwk: DynamicSecret['protectionJwk']): z.output<typeof ProtectionKey> | undefined {
  return jwk === undefined ? undefined : ({ jwk: { ...jwk } } as z.output<typeof ProtectionKey>);
}

/** One page of a list. */
export function pageAnswer<T, A>(page: Page<T>, item: (row: T) => A): { items: A[]; nextToken?: string } {
  return given({ items: page.items.map(item), nextToken: page.nextToken });
}

function resourcesAnswer(resources: Lease['resources']): z.output<typeof ResourceAnswer>[] | undefined {
  return resources?.map(({ type, path, scopes }) => ({ type, path, scopes: [...scopes] }));
}

function time(atMs: number): string {
  return new Date(atMs).toISOString();
}
