import type { ExitCode } from '../exit.ts';

/** What the doctor found in one place. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string;
  /** What a failed one makes of the whole. */
  readonly exitCode?: ExitCode;
}

export function ok(check: string, detail: string): Finding {
  return { check, state: 'ok', detail };
}

export function warning(check: string, detail: string, next: string): Finding {
  return { check, state: 'warning', detail, next };
}

export function failed(check: string, detail: string, next: string, exitCode: ExitCode): Finding {
  return { check, state: 'failed', detail, next, exitCode };
}
