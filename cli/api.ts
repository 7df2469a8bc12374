import { randomUUID } from 'node:crypto';
import type { Client } from '../client/client.ts';
import { hubleaseClient, NoAnswerError, ProblemError } from '../client/client.ts';
import { isLoopback } from '../client/loopback.ts';
import { awsCredentials } from './aws-credentials.ts';
import { CommandFailed, EXIT } from './exit.ts';
import { fetchOf } from './fetch.ts';
import { type CliSettings, endpointOf } from './settings.ts';
import { unixSocketOf } from './unix-socket.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Attempts of a request that may be repeated, including the first. */
const MAX_ATTEMPTS = 3;
const INITIAL_BACKOFF_MS = 300;
/** A longer `Retry-After` is left to the user. */
const MAX_RETRY_AFTER_MS = 5_000;

/**
 * Operations that can be repeated: a repetition changes nothing and gets the same answer. A mint is repeated with its key, and only
 * if the answer was lost. A target's PUT is never repeated: it logs in, and Docker Hub locks a user name after repeated failures.
 */
const REPEATABLE = /^(?:get|list|whoami|revoke)/;

/** Names of secrets and targets, and lease ids. Anything else in a path could lead elsewhere. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9-]*(?:\/[A-Za-z0-9][A-Za-z0-9-]*)*$/;

/** A client with the credentials that the AWS SDK finds: environment, profile, SSO, web identity, ECS, instance. */
export async function openApi(settings: CliSettings, env: Env): Promise<Client> {
  const endpoint = endpointOf(settings);
  const client = hubleaseClient({
    endpoint,
    region: regionOf(settings, env),
    credentials: awsCredentials(env),
    fetch: await fetchOf(env, unixSocketOf(endpoint, env)),
  });
  return {
    async call(operation, call) {
      if (call?.name !== undefined && !NAME.test(call.name)) {
        throw new CommandFailed(
          EXIT.usage,
          `"${call.name}" is not a valid name or lease id`,
          'Names look like ci/release.',
        );
      }
      // Before hublease mints again with the same key, it revokes the token of the lost answer: there are never two live tokens.
      const keyed = operation === 'mintLease' ? { idempotencyKey: randomUUID(), ...call } : call;
      for (let tries = 1; ; tries++) {
        try {
          return await client.call(operation, keyed);
        } catch (error) {
          const again = tries < MAX_ATTEMPTS && mayRepeat(operation, error, tries);
          const pauseMs = again ? pauseAfter(error, tries) : undefined;
          if (pauseMs === undefined) throw error;
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      }
    },
  };
}

/** The region to sign for: the setting, else the region in an execute-api address. The embedded edition has only one. */
export function regionOf(settings: CliSettings, env: Env): string {
  const url = new URL(endpointOf(settings));
  const inName = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(url.hostname)?.[1];
  const embedded = isLoopback(url) ? 'us-east-1' : undefined;
  return settings.region ?? inName ?? embedded ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1');
}

/** After a problem no token was given. The user repeats such a mint, with a new key. */
function mayRepeat(operation: string, error: unknown, tries: number): boolean {
  if (operation !== 'mintLease') return REPEATABLE.test(operation);
  if (error instanceof NoAnswerError) return true;
  return tries > 1 && error instanceof ProblemError && error.problem.code === 'in_flight';
}

function pauseAfter(error: unknown, tries: number): number | undefined {
  const backoffMs = INITIAL_BACKOFF_MS * 2 ** (tries - 1);
  if (error instanceof NoAnswerError) return error.status === undefined || error.status >= 500 ? backoffMs : undefined;
  if (!(error instanceof ProblemError)) return undefined;
  if (![429, 503].includes(error.problem.status) && error.problem.code !== 'in_flight') return undefined;
  const waitMs = (error.retryAfterSeconds ?? 0) * 1_000;
  return waitMs > MAX_RETRY_AFTER_MS ? undefined : Math.max(waitMs, backoffMs);
}
