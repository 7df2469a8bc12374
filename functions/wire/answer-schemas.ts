import * as z from 'zod';
import { PAT_SCOPES } from '../core/model/scope.ts';
import { ProtectionKey } from './protection-key.ts';
import { StateAnswer } from './state-answer.ts';

/** The published contract of what the API answers. */

const Time = z.iso.datetime({ precision: 3 });
const Seconds = z.int().min(1);
const Tags = z.record(z.string(), z.string());

export const ResourceAnswer = z.strictObject({
  type: z.enum(['TYPE_REPO', 'TYPE_ORG']),
  path: z.string(),
  scopes: z.array(z.string()),
});

export const EvidenceAnswer = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('deleted'),
      at: Time,
      httpStatus: z.int(),
      confirmedBy: z.enum(['gone', 'inactive']).exactOptional().meta({
        description:
          'How Docker Hub confirmed the deletion, where the status alone does not: `gone` from the account and its list, or `inactive`.',
      }),
    }),
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
    z.strictObject({
      kind: z.literal('attested').meta({
        description: '`attested` is no proof: an admin closed the lease on their word.',
      }),
      at: Time,
      by: z.string(),
      reason: z.string(),
    }),
  ])
  .meta({ description: 'What proves that no token of the lease lives.' });

const AsOf = Time.meta({
  description: 'When Docker Hub said so. Docker Hub is not asked again within 30 s, nor faster than its limit allows.',
});

export const LiveAnswer = z
  .discriminatedUnion('found', [
    z.strictObject({ found: z.literal(true), isActive: z.boolean(), lastUsedAt: Time.nullable(), asOf: AsOf }),
    z.strictObject({ found: z.literal(false), asOf: AsOf }),
  ])
  .meta({ description: 'What Docker Hub itself last said of the token; absent where it never did.' });

export const LeaseSchema = z.strictObject({
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
  expiryClipped: z
    .literal(true)
    .exactOptional()
    .meta({ description: 'Docker Hub ends the token earlier than it was asked to, and the lease with it.' }),
  label: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  caller: z.string(),
  callerId: z
    .string()
    .exactOptional()
    .meta({ description: 'The unique id of the role or user that took the lease. Only it is shown the lease.' }),
  tokenId: z.string().exactOptional(),
  lastUsedAt: Time.exactOptional().meta({
    description: 'As last seen on Docker Hub; absent where it was not looked at.',
  }),
  live: LiveAnswer.exactOptional(),
  neverUsed: z.literal(true).exactOptional(),
  revokeReason: z
    .enum(['expired', 'caller', 'admin', 'replayed', 'mint_failed', 'verified', 'orphan', 'reopened'])
    .exactOptional(),
  createRefused: z
    .literal(true)
    .exactOptional()
    .meta({ description: 'Docker Hub refused to create the token. The lease holds no place of a quota.' }),
  lastError: z
    .string()
    .exactOptional()
    .meta({ description: 'Why the last attempt to revoke brought no proof; only while the lease is open.' }),
  revokedAt: Time.exactOptional(),
  evidence: EvidenceAnswer.exactOptional(),
});

/** Of the embedded edition alone: the AWS edition never sends it. */
export const FakeHub = z.literal(true).exactOptional().meta({
  description:
    'Docker Hub is the fake that hublease brings: docker.io refuses its tokens. Absent with any other Docker Hub.',
});

/** What only admins are shown of a lease besides: it names tokens of others, and what Docker Hub says of the account. */
export const AdminLeaseSchema = LeaseSchema.extend({
  hubExpiresAt: Time.exactOptional().meta({
    description: 'When Docker Hub ends the token, as it last reported itself; absent while it has reported nothing.',
  }),
  revokingSince: Time.exactOptional().meta({ description: 'Since when hublease has tried; only while it does.' }),
  blockedBy: z.array(z.string()).exactOptional().meta({
    description:
      'Ids of listed tokens that may be of this lease, although their label does not prove it. They keep it open. Dismiss those of which you know that they are not of hublease.',
  }),
});

const LOGIN = { registry: z.literal('docker.io'), username: z.string(), fakeHub: FakeHub };

const CredentialAnswer = z.union([
  z.strictObject({
    ...LOGIN,
    password: z.string().meta({ format: 'password', description: 'The token. Given once, here, and kept nowhere.' }),
  }),
  z.strictObject({
    ...LOGIN,
    sealed: z.string().meta({ description: 'The token as a compact JWE, for the owner of the protection key alone.' }),
  }),
]);

