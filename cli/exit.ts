/** Exit codes of the command line. They are a contract: scripts branch on them. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  notConfigured: 3,
  noCredentials: 4,
  denied: 5,
  notFound: 6,
  throttled: 7,
  dockerHub: 8,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command cannot continue. `message` says what happened; `hint` says what to do next, on a separate line. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}
