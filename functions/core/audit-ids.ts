import type { Lease } from './lease.ts';

/** What every audit event about a lease states. */
export function auditIds(lease: Lease) {
  return {
    leaseId: lease.id,
    secret: lease.secret,
    target: lease.target,
    caller: lease.caller,
    ...(lease.callerId !== undefined && { callerId: lease.callerId }),
    ...(lease.tokenId !== undefined && { tokenId: lease.tokenId }),
    ...(lease.tokenSha256 !== undefined && { tokenSha256: lease.tokenSha256 }),
  };
}
