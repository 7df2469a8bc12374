import * as z from 'zod';
import { parseDuration } from '../../core/model/duration.ts';
import { PAT_SCOPES } from '../../core/model/scope.ts';
import { Duration, Label, Reason, Resources, Scopes } from '../fields.ts';
import { given } from '../given.ts';
import { only, scopeOf } from './secret.ts';

/** The body of a mint. */
export const MintBody = z.strictObject({
  ttl: Duration.exactOptional(),
  scope: z.enum(PAT_SCOPES).meta({ description: 'On users; only narrower than the secret has it.' }).exactOptional(),
  scopes: Scopes.exactOptional(),
  resources: Resources.exactOptional(),
  label: Label.exactOptional(),
  reason: Reason.exactOptional(),
});

/** The body of a renewal. */
export const RenewBody = z.strictObject({ ttl: Duration.exactOptional() });

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
