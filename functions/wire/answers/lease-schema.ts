import * as z from 'zod';
import { PAT_SCOPES } from '../../core/model/scope.ts';
import { ResourceAnswer, Seconds, Time } from './shared.ts';

/** The published form of leases. */

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
export const LeaseAnswer = z.strictObject({ lease: LeaseSchema });
export const AdminLeaseAnswer = z.strictObject({ lease: AdminLeaseSchema });
export const MintAnswer = z.strictObject({ lease: LeaseSchema, credential: CredentialAnswer });
export const RenewAnswer = z.strictObject({
  lease: LeaseSchema,
  clipped: z.boolean().meta({ description: 'The lease ends at its maxExpiresAt, earlier than was asked.' }),
});
export const RevocationsAnswer = z.strictObject({
  count: z.int(),
  complete: z.boolean().meta({ description: 'Whether every lease was reached; if not, send the request again.' }),
  leases: z.array(LeaseSchema.pick({ id: true, secret: true, caller: true, issuedAt: true, status: true })),
});
