import * as z from 'zod';
import { parseAllow } from '../core/caller.ts';
import { parseDuration } from '../core/duration.ts';
import { fail } from '../core/failure.ts';
import type { PageRequest } from '../core/ports.ts';
import { effectiveScope, PAT_SCOPES } from '../core/scope.ts';
import {
  Allow,
  CredentialBody,
  Description,
  Duration,
  HubAccount,
  Label,
  MAX_ACTIVE_MAX,
  Name,
  PAGE_LIMIT_DEFAULT,
  PAGE_QUERY,
  RESOURCES_MAX,
  Reason,
  Resource,
  Switch,
  Tags,
} from './fields.ts';
import { given } from './given.ts';
import type { Operation } from './routes.ts';

const MintBody = z.strictObject({
  ttl: Duration.exactOptional(),
  label: Label.exactOptional(),
  reason: Reason.exactOptional(),
});

const TargetBody = z.strictObject({
  kind: z.enum(['user', 'org']),
  organization: HubAccount.exactOptional(),
  credential: CredentialBody.exactOptional(),
  loginRoute: z.enum(['auth-token', 'users-login']).exactOptional(),
  description: Description.exactOptional(),
  tags: Tags.exactOptional(),
});

const SecretBody = z.strictObject({
  target: Name,
  scope: z.enum(PAT_SCOPES).exactOptional(),
  scopes: z
    .union(
      [
        z.string().max(128, { error: 'expected one or more scopes, separated by commas' }),
        z.array(z.enum(PAT_SCOPES)).min(1).max(PAT_SCOPES.length),
      ],
      { error: 'expected a list of scopes, or text with commas between them' },
    )
    .exactOptional(),
  resources: z.array(Resource).min(1).max(RESOURCES_MAX).exactOptional(),
  defaultTtl: Duration,
  maxTtl: Duration,
  renewable: z.boolean().exactOptional(),
  maxActive: z.int().min(1).max(MAX_ACTIVE_MAX).exactOptional(),
  allow: Allow,
  description: Description.exactOptional(),
  tags: Tags.exactOptional(),
  deleteProtection: z.boolean().exactOptional(),
});

const NoQuery = z.strictObject({});
const ForceQuery = z.strictObject({ force: Switch.exactOptional() });

/** What each operation accepts besides its path. `body` is absent where none is. */
export const REQUESTS = {
  mintLease: { query: NoQuery, body: MintBody },
  listLeases: {
    query: z.strictObject({
      secret: Name.exactOptional(),
      status: z.enum(['minting', 'active', 'revoking', 'revoked']).exactOptional(),
      ...PAGE_QUERY,
    }),
  },
  getLease: { query: NoQuery },
  revokeLease: { query: NoQuery },
  whoami: { query: NoQuery },
  getOpenapi: { query: NoQuery },
  listTargets: { query: z.strictObject({ prefix: Name.exactOptional(), ...PAGE_QUERY }) },
  putTarget: { query: z.strictObject({ verify: Switch.exactOptional() }), body: TargetBody },
  getTarget: { query: NoQuery },
  deleteTarget: { query: ForceQuery },
  listSecrets: {
    query: z.strictObject({ prefix: Name.exactOptional(), target: Name.exactOptional(), ...PAGE_QUERY }),
  },
  putSecret: { query: NoQuery, body: SecretBody },
  getSecret: { query: NoQuery },
  deleteSecret: { query: ForceQuery },
} as const satisfies Record<Operation, { query: z.ZodType; body?: z.ZodType }>;

/** Reads the body of a mint. @throws Failed `invalid_field`. */
export function mintOrder(secret: string, body: z.output<typeof MintBody>) {
  const { ttl, label, reason } = body;
  return given({ secret, ttlSeconds: ttl === undefined ? undefined : parseDuration(ttl, 'ttl'), label, reason });
}

/** Reads a target's PUT; it is verified unless the query says `verify=false`. */
export function targetOrder(
  name: string,
  body: z.output<typeof TargetBody>,
  query: { readonly verify?: 'true' | 'false' },
) {
  const { credential, ...rest } = body;
  return given({
    name,
    ...rest,
    credential:
      credential === undefined
        ? undefined
        : given({
            username: credential.username.toLowerCase(),
            password: credential.password,
            totpSecret: credential.totpSecret?.toUpperCase(),
          }),
    verify: query.verify !== 'false',
  });
}

/**
 * Reads a dynamic secret's PUT. How its fields fit each other and its target is for core to judge.
 *
 * @throws Failed `invalid_field`.
 */
export function secretOrder(name: string, body: z.output<typeof SecretBody>) {
  const { scope, scopes, resources, defaultTtl, maxTtl, allow, ...rest } = body;
  if (scope !== undefined && scopes !== undefined) {
    throw fail({ tag: 'invalid_field', field: 'scopes', problem: 'give scope or scopes, not both' });
  }
  const patScope = scope ?? (scopes === undefined ? undefined : effectiveScope(scopes, 'scopes'));
  return given({
    name,
    ...rest,
    scope: patScope,
    resources,
    defaultTtlSeconds: parseDuration(defaultTtl, 'defaultTtl'),
    maxTtlSeconds: parseDuration(maxTtl, 'maxTtl'),
    allow: allow.map((pattern, index) => parseAllow(pattern, `allow.${index}`)),
  });
}

/** Parts a list's query into its filter and its paging. */
export function listOrder<Q extends { readonly limit?: string; readonly nextToken?: string }>(
  query: Q,
): { filter: Omit<Q, 'limit' | 'nextToken'>; page: PageRequest } {
  const { limit, nextToken, ...filter } = query;
  return { filter, page: given({ limit: limit === undefined ? PAGE_LIMIT_DEFAULT : Number(limit), nextToken }) };
}
