export interface Clock {
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** Fresh identifiers. */
export interface Ids {
  /** A ULID, never given before. */
  leaseId(nowMs: number): string;
  /** Names one write, so that its repetition recognises itself. At least 80 random bits. */
  opId(): string;
}

/** Bounds of one installation. */
export interface Limits {
  /** Least TTL of a lease: 60 on AWS (the Scheduler's precision), 1 on the embedded edition. */
  readonly minTtlSeconds: number;
  /** Most time between a lease's record and its create. */
  readonly mintWindowMs: number;
  /** Most time one call to Docker Hub takes. */
  readonly hubTimeoutMs: number;
  /** How long past `mintWindowMs + hubTimeoutMs` a create may still land. */
  readonly quietMs: number;
  /** Longest pause between two attempts to revoke; at most 900,000, what the queue can delay. */
  readonly maxRetryMs: number;
  /** How long a revoked lease's row is kept. */
  readonly auditRetentionMs: number;
}
