import * as z from 'zod';
import type { Evidence, Lease } from '../core/lease.ts';
import type { Page } from '../core/ports.ts';
import { PAT_SCOPES } from '../core/scope.ts';
import type { DynamicSecret } from '../core/secret.ts';
import type { Target, Verification } from '../core/target.ts';
import { given } from './given.ts';
import type { Operation } from './routes.ts';

/**
 * What the API answers. The schemas are the published contract; the functions pick every field by name, so that a field added
 * to a row never goes out by accident.
 */

const Time = z.iso.datetime({ precision: 3 });
const Seconds = z.int().min(1);
const Tags = z.record(z.string(), z.string());

const ResourceAnswer = z.strictObject({
  type: z.enum(['TYPE_REPO', 'TYPE_ORG']),
  path: z.string(),
  scopes: z.array(z.string()),
});

const EvidenceAnswer = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('deleted'), at: Time, httpStatus: z.int() }),
    z.strictObject({
      kind: z.literal('absent'),
      at: Time,
      quietUntil: Time,
      firstListingAt: Time,
      secondListingAt: Time,
      tokensListed: z.int(),
      removedTokenIds: z.array(z.string()),
    }),
    z.strictObject({ kind: z.literal('expired'), at: Time, hubDate: Time, hubExpiresAt: Time }),
  ])
  .meta({ description: 'What proves that no token of the lease lives.' });

const LeaseSchema = z.strictObject({
  id: z.string(),
  secret: z.string(),
  target: z.string(),
  status: z.enum(['minting', 'active', 'revoking', 'revoked']),
  kind: z.enum(['pat', 'oat']),
  scope: z.enum(PAT_SCOPES).exactOptional(),
  resources: z.array(ResourceAnswer).exactOptional(),
  issuedAt: Time,
  expiresAt: Time,
  ttlSeconds: Seconds,
  renewable: z.boolean(),
  maxExpiresAt: Time,
  label: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  caller: z.string(),
  tokenId: z.string().exactOptional(),
  revokeReason: z.enum(['expired', 'caller', 'admin', 'mint_failed', 'orphan', 'reopened']).exactOptional(),
  revokedAt: Time.exactOptional(),
  evidence: EvidenceAnswer.exactOptional(),
});

const CredentialAnswer = z.strictObject({
  registry: z.literal('docker.io'),
  username: z.string(),
  password: z.string().meta({ format: 'password', description: 'The token. Given once, here, and kept nowhere.' }),
});

const TargetSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['user', 'org']),
  username: z.string(),
  organization: z.string().exactOptional(),
  loginRoute: z.enum(['auth-token', 'users-login']),
  expiryGranularity: z.enum(['second', 'minute', 'hour', 'day']),
  description: z.string().exactOptional(),
  tags: Tags,
  verification: z
    .strictObject({ at: Time, account: z.string(), loginRoute: z.enum(['auth-token', 'users-login']) })
    .exactOptional(),
  status: z.enum(['ready', 'draining']),
  managedBy: z.enum(['api', 'cdk']),
  createdAt: Time,
  updatedAt: Time,
});

const SecretSchema = z.strictObject({
  name: z.string(),
  target: z.string(),
  scope: z.enum(PAT_SCOPES).exactOptional(),
  resources: z.array(ResourceAnswer).exactOptional(),
  defaultTtlSeconds: Seconds,
  maxTtlSeconds: Seconds,
  renewable: z.boolean(),
  maxActive: z.int().exactOptional(),
  allow: z.array(z.string()),
  description: z.string().exactOptional(),
  tags: Tags,
  deleteProtection: z.boolean(),
  status: z.enum(['ready', 'draining']),
  managedBy: z.enum(['api', 'cdk']),
  createdAt: Time,
  updatedAt: Time,
});

/** What a caller may know of a secret: not who else may lease from it. */
const OfferSchema = SecretSchema.pick({
  name: true,
  target: true,
  scope: true,
  resources: true,
  defaultTtlSeconds: true,
  maxTtlSeconds: true,
  renewable: true,
  description: true,
  status: true,
});

const LeaseAnswer = z.strictObject({ lease: LeaseSchema });
const MintAnswer = z.strictObject({ lease: LeaseSchema, credential: CredentialAnswer });
const TargetAnswer = z.strictObject({ target: TargetSchema });
const SecretAnswer = z.strictObject({ secret: SecretSchema });
const DeletedTarget = z.strictObject({ target: TargetSchema, removed: z.boolean(), openLeases: z.int() });
const DeletedSecret = z.strictObject({ secret: SecretSchema, removed: z.boolean(), openLeases: z.int() });

function pageOf<S extends z.ZodType>(item: S) {
  return z.strictObject({ items: z.array(item), nextToken: z.string().exactOptional() });
}

