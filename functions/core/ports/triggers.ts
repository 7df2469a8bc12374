/** Jobs that call the revoker: one job per lease, at the lease's own time. Called by mint and renew. */
export interface Backstop {
  /** Arms or moves the lease's job. A job that runs early, late or twice is harmless, because the revoker reads the lease first. */
  arm(leaseId: string, atMs: number): Promise<void>;
}

/** Hands leases to the revoker. Called by revoke (next attempts) and sweep (due leases). Delivers at least once, in any order. */
export interface RevocationQueue {
  /** @param delayMs 0 to 900,000. */
  send(leaseId: string, delayMs: number): Promise<void>;
  /** Hands on all of them, without a delay. When it rejects, all were tried, and those that are not at fault were handed on. */
  sendAll(leaseIds: readonly string[]): Promise<void>;
}