export const VerificationAnswer = z.strictObject({
  at: Time,
  account: z.string(),
  loginRoute: z.enum(['auth-token', 'users-login']),
  expiryGranularity: z.enum(['second', 'minute', 'hour', 'day']).exactOptional(),
  expiryMinSeconds: z
    .int()
    .exactOptional()
    .meta({ description: 'Shortest life that Docker Hub accepts, where it refused a shorter one.' }),
  expirySlackSeconds: z
    .int()
    .exactOptional()
    .meta({ description: 'Docker Hub ends a token at most this much later than it is asked to.' }),
  expiryUnproven: z
    .literal(true)
    .exactOptional()
    .meta({ description: 'Docker Hub keeps no expiry that can be relied on, which `allowUnprovenExpiry` accepts.' }),
  labelMaxCharacters: z
    .int()
    .exactOptional()
    .meta({ description: 'Longest label that Docker Hub gave back unchanged.' }),
  deleteStatus: z.int().exactOptional(),
  listDelayMs: z.int().exactOptional(),
  rateRemaining: z.int().exactOptional(),
  warnings: z
    .array(z.string())
    .exactOptional()
    .meta({ description: 'In words: where this Docker Hub is less exact than its documentation, and what follows.' }),
});

const PendingAnswer = z.strictObject({
  step: z.enum(['login', 'read', 'list', 'delete']),
  detail: z.string().meta({ description: 'In words: what Docker Hub has yet to do, and what to do now.' }),
});

export const TargetSchema = z.strictObject({
  name: z.string(),
  kind: z.enum(['user', 'org']),
  username: z.string(),
  organization: z.string().exactOptional(),
  loginRoute: z.enum(['auth-token', 'users-login']),
  expiryGranularity: z.enum(['second', 'minute', 'hour', 'day']),
  description: z.string().exactOptional(),
  tags: Tags,
  maxActive: z.int().exactOptional(),
  allowUnprovenExpiry: z.boolean(),
  verification: z.union([VerificationAnswer, z.literal('pending')]).exactOptional(),
  verificationPending: PendingAnswer.exactOptional().meta({
    description: 'What a verification that is `pending` waits for.',
  }),
  dismissedTokenIds: z
    .array(z.string())
    .exactOptional()
    .meta({ description: 'Tokens of which an admin said that they are not of hublease: they block no lease.' }),
  state: StateAnswer.exactOptional(),
  status: z.enum(['ready', 'draining']),
  managedBy: z.enum(['api', 'cdk']),
  createdAt: Time,
  updatedAt: Time,
});

export const SecretSchema = z.strictObject({
  name: z.string(),
  target: z.string(),
  ownTarget: z
    .literal(true)
    .exactOptional()
    .meta({ description: 'The credential was given with the secret and goes with it.' }),
  scope: z.enum(PAT_SCOPES).exactOptional(),
  resources: z.array(ResourceAnswer).exactOptional(),
  defaultTtlSeconds: Seconds,
  maxTtlSeconds: Seconds,
  renewable: z.boolean(),
  maxActive: z.int().exactOptional(),
  maxMintsPerMinute: z.int().exactOptional(),
  allow: z.array(z.union([z.string(), z.strictObject({ role: z.string(), id: z.string() })])),
  description: z.string().exactOptional(),
  tags: Tags,
  deleteProtection: z.boolean(),
  labelTemplate: z.string().exactOptional(),
  protectionKey: ProtectionKey.exactOptional(),
  status: z.enum(['ready', 'draining']),
  managedBy: z.enum(['api', 'cdk']),
  createdAt: Time,
  updatedAt: Time,
});

/** What a caller may know of a secret: not who else may lease from it. */
export const OfferSchema = SecretSchema.pick({
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

export const LeaseAnswer = z.strictObject({ lease: LeaseSchema });
export const AdminLeaseAnswer = z.strictObject({ lease: AdminLeaseSchema });
export const MintAnswer = z.strictObject({ lease: LeaseSchema, credential: CredentialAnswer });
export const RenewAnswer = z.strictObject({
  lease: LeaseSchema,
  clipped: z.boolean().meta({ description: 'The lease ends at its maxExpiresAt, earlier than was asked.' }),
});
export const TargetAnswer = z.strictObject({ target: TargetSchema });
export const SecretAnswer = z.strictObject({ secret: SecretSchema });
const Changed = z.array(z.string()).meta({ description: 'Names of the fields that changed; empty when nothing did.' });
export const PutTargetAnswer = z.strictObject({ target: TargetSchema, changed: Changed });
export const PutSecretAnswer = z.strictObject({
  secret: SecretSchema,
  changed: Changed,
  warnings: z
    .array(z.string())
    .exactOptional()
    .meta({ description: 'In words: entries of `allow` that list more than they seem to, and what to do.' }),
});
export const RevocationsAnswer = z.strictObject({
  count: z.int(),
  complete: z.boolean().meta({ description: 'Whether every lease was reached; if not, send the request again.' }),
  leases: z.array(LeaseSchema.pick({ id: true, secret: true, caller: true, issuedAt: true, status: true })),
});
export const DeletedTarget = z.strictObject({ target: TargetSchema, removed: z.boolean(), openLeases: z.int() });
export const DeletedSecret = z.strictObject({ secret: SecretSchema, removed: z.boolean(), openLeases: z.int() });

export function pageOf<S extends z.ZodType>(item: S) {
  return z.strictObject({ items: z.array(item), nextToken: z.string().exactOptional() });
}
