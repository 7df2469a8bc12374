import type { AuditEvent } from '../../functions/core/model/audit-event.ts';
import type { Audit, AuditOutcome } from '../../functions/core/ports/audit.ts';
import type { Time } from '../clockwork/time.ts';
import { AuditDenials, isDenial } from './audit-denials.ts';
import { rotatingFile } from './rotating-file.ts';

const ROTATE_AT_BYTES = 16 * 1024 * 1024;
/** Any caller can cause denials, so they get less. */
const ROTATE_DENIALS_AT_BYTES = 4 * 1024 * 1024;
/** How long a denial's repetitions may be known to this process alone, besides the minute in which they are counted. */
const FLUSH_PAUSE_MS = 60_000;

export interface AuditFileOptions {
  /** Hears of every event that could not be written. */
  readonly onLost: () => void;
  /** Whether an event counts as stored only once the disk has it. */
  readonly isSynced?: boolean;
}

/** The audit log of the embedded edition. */
export interface AuditFile extends Audit {
  /** Writes the repetitions of denials that are over; all of them, unless a time is given. */
  flush(nowMs?: number): void;
}

/**
 * The audit log as JSON lines. `audit.jsonl` has all but denials, which are in `audit-denied.jsonl` without their repetitions, so
 * that nobody can push a grant or a change out of it by asking in vain. An event holds ids and names only.
 * Never rejects: an audit log that cannot be written must not stop a revocation.
 */
export function auditFile(dataFolder: string, { onLost, isSynced = false }: AuditFileOptions): AuditFile {
  const decisions = rotatingFile(dataFolder, 'audit', { rotateAtBytes: ROTATE_AT_BYTES, isSynced });
  const denied = rotatingFile(dataFolder, 'audit-denied', { rotateAtBytes: ROTATE_DENIALS_AT_BYTES });
  const writeTo = (file: typeof decisions, event: AuditEvent): AuditOutcome => {
    if (file.append(JSON.stringify({ ...event, at: new Date(event.atMs).toISOString() }))) return 'stored';
    onLost();
    return 'lost';
  };
  const denials = new AuditDenials((event) => writeTo(denied, event));
  return {
    record: async (event) => (isDenial(event) ? denials.record(event) : writeTo(decisions, event)),
    flush: (nowMs) => denials.flush(nowMs),
  };
}

/**
 * Flushes an audit log from time to time.
 *
 * @returns how to end it, which flushes all.
 */
export function startFlushing(audit: Pick<AuditFile, 'flush'>, time: Time): () => void {
  let cancel = () => {};
  const next = () => {
    cancel = time.after(FLUSH_PAUSE_MS, () => {
      audit.flush(time.nowMs());
      next();
    });
  };
  next();
  return () => {
    cancel();
    audit.flush();
  };
}
