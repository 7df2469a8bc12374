import * as z from 'zod';
import { parseAllow } from '../../core/model/allow.ts';
import { parseDuration } from '../../core/model/duration.ts';
import { fail } from '../../core/model/failure.ts';
import { namespaceResources } from '../../core/model/resource.ts';
import { effectiveScope, PAT_SCOPES, type PatScope } from '../../core/model/scope.ts';
import {
  Allow,
  Description,
  Duration,
  HubAccount,
  LabelTemplate,
  MaxActive,
  MaxMintsPerMinute,
  Name,
  Resources,
  Scopes,
  Tags,
} from '../fields.ts';
import { given } from '../given.ts';
import { ProtectionKey } from '../protection-key.ts';
import { CREDENTIAL_FIELDS, credentialOrder, ifVersion } from './target.ts';

/** The body of a dynamic secret's PUT. */
export const SecretBody = z.strictObject({
  target: Name.meta({
    description: 'Or a `credential` in its place; with neither, a secret keeps the credential of its own.',
  }).exactOptional(),
  ...CREDENTIAL_FIELDS,
  kind: CREDENTIAL_FIELDS.kind.exactOptional(),
  scope: z.enum(PAT_SCOPES).meta({ description: 'On users: the most that a lease may have.' }).exactOptional(),
  scopes: Scopes.exactOptional(),
  resources: Resources.exactOptional(),
  namespace: HubAccount.meta({
    description: 'Short for pulling all repositories of this organization.',
  }).exactOptional(),
  defaultTtl: Duration.meta({ description: 'Of leases that ask for none.' }),
  maxTtl: Duration.meta({ description: 'The longest, renewals included.' }),
  renewable: z.boolean().exactOptional(),
  maxActive: MaxActive.exactOptional(),
  maxMintsPerMinute: MaxMintsPerMinute.exactOptional(),
  allow: Allow,
  description: Description.exactOptional(),
  tags: Tags.exactOptional(),
  deleteProtection: z.boolean().exactOptional(),
  labelTemplate: LabelTemplate.exactOptional(),
  protectionKey: ProtectionKey.meta({
    description: 'Tokens are sealed for the owner of this public key.',
  }).exactOptional(),
});

type Body = z.output<typeof SecretBody>;

/**
 * Reads a dynamic secret's PUT. How its fields fit its target is for core to judge.
 *
 * @throws Failed `invalid_field`.
 */
export function secretOrder(
  name: string,
  body: Body,
  query: { readonly verify?: 'true' | 'false' } = {},
  headers: { readonly 'if-match'?: string } = {},
) {
  const { target, credential, kind, organization, loginRoute, allowUnprovenExpiry, ...limits } = body;
  const { scope, scopes, resources, namespace, defaultTtl, maxTtl, allow, protectionKey, ...rest } = limits;
  only(scope, scopes, 'scopes', 'give scope or scopes, not both');
  only(resources, namespace, 'namespace', 'give resources or namespace, not both');
  return given({
    name,
    ...rest,
    target: targetOf(body, query),
    scope: scopeOf(scope, scopes),
    resources: resources ?? (namespace === undefined ? undefined : namespaceResources(namespace)),
    defaultTtlSeconds: parseDuration(defaultTtl, 'defaultTtl'),
    maxTtlSeconds: parseDuration(maxTtl, 'maxTtl'),
    allow: allow.map((entry, index) => parseAllow(entry, `allow.${index}`)),
    protectionJwk: protectionKey?.jwk as Readonly<Record<string, string>> | undefined,
    ifVersion: ifVersion(headers['if-match']),
  });
}

/** The one scope that `scope` or `scopes` amounts to. @throws Failed `invalid_field`. */
export function scopeOf(
  scope: PatScope | undefined,
  scopes: z.output<typeof Scopes> | undefined,
): PatScope | undefined {
  return scope ?? (scopes === undefined ? undefined : effectiveScope(scopes, 'scopes'));
}

/** Refuses two fields that say the same. @throws Failed `invalid_field`. */
export function only(one: unknown, other: unknown, field: string, problem: string): void {
  if (one !== undefined && other !== undefined) throw fail({ tag: 'invalid_field', field, problem });
}

/** A target by name, or a credential with what belongs to it; undefined where neither is given. */
function targetOf(body: Body, query: { readonly verify?: 'true' | 'false' }) {
  const { target, credential, kind, organization, loginRoute, allowUnprovenExpiry } = body;
  if (credential === undefined) {
    for (const [field, value] of Object.entries({ kind, organization, loginRoute, allowUnprovenExpiry })) {
      if (value === undefined) continue;
      throw fail({ tag: 'invalid_field', field, problem: 'only allowed with a credential: a target has its own' });
    }
    return target;
  }
  only(target, credential, 'credential', 'give a target or a credential, not both');
  const verify = query.verify !== 'false';
  const login = { kind: kind ?? ('user' as const), organization, loginRoute, credential: credentialOrder(credential) };
  // The body replaces the secret, and what it does not allow is allowed no more.
  return given({ ...login, allowUnprovenExpiry: allowUnprovenExpiry ?? false, verify });
}
