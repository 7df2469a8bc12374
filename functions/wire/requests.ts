import * as z from 'zod';
import type { Selector } from '../core/leases/all-leases.ts';
import { parsePrincipal } from '../core/model/caller.ts';
import { parseDuration } from '../core/model/duration.ts';
import { Failed, fail } from '../core/model/failure.ts';
import { PAT_SCOPES } from '../core/model/scope.ts';
import type { PageRequest } from '../core/ports/pages.ts';
import {
  AttestReason,
  Duration,
  IdempotencyKey,
  IfMatch,
  Label,
  LeaseStatus,
  Name,
  PAGE_LIMIT_DEFAULT,
  PAGE_QUERY,
  Principal,
  Reason,
  Resources,
  Scopes,
  switchFor,
} from './fields.ts';
import { given } from './given.ts';
import type { Operation } from './routes.ts';
import { only, SecretBody, scopeOf } from './secret-request.ts';
import { TargetAction, TargetBody } from './target-request.ts';

export { secretOrder } from './secret-request.ts';
export { targetAction, targetOrder } from './target-request.ts';

const MintBody = z.strictObject({
  ttl: Duration.exactOptional(),
  scope: z.enum(PAT_SCOPES).meta({ description: 'On users; only narrower than the secret has it.' }).exactOptional(),
  scopes: Scopes.exactOptional(),
  resources: Resources.exactOptional(),
  label: Label.exactOptional(),
  reason: Reason.exactOptional(),
});

const RenewBody = z.strictObject({ ttl: Duration.exactOptional() });

/** Hex SHA-256 of a token, as `sha256sum` prints it. */
const TokenSha256 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, { error: 'expected the SHA-256 of a token as 64 hex digits' })
  .meta({ description: 'Of a leaked token, which itself never travels.' });

const RevokeBody = z
  .strictObject({
    prefix: Name.meta({ description: 'A secret, or a folder of them; whole segments.' }).exactOptional(),
    target: Name.exactOptional(),
    caller: Principal.meta({ description: 'ARN of the role that took the leases.' }).exactOptional(),
    tokenSha256: TokenSha256.exactOptional(),
  })
  .refine((body) => Object.keys(body).length === 1, {
    error: 'give exactly one of prefix, target, caller and tokenSha256',
  })
  .meta({ minProperties: 1, maxProperties: 1 });

const NoQuery = z.strictObject({});
const ForceQuery = z.strictObject({ force: switchFor('`true` lets open leases run out first, and gives no more.') });
const VerifyQuery = z.strictObject({ verify: switchFor('`false` stores the credential without a login.') });
const Live = switchFor(
  '`true` also shows what Docker Hub says of the token: whether it is active, and when it was last used. `live.asOf` says when it was asked.',
);
const LiveQuery = z.strictObject({ live: Live });

const AttestQuery = z.strictObject({
  attest: switchFor(
    '`true` closes the lease on your word, without proof and without asking Docker Hub: for what nothing can prove any more, from 5 minutes after the expiry that Docker Hub was asked for.',
  ),
  reason: AttestReason.exactOptional(),
});

/** Narrows a list of leases. */
const LEASE_FILTER = {
  secret: Name.meta({
    description: 'Throwaway tokens that verified a target stand under `verification`, a name that no secret can have.',
  }).exactOptional(),
  status: LeaseStatus.exactOptional(),
};

