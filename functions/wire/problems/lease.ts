import type { Failure } from '../../core/model/failure.ts';
import { AGAIN, instant, type Outsides } from './outside.ts';

/** Problems with leases. */
export const LEASE_PROBLEMS = {
  lease_not_found: (failure) => ({
    status: 404,
    title: 'There is no such lease',
    detail: `The caller has no lease ${failure.leaseId}. GET /v1/leases lists the caller's leases. It does not show leases of other roles, or leases that were revoked longer ago than the audit retention.`,
  }),
  ttl_too_long: (failure) => ({
    status: 422,
    title: 'The TTL is too long',
    detail: `You asked for ${failure.ttlSeconds} s. This dynamic secret allows at most ${failure.maxTtlSeconds} s. Ask for less, or leave the TTL out.`,
  }),
  ttl_too_short: (failure) => ({
    status: 422,
    title: 'The TTL is too short',
    detail: `You asked for ${failure.ttlSeconds} s. This installation requires at least ${failure.minTtlSeconds} s. Ask for more, or leave the TTL out.`,
  }),
  scope_too_wide: (failure) => ({
    status: 422,
    title: 'The request asks for more than the dynamic secret allows',
    detail: `You asked for ${shortened(failure.asked)}. This dynamic secret allows ${shortened(failure.allowed)}. Ask for that or less, or leave it out.`,
  }),
  not_renewable: (failure) => ({
    status: 409,
    title: 'The lease is not renewable',
    detail: `Lease ${failure.leaseId} belongs to a dynamic secret that is not renewable. Take a new lease.`,
  }),
  quota_reached: (failure) => ({
    status: 429,
    title: 'The quota of open leases is used up',
    detail: `${quotaText(failure)} Revoke a lease that is no longer needed. Or send the request again after the time in Retry-After, when the next lease ends.`,
    holders: failure.holders,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  lease_not_active: (failure) => ({
    status: 409,
    title: 'The lease is not active',
    detail: `Lease ${failure.leaseId} is ${failure.status === 'active' ? 'past its end' : failure.status} and cannot be renewed. Take a new lease.`,
  }),
  attest_too_early: (failure) => ({
    status: 409,
    title: 'The lease cannot be attested yet',
    detail: `Lease ${failure.leaseId} can be attested after ${instant(failure.allowedAtMs)}. That is 5 minutes after the expiry that hublease asked for. Until then, the token may be alive. Without attest, the same request revokes it.`,
  }),
  not_recorded: (failure) => ({
    status: 503,
    title: 'The token could not be recorded',
    detail: `A token was made for lease ${failure.leaseId}, but hublease could not record it, or could not make sure that it ends on time. The token is being revoked and was not returned. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  audit_unavailable: (failure) => ({
    status: 503,
    title: 'The audit log could not be written',
    detail: `A token was made for lease ${failure.leaseId}, but its audit event could not be stored. This installation requires the audit log. The token is being revoked and was not returned. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
} satisfies Partial<Outsides>;

/** Lists of resources can be long. The secret itself has the part that is cut off. */
const REACH_MAX_CHARACTERS = 400;

function shortened(reach: string): string {
  return reach.length > REACH_MAX_CHARACTERS ? `${reach.slice(0, REACH_MAX_CHARACTERS)}…` : reach;
}

/**
 * `counter` is `secret:NAME` or `target:NAME`. The quota of a target is that of its account, where Docker Hub counts more tokens than
 * those of leases.
 */
function quotaText({ counter, most, holders }: Extract<Failure, { tag: 'quota_reached' }>): string {
  const [kind = '', name = ''] = counter.split(':');
  const held = holders.length === 0 ? '' : ` Its open leases are held by ${someHolders(holders)}.`;
  if (kind !== 'target') {
    return `Dynamic secret "${name}" has reached its limit of ${most} open leases.${held}`;
  }
  return `Target "${name}" has reached its limit of ${most} tokens.${held} On an organization, Docker Hub also counts expired tokens and tokens of others. GET /v1/admin/targets/${name} shows how many there are.`;
}

const HOLDERS_NAMED_MAX = 3;

function someHolders(holders: readonly string[]): string {
  const more = holders.length - HOLDERS_NAMED_MAX;
  return `${holders.slice(0, HOLDERS_NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
