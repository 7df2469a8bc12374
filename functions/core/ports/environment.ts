export interface Clock {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** Fresh identifiers. */
export interface Ids {
  /** A ULID that was never returned before. */
  leaseId(nowMs: number): string;
  /** The id of one write, by which a repeated write recognises its own row. At least 80 random bits. */
  opId(): string;
}

/** Limits of one installation. */
export interface Limits {
  /** Minimum TTL of a lease: 60 on AWS (the Scheduler's precision), 1 on the embedded edition. */
  readonly minTtlSeconds: number;
  /** Maximum time between a lease's record and its create. */
  readonly mintWindowMs: number;
  /** Timeout of one call to Docker Hub. */
  readonly hubTimeoutMs: number;
  /** How long after `mintWindowMs + hubTimeoutMs` a create may still take effect. */
  readonly quietMs: number;
  /** Longest pause between two attempts to revoke. At most 900,000, the queue's maximum delay. */
  readonly maxRetryMs: number;
  /** How long a revoked lease's row is kept. */
  readonly auditRetentionMs: number;
}