/** What each operation accepts besides its path. `body` is absent where none is; headers are named in lower case. */
export const REQUESTS = {
  mintLease: { query: NoQuery, body: MintBody, headers: { 'idempotency-key': IdempotencyKey } },
  listLeases: { query: z.strictObject({ ...LEASE_FILTER, live: Live, ...PAGE_QUERY }) },
  getLease: { query: LiveQuery },
  revokeLease: { query: NoQuery },
  renewLease: { query: NoQuery, body: RenewBody },
  whoami: { query: NoQuery },
  getOpenapi: { query: NoQuery },
  listTargets: { query: z.strictObject({ prefix: Name.exactOptional(), ...PAGE_QUERY }) },
  putTarget: { query: VerifyQuery, body: TargetBody, headers: { 'if-match': IfMatch } },
  getTarget: { query: NoQuery },
  deleteTarget: { query: ForceQuery },
  actOnTarget: { query: NoQuery, body: TargetAction },
  listSecrets: {
    query: z.strictObject({ prefix: Name.exactOptional(), target: Name.exactOptional(), ...PAGE_QUERY }),
  },
  putSecret: { query: VerifyQuery, body: SecretBody, headers: { 'if-match': IfMatch } },
  getSecret: { query: NoQuery },
  deleteSecret: { query: ForceQuery },
  listAllLeases: {
    query: z.strictObject({
      ...LEASE_FILTER,
      caller: Principal.exactOptional(),
      live: Live,
      ...PAGE_QUERY,
    }),
  },
  getAnyLease: { query: LiveQuery },
  revokeAnyLease: { query: AttestQuery },
  revokeMatching: { query: NoQuery, body: RevokeBody },
} as const satisfies Record<
  Operation,
  { query: z.ZodType; body?: z.ZodType; headers?: Readonly<Record<string, z.ZodType<string>>> }
>;

/** Reads the body of a mint. @throws Failed `invalid_field`. */
export function mintOrder(
  secret: string,
  body: z.output<typeof MintBody>,
  headers: { readonly 'idempotency-key'?: string } = {},
) {
  const { ttl, scope, scopes, resources, label, reason } = body;
  only(scope, scopes, 'scopes', 'give scope or scopes, not both');
  return given({
    secret,
    ttlSeconds: ttlOf(ttl),
    scope: scopeOf(scope, scopes),
    resources,
    label,
    reason,
    idempotencyKey: headers['idempotency-key'],
  });
}

/** The TTL of a mint or renewal in whole seconds, where one is given. @throws Failed `invalid_field`. */
export function ttlOf(ttl: z.output<typeof Duration> | undefined): number | undefined {
  return ttl === undefined ? undefined : parseDuration(ttl, 'ttl');
}

/** Parts a list's query into its filter, its paging, and whether Docker Hub is asked too. */
export function listOrder<Q extends { readonly limit?: string; readonly nextToken?: string; readonly live?: string }>(
  query: Q,
): { filter: Omit<Q, 'limit' | 'nextToken' | 'live'>; page: PageRequest; live: boolean } {
  const { limit, nextToken, live, ...filter } = query;
  const page = given({ limit: limit === undefined ? PAGE_LIMIT_DEFAULT : Number(limit), nextToken });
  return { filter, page, live: live === 'true' };
}

/** The one way in which a revocation names its leases. @throws Failed `invalid_field`. */
export function selectorOf(body: z.output<typeof RevokeBody>): Selector {
  const { prefix, target, caller, tokenSha256 = '' } = body;
  if (prefix !== undefined) return { prefix };
  if (target !== undefined) return { target };
  if (caller !== undefined) return { caller: callerOf(caller) };
  return { tokenSha256: tokenSha256.toLowerCase() };
}

/**
 * The reason of an attestation; undefined for a revocation.
 *
 * @throws Failed `invalid_field` `reason` unless it is there exactly where a lease is attested.
 */
export function attestation({ attest, reason }: z.output<typeof AttestQuery>): string | undefined {
  if (attest === 'true') {
    if (reason !== undefined) return reason;
    throw fail({ tag: 'invalid_field', field: 'reason', problem: 'required with attest=true' });
  }
  if (reason === undefined) return undefined;
  throw fail({ tag: 'invalid_field', field: 'reason', problem: 'only allowed with attest=true' });
}

/** A principal as leases name it, whichever way its session was written. @throws Failed `invalid_field` `caller`. */
export function callerOf(arn: string): string {
  try {
    return parsePrincipal(arn).arn;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const problem = 'expected the ARN of a role or another principal, such as arn:aws:iam::111122223333:role/ci';
    throw fail({ tag: 'invalid_field', field: 'caller', problem });
  }
}
