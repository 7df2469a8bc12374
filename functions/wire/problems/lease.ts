import type { Failure } from '../../core/model/failure.ts';
import { AGAIN, instant, type Outsides } from './outside.ts';

/** Problems with leases. */
export const LEASE_PROBLEMS = {
  lease_not_found: (failure) => ({
    status: 404,
    title: 'There is no such lease',
    detail: `The caller has no lease ${failure.leaseId}. GET /v1/leases lists its leases; those of other roles, and those revoked longer ago than the audit retention, are not shown.`,
  }),
  ttl_too_long: (failure) => ({
    status: 422,
    title: 'The TTL is over the maximum',
    detail: `Asked for ${failure.ttlSeconds} s; this dynamic secret allows at most ${failure.maxTtlSeconds} s. Ask for less, or leave the TTL out.`,
  }),
  ttl_too_short: (failure) => ({
    status: 422,
    title: 'The TTL is under the minimum',
    detail: `Asked for ${failure.ttlSeconds} s; this installation allows no less than ${failure.minTtlSeconds} s. Ask for more, or leave the TTL out.`,
  }),
  scope_too_wide: (failure) => ({
    status: 422,
    title: 'More was asked for than the dynamic secret allows',
    detail: `Asked for ${shortened(failure.asked)}; this dynamic secret allows ${shortened(failure.allowed)}. Ask for that or less, or leave it out.`,
  }),
  not_renewable: (failure) => ({
    status: 409,
    title: 'The lease is not renewable',
    detail: `Lease ${failure.leaseId} was taken from a dynamic secret that is not renewable. Take a new lease.`,
  }),
  quota_reached: (failure) => ({
    status: 429,
    title: 'A quota of open leases is used up',
    detail: `${quotaText(failure)} Revoke one that is no longer needed, or send the request again after the time in Retry-After, when the next one ends.`,
    holders: failure.holders,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  lease_not_active: (failure) => ({
    status: 409,
    title: 'The lease is not active',
    detail: `Lease ${failure.leaseId} is ${failure.status === 'active' ? 'at its end' : failure.status} and cannot be renewed. Take a new lease.`,
  }),
  attest_too_early: (failure) => ({
    status: 409,
    title: 'The lease cannot be attested yet',
    detail: `Lease ${failure.leaseId} can be closed on your word after ${instant(failure.allowedAtMs)}, 5 minutes past the expiry that Docker Hub was asked for. Until then the token may be alive. Without attest the same request revokes it.`,
  }),
  not_recorded: (failure) => ({
    status: 503,
    title: 'The token was given up',
    detail: `A token was made for lease ${failure.leaseId}, but its record or its revocation on time could not be made sure, so it is being revoked and was not handed out. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  audit_unavailable: (failure) => ({
    status: 503,
    title: 'The audit log could not be written',
    detail: `A token was made for lease ${failure.leaseId}, but the audit log, which this installation requires, did not take the record of it. The token is being revoked and was not handed out. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
} satisfies Partial<Outsides>;

/** Both sides of a comparison of resources may be long; what is cut off is in the secret itself. */
const REACH_MAX_CHARACTERS = 400;

function shortened(reach: string): string {
  return reach.length > REACH_MAX_CHARACTERS ? `${reach.slice(0, REACH_MAX_CHARACTERS)}…` : reach;
}

/**
 * `secret:NAME` or `target:NAME`, as core counts. The places of a target are those of its account, and what Docker Hub counts there
 * is not only leases.
 */
function quotaText({ counter, most, holders }: Extract<Failure, { tag: 'quota_reached' }>): string {
  const [kind = '', name = ''] = counter.split(':');
  const held = holders.length === 0 ? '' : `held by ${someHolders(holders)}`;
  if (kind !== 'target') {
    return `Dynamic secret "${name}" may have ${most} open leases, and has them${held && `, ${held}`}.`;
  }
  return `Target "${name}" may have ${most} tokens at a time, and has them.${held && ` Its open leases are ${held}.`} On an organization Docker Hub also counts expired tokens and those of others: GET /v1/admin/targets/${name} shows how many.`;
}

const HOLDERS_NAMED_MAX = 3;

function someHolders(holders: readonly string[]): string {
  const more = holders.length - HOLDERS_NAMED_MAX;
  return `${holders.slice(0, HOLDERS_NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
