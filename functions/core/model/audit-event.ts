import type { Origin } from './caller.ts';
import type { Lease } from './lease.ts';

/** One decision, for the audit log. Ids and names only: never a token, credential or session. */
export interface AuditEvent {
  readonly event: AuditEventName;
  readonly atMs: number;
  readonly requestId?: string;
  readonly sourceIp?: string;
  readonly caller?: string;
  /** The caller's unique id, such as `AROA…`. */
  readonly callerId?: string;
  readonly secret?: string;
  readonly target?: string;
  readonly leaseId?: string;
  readonly tokenId?: string;
  readonly tokenSha256?: string;
  readonly code?: string;
  readonly detail?: Readonly<Record<string, string | number | boolean>>;
}

export type AuditEventName =
  | 'lease.granted'
  | 'lease.renewed'
  | 'lease.denied'
  | 'lease.mint_failed'
  | 'lease.revoke_requested'
  | 'lease.revoked'
  | 'lease.revoke_delayed'
  | 'lease.stuck'
  | 'lease.blocked'
  | 'lease.attested'
  | 'lease.reopened'
  | 'lease.orphan_adopted'
  | 'token.stray_deleted'
  | 'token.dismissed'
  | 'login.refused'
  | 'login.retried'
  | 'account.unreachable'
  | 'listing.unusable'
  | 'clock.skewed'
  | 'target.refused'
  | 'target.changed'
  | 'target.verified'
  | 'target.deleted'
  | 'secret.changed'
  | 'secret.deleted';

/** The members of every audit event about a lease. */
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

/** The members that describe the request, for every audit event that a request caused. */
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
