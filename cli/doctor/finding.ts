import type { ExitCode } from '../exit.ts';

/** The result of one check. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** The next step. */
  readonly next?: string;
  /** Exit code of the command if this check failed. */
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
