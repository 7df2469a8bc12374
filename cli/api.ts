import type { Client } from '../client/client.ts';
import { hubleaseClient, NoAnswerError, ProblemError } from '../client/client.ts';
import { CommandFailed, EXIT, type ExitCode } from './exit.ts';
import { type CliSettings, endpointOf } from './settings.ts';

/** Tries of a request that may be repeated, the first included. */
const MOST_TRIES = 3;
const FIRST_PAUSE_MS = 300;
/** A longer `Retry-After` is the user's to wait for. */
const LONGEST_WAIT_MS = 5_000;

/** Operations whose repetition changes nothing more. A mint is none of them. */
const REPEATABLE = /^(?:get|list|whoami|delete|revoke|put)/;

/**
 * A client with whatever credentials the AWS SDK finds: environment, profile, SSO, web identity, ECS, instance. The SDK is
 * loaded here and not before, for it costs more than all the rest.
 */
export async function openApi(settings: CliSettings): Promise<Client> {
  const endpoint = endpointOf(settings);
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  const provider = defaultProvider();
  const client = hubleaseClient({
    endpoint,
    region: settings.region ?? regionIn(endpoint) ?? process.env.AWS_REGION ?? 'us-east-1',
    credentials: async () => {
      try {
        return await provider();
      } catch (error) {
        throw new CommandFailed(
          EXIT.noCredentials,
          `no AWS credentials: ${(error as Error).name}`,
          'Set AWS_PROFILE, run "aws sso login", or give the job a role.',
        );
      }
    },
  });
  return {
    async call(operation, call) {
      for (let tries = 1; ; tries++) {
        try {
          return await client.call(operation, call);
        } catch (error) {
          const pauseMs = REPEATABLE.test(operation) && tries < MOST_TRIES ? pauseAfter(error, tries) : undefined;
          if (pauseMs === undefined) throw error;
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      }
    },
  };
}

/** An execute-api address names its region. */
function regionIn(endpoint: string): string | undefined {
  return /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(endpoint)?.[1];
}

function pauseAfter(error: unknown, tries: number): number | undefined {
  const backoffMs = FIRST_PAUSE_MS * 2 ** (tries - 1);
  if (error instanceof NoAnswerError) return error.status === undefined || error.status >= 500 ? backoffMs : undefined;
  if (!(error instanceof ProblemError) || ![429, 503].includes(error.problem.status)) return undefined;
  const waitMs = (error.retryAfterSeconds ?? 0) * 1_000;
  return waitMs > LONGEST_WAIT_MS ? undefined : Math.max(waitMs, backoffMs);
}

const HUB_CODES = /^(?:hub_|expiry_refused|login_blocked)/;

/** What a person is told of an error, and the exit code a script gets. */
export function explain(error: unknown): CommandFailed {
  if (error instanceof CommandFailed) return error;
  if (error instanceof NoAnswerError) {
    return new CommandFailed(
      EXIT.error,
      error.message,
      'Check HUBLEASE_ENDPOINT and the network; "hublease doctor" looks closer.',
    );
  }
  if (!(error instanceof ProblemError)) {
    return new CommandFailed(EXIT.error, `internal error: ${(error as Error)?.name ?? 'unknown'}`);
  }
  const { code, status, detail, requestId } = error.problem;
  const wait = error.retryAfterSeconds === undefined ? '' : ` Try again in ${error.retryAfterSeconds} s.`;
  return new CommandFailed(exitCodeOf(status, code), `${detail}${wait}`, `Request ${requestId} (${code})`);
}

function exitCodeOf(status: number, code: string): ExitCode {
  if (HUB_CODES.test(code)) return EXIT.dockerHub;
  if (status === 403) return EXIT.denied;
  if (status === 404) return EXIT.notFound;
  if (status === 429 || status === 503) return EXIT.throttled;
  return status === 400 ? EXIT.usage : EXIT.error;
}
