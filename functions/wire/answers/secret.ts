import * as z from 'zod';
import { PAT_SCOPES } from '../../core/model/scope.ts';
import type { DynamicSecret } from '../../core/model/secret.ts';
import { given } from '../given.ts';
import { ProtectionKey } from '../protection-key.ts';
import { Changed, ResourceAnswer, resourcesAnswer, Seconds, Tags, Time, time } from './shared.ts';

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

export const SecretAnswer = z.strictObject({ secret: SecretSchema });
export const PutSecretAnswer = z.strictObject({
  secret: SecretSchema,
  changed: Changed,
  warnings: z
    .array(z.string())
    .exactOptional()
    .meta({ description: 'In words: entries of `allow` that list more than they seem to, and what to do.' }),
});
export const DeletedSecret = z.strictObject({ secret: SecretSchema, removed: z.boolean(), openLeases: z.int() });

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
