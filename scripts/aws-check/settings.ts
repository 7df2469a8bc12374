import { regionOf } from '../../cli/api.ts';
import { CommandFailed } from '../../cli/exit.ts';
import { type CliSettings, endpointOf } from '../../cli/settings.ts';

export interface Settings {
  /** With the stage. */
  readonly endpoint: string;
  readonly region: string;
  readonly target: string;
  readonly ttl: string;
  readonly stack?: string;
  readonly consumerProfile?: string;
  readonly foreignProfile?: string;
  readonly patienceMs: number;
}

/** The settings do not do. The message says what to change, and holds no secret. */
export class SettingsRefused extends Error {}

type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_TTL = '1m';
const DEFAULT_PATIENCE_SECONDS = 900;
const MAX_PATIENCE_SECONDS = 86_400;
/** Of targets: it goes into a path as it is. */
const NAME = /^[a-z0-9][a-z0-9-]*(?:\/[a-z0-9][a-z0-9-]*)*$/;
const TTL = /^\d{1,6}(?:s|m|h)?$/;
/** Source: CloudFormation API reference, CreateStack: a name or an ARN. */
const STACK = /^[A-Za-z][A-Za-z0-9-]{0,127}$|^arn:/;

export const USAGE = `npm run aws-check asks a deployed installation what only AWS can show. It takes no arguments, but these variables:

  HUBLEASE_ENDPOINT                      the API, with its stage
  AWS_PROFILE and what else the AWS SDK reads
                                         an admin of the installation's own account
  HUBLEASE_AWS_CHECK_TARGET              the target whose Docker Hub account it leases from
  HUBLEASE_AWS_CHECK_STACK               the CloudFormation stack; without it, jobs, timers and alarms are not looked at
  HUBLEASE_AWS_CHECK_CONSUMER_PROFILE    an AWS profile of a consumer in another account, whose own policies
                                         allow every request to the API
  HUBLEASE_AWS_CHECK_FOREIGN_PROFILE     the same, of an account that is no consumer
  HUBLEASE_AWS_CHECK_TTL                 of its leases; ${DEFAULT_TTL} unless given
  HUBLEASE_AWS_CHECK_SECONDS             the most to wait for DynamoDB to delete a timer; ${DEFAULT_PATIENCE_SECONDS} unless given
  HUBLEASE_REGION                        where the endpoint does not name it`;

/**
 * Reads the settings from the environment.
 *
 * @throws SettingsRefused
 */
export function readSettings(env: Env, args: readonly string[]): Settings {
  if (args.length > 0) throw new SettingsRefused(USAGE);
  const { endpoint, region } = placeOf(env);
  const target = text(env, 'HUBLEASE_AWS_CHECK_TARGET');
  if (target === undefined) throw new SettingsRefused(`set HUBLEASE_AWS_CHECK_TARGET\n\n${USAGE}`);
  if (!NAME.test(target))
    throw new SettingsRefused('HUBLEASE_AWS_CHECK_TARGET is the name of a target, such as acme-bot');
  const ttl = text(env, 'HUBLEASE_AWS_CHECK_TTL') ?? DEFAULT_TTL;
  if (!TTL.test(ttl)) throw new SettingsRefused('HUBLEASE_AWS_CHECK_TTL is a TTL such as 90s or 2m');
  const stack = text(env, 'HUBLEASE_AWS_CHECK_STACK');
  if (stack !== undefined && !STACK.test(stack))
    throw new SettingsRefused('HUBLEASE_AWS_CHECK_STACK is the name of a stack');
  const consumerProfile = text(env, 'HUBLEASE_AWS_CHECK_CONSUMER_PROFILE');
  const foreignProfile = text(env, 'HUBLEASE_AWS_CHECK_FOREIGN_PROFILE');
  return {
    endpoint,
    region,
    target,
    ttl,
    ...(stack !== undefined && { stack }),
    ...(consumerProfile !== undefined && { consumerProfile }),
    ...(foreignProfile !== undefined && { foreignProfile }),
    patienceMs: secondsOf(env) * 1_000,
  };
}

/** As the command line reads them, the settings file left out: a check must say where it goes. */
function placeOf(env: Env): Pick<Settings, 'endpoint' | 'region'> {
  const [endpoint, region] = [text(env, 'HUBLEASE_ENDPOINT'), text(env, 'HUBLEASE_REGION')];
  const given: CliSettings = { ...(endpoint !== undefined && { endpoint }), ...(region !== undefined && { region }) };
  try {
    return { endpoint: endpointOf(given), region: regionOf(given, env) };
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    throw new SettingsRefused(`${error.message}\n\n${USAGE}`);
  }
}

function text(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}

function secondsOf(env: Env): number {
  const seconds = Number(text(env, 'HUBLEASE_AWS_CHECK_SECONDS') ?? DEFAULT_PATIENCE_SECONDS);
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_PATIENCE_SECONDS) {
    throw new SettingsRefused(`HUBLEASE_AWS_CHECK_SECONDS is a whole number from 0 to ${MAX_PATIENCE_SECONDS}`);
  }
  return seconds;
}