const DRAINING = 'Marked draining: it gives no more leases and goes once the open ones have ended.';

/** Every successful answer: operation, status, body. */
export const ANSWERS = {
  mintLease: { 201: { schema: MintAnswer, description: 'The lease and its token.' } },
  listLeases: {
    200: { schema: pageOf(LeaseSchema), description: 'A page of leases. It may be short and still not the last.' },
  },
  getLease: { 200: { schema: LeaseAnswer, description: 'The lease.' } },
  revokeLease: {
    200: { schema: LeaseAnswer, description: 'The revoked lease, with its evidence.' },
    202: { schema: LeaseAnswer, description: 'Docker Hub could not be reached; the revocation goes on by itself.' },
  },
  whoami: {
    200: {
      schema: z.strictObject({
        caller: z.strictObject({ arn: z.string(), accountId: z.string() }),
        secrets: z.array(OfferSchema),
      }),
      description: 'The caller, and the dynamic secrets that list it.',
    },
  },
  getOpenapi: { 200: { schema: z.record(z.string(), z.unknown()), description: 'An OpenAPI 3.1 document.' } },
  listTargets: { 200: { schema: pageOf(TargetSchema), description: 'A page of targets.' } },
  putTarget: {
    200: { schema: TargetAnswer, description: 'The target as changed.' },
    201: { schema: TargetAnswer, description: 'The new target.' },
  },
  getTarget: { 200: { schema: TargetAnswer, description: 'The target.' } },
  deleteTarget: {
    200: { schema: DeletedTarget, description: 'The target is gone.' },
    202: { schema: DeletedTarget, description: DRAINING },
  },
  listSecrets: { 200: { schema: pageOf(SecretSchema), description: 'A page of dynamic secrets.' } },
  putSecret: {
    200: { schema: SecretAnswer, description: 'The dynamic secret as changed.' },
    201: { schema: SecretAnswer, description: 'The new dynamic secret.' },
  },
  getSecret: { 200: { schema: SecretAnswer, description: 'The dynamic secret.' } },
  deleteSecret: {
    200: { schema: DeletedSecret, description: 'The dynamic secret is gone.' },
    202: { schema: DeletedSecret, description: DRAINING },
  },
} as const satisfies Record<Operation, Record<number, { schema: z.ZodType; description: string }>>;

/** A status and body that the contract of `Op` has. */
export type AnswerOf<Op extends Operation> = {
  [Status in keyof (typeof ANSWERS)[Op]]: {
    readonly status: Status;
    readonly body: (typeof ANSWERS)[Op][Status] extends { schema: infer S extends z.ZodType } ? z.output<S> : never;
  };
}[keyof (typeof ANSWERS)[Op]];

/** A lease as its owner and admins see it; `evidence` once revoked. */
export function leaseAnswer(lease: Lease): z.output<typeof LeaseSchema> {
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
    label: lease.label,
    reason: lease.reason,
    caller: lease.caller,
    tokenId: lease.tokenId,
    revokeReason: lease.revokeReason,
    // A reopened lease keeps what it once believed; only a revoked one may show it as proof.
    revokedAt: revoked && lease.revokedAtMs !== undefined ? time(lease.revokedAtMs) : undefined,
    evidence: revoked && lease.evidence !== undefined ? evidenceAnswer(lease.evidence) : undefined,
  });
}

function evidenceAnswer(evidence: Evidence): z.output<typeof EvidenceAnswer> {
  const at = time(evidence.atMs);
  switch (evidence.kind) {
    case 'deleted':
      return { kind: 'deleted', at, httpStatus: evidence.httpStatus };
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
  }
}

/** A target; its credential and the version of that are never part of it. */
export function targetAnswer(target: Target): z.output<typeof TargetSchema> {
  return given({
    name: target.name,
    kind: target.kind,
    username: target.username,
    organization: target.organization,
    loginRoute: target.loginRoute,
    expiryGranularity: target.expiryGranularity,
    description: target.description,
    tags: { ...target.tags },
    verification: target.verification === undefined ? undefined : verificationAnswer(target.verification),
    status: target.status,
    managedBy: target.managedBy,
    createdAt: time(target.createdAtMs),
    updatedAt: time(target.updatedAtMs),
  });
}

function verificationAnswer({ atMs, account, loginRoute }: Verification) {
  return { at: time(atMs), account, loginRoute };
}

/** A dynamic secret as admins see it. */
export function secretAnswer(secret: DynamicSecret): z.output<typeof SecretSchema> {
  return given({
    ...offerAnswer(secret),
    maxActive: secret.maxActive,
    allow: [...secret.allow],
    tags: { ...secret.tags },
    deleteProtection: secret.deleteProtection,
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
