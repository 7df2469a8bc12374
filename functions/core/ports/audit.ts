import type { AuditEvent } from '../model/audit-event.ts';

/** `lost`: the event was not stored, or that is unknown. */
export type AuditOutcome = 'stored' | 'lost';

/** The audit log, where decisions are recorded. Called by all of core. */
export interface Audit {
  /**
   * Never rejects, and ends within seconds: a lost audit event must not stop a revocation. Only `mint` checks the outcome, and
   * only if `auditRequired` is set. A repeated call writes the event again.
   */
  record(event: AuditEvent): Promise<AuditOutcome>;
}
