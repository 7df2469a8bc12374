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
