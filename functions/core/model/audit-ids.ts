import type { AuditEvent } from './audit-event.ts';
import type { Origin } from './caller.ts';
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

/** What every audit event that a request caused states of it. */
export function auditOrigin({
  caller,
  requestId,
  sourceIp,
}: Origin): Pick<AuditEvent, 'caller' | 'callerId' | 'requestId' | 'sourceIp'> {
  return {
    caller: caller.arn,
    ...(caller.id !== undefined && { callerId: caller.id }),
    requestId,
    ...(sourceIp !== undefined && { sourceIp }),
  };
}
