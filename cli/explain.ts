import { NoAnswerError, ProblemError } from '../client/client.ts';
import { CommandFailed, EXIT, type ExitCode } from './exit.ts';

const HUB_CODES = /^(?:hub_|expiry_refused|label_refused|list_lags|login_blocked)/;

/** Prefix of the API's own message. A line in a build log then starts with the kind of failure. */
const KINDS: Partial<Record<ExitCode, string>> = {
  [EXIT.denied]: 'denied: ',
  [EXIT.notFound]: 'not found: ',
  [EXIT.throttled]: 'not now: ',
  [EXIT.dockerHub]: 'Docker Hub failed: ',
};

/** The next step, if a command helps more than the API's text. */
const NEXT: Readonly<Record<string, string>> = {
  caller_not_allowed: '"hublease whoami" lists the secrets you may lease from.',
  secret_not_found: '"hublease whoami" lists the secrets you may lease from.',
  lease_not_found: '"hublease leases" lists your leases.',
  ttl_too_long: 'Omit --ttl, or run the job with "hublease exec --renew", which renews the token.',
  signature_mismatch: '"hublease doctor" checks region, clock and keys.',
  bad_scope: '"hublease doctor" checks region, clock and keys.',
  other_host: 'Set HUBLEASE_ENDPOINT to that URL.',
  expired: '"hublease doctor" checks region, clock and keys.',
};

/** The message of an error for a person, and the exit code for a script. */
export function explain(error: unknown): CommandFailed {
  if (isCommandFailed(error)) return error;
  if (error instanceof NoAnswerError) {
    return new CommandFailed(
      EXIT.error,
      error.message,
      'Check HUBLEASE_ENDPOINT and the network, or run "hublease doctor".',
    );
  }
  if (!(error instanceof ProblemError)) {
    const { name = 'unknown', code } = (error ?? {}) as { name?: string; code?: string };
    return new CommandFailed(EXIT.error, `internal error: ${code ?? name}`);
  }
  const { code, status, detail, requestId } = error.problem;
  const exitCode = exitCodeOf(status, code);
  const wait = error.retryAfterSeconds === undefined ? '' : ` Try again in ${error.retryAfterSeconds} s.`;
  const next = Object.hasOwn(NEXT, code) ? `${NEXT[code]} ` : '';
  return new CommandFailed(
    exitCode,
    `${KINDS[exitCode] ?? ''}${detail}${wait}`,
    `${next}Request ${requestId} (${code})`,
  );
}

/** Compares the name: the credential helper is a separate bundle, and has a separate class. */
function isCommandFailed(error: unknown): error is CommandFailed {
  return error instanceof Error && error.name === 'CommandFailed';
}

function exitCodeOf(status: number, code: string): ExitCode {
  if (HUB_CODES.test(code)) return EXIT.dockerHub;
  if (status === 401 || status === 403) return EXIT.denied;
  if (status === 404) return EXIT.notFound;
  if (status === 429 || status === 503) return EXIT.throttled;
  return status === 400 ? EXIT.usage : EXIT.error;
}
