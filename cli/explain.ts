import { NoAnswerError, ProblemError } from '../client/client.ts';
import { CommandFailed, EXIT, type ExitCode } from './exit.ts';

const HUB_CODES = /^(?:hub_|expiry_refused|label_refused|list_lags|login_blocked)/;

/** What goes before the API's own words, so that a line in a build log says at once what kind of failure it is. */
const KINDS: Partial<Record<ExitCode, string>> = {
  [EXIT.denied]: 'denied: ',
  [EXIT.notFound]: 'not found: ',
  [EXIT.throttled]: 'not now: ',
  [EXIT.dockerHub]: 'Docker Hub failed: ',
};

/** What to run next, where a command says it better than the API can. */
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

/** What a person is told of an error, and the exit code a script gets. */
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

/** By its name: the credential helper, in a bundle of its own, has a class of its own. */
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
