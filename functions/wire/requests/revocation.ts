import * as z from 'zod';
import type { Selector } from '../../core/leases/all-leases.ts';
import { parsePrincipal } from '../../core/model/caller.ts';
import { Failed, fail } from '../../core/model/failure.ts';
import { AttestReason, Name, Principal, switchFor } from '../fields.ts';

/** Hex SHA-256 of a token, as `sha256sum` prints it. */
const TokenSha256 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, { error: 'expected the SHA-256 of a token as 64 hex digits' })
  .meta({ description: 'Of a leaked token, which itself never travels.' });

/** The body that names the leases to revoke. */
export const RevokeBody = z
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

/** The query of an admin's revocation of one lease. */
export const AttestQuery = z.strictObject({
  attest: switchFor(
    '`true` closes the lease on your word, without proof and without asking Docker Hub: for what nothing can prove any more, from 5 minutes after the expiry that Docker Hub was asked for.',
  ),
  reason: AttestReason.exactOptional(),
});

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
