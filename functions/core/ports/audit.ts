import type { AuditEvent } from '../model/audit-event.ts';

/** `lost`: the event is not where it should be, or nobody knows. */
export type AuditOutcome = 'stored' | 'lost';

/** Where decisions are written down. Called by all of core. */
export interface Audit {
  /**
   * Never rejects, and ends within seconds: a lost audit event must not stop a revocation. Only `mint` looks at the outcome, and
   * only where `auditRequired` is set. Repeating writes the event again.
   */
  record(event: AuditEvent): Promise<AuditOutcome>;
}
