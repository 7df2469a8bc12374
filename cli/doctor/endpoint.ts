import { ProblemError } from '../../client/client.ts';
import { openApi, regionOf } from '../api.ts';
import { awsCredentials } from '../aws-credentials.ts';
import { EXIT } from '../exit.ts';
import { explain } from '../explain.ts';
import { fetchOf, hasProxy } from '../fetch.ts';
import { type CliSettings, endpointOf, isOnThisMachine } from '../settings.ts';
import { unixSocketOf } from '../unix-socket.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Largest clock skew of a signature. Source: AWS Signature Version 4, "clock skew". */
const SKEW_MAX_MS = 300_000;
/** A skew from here on gets a warning. */
const SKEW_NOTED_MS = 60_000;
const ANSWER_MS = 10_000;

const TLS_CODES = /^(?:UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS)/;

/** Checks that hublease is configured, reachable, agrees on the time and lets us in. Stops if the rest cannot be checked. */
export async function examineEndpoint(settings: CliSettings, env: Env, nowMs: () => number): Promise<Finding[]> {
  let endpoint: string;
  try {
    endpoint = endpointOf(settings);
  } catch (error) {
    const { message, hint = '' } = explain(error);
    return [failed('configuration', message, hint, EXIT.notConfigured)];
  }
  const configured = ok('configuration', `${endpoint}, secret ${settings.secret ?? 'not set'}`);
  const region = examineRegion(settings, env);
  const reached = await examineReach(endpoint, env, nowMs);
  if (reached.some(({ state, check }) => state === 'failed' && check === 'network'))
    return [configured, ...region, ...reached];
  const credentials = await examineCredentials(env);
  const findings = [configured, ...region, ...reached, credentials];
  if (credentials.state === 'failed') return findings;
  return [...findings, ...(await examineAccess(settings, env))];
}

/** A URL of API Gateway names its region. A signature for another region is refused. */
function examineRegion(settings: CliSettings, env: Env): Finding[] {
  const inName = regionOf({ endpoint: endpointOf(settings) }, {});
  const isNamed = /\.execute-api\./.test(endpointOf(settings));
  const region = regionOf(settings, env);
  if (!isNamed || inName === region) return [ok('region', region)];
  const next = 'Remove --region, HUBLEASE_REGION or "region:" in the settings file. The endpoint names its region.';
  return [failed('region', `requests are signed for ${region}, but the endpoint is in ${inName}`, next, EXIT.denied)];
}

async function examineReach(endpoint: string, env: Env, nowMs: () => number): Promise<Finding[]> {
  const socketPath = unixSocketOf(endpoint, env);
  const through = wayTo(endpoint, socketPath, env);
  try {
    const ask = await fetchOf(env, socketPath);
    const response = await ask(`${endpoint}/whoami`, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    const date = Date.parse(response.headers.get('date') ?? '');
    return [
      ok('network', `the endpoint answers${through}`),
      ...(Number.isNaN(date) ? [] : [examineClock(date, nowMs())]),
    ];
  } catch (error) {
    const { name, cause } = error as { name?: string; cause?: { code?: string } };
    const code = cause?.code ?? name ?? 'no connection';
    const next = TLS_CODES.test(code)
      ? 'If you use a private certificate authority, set NODE_EXTRA_CA_CERTS to its certificate.'
      : 'Check the address, the VPN, and HTTPS_PROXY and NO_PROXY.';
    return [failed('network', `the endpoint cannot be reached${through}: ${code}`, next, EXIT.error)];
  }
}

/** The way to the endpoint in parentheses, if it is not direct. */
function wayTo(endpoint: string, socketPath: string | undefined, env: Env): string {
  if (socketPath !== undefined) return ` (by its Unix socket ${socketPath})`;
  return hasProxy(env) && !isOnThisMachine(endpoint) ? ' (a proxy is set in the environment)' : '';
}

function examineClock(serverMs: number, hereMs: number): Finding {
  const skewMs = hereMs - serverMs;
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) < SKEW_NOTED_MS) return ok('clock', 'agrees with the endpoint');
  const detail = `this machine's clock is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the endpoint's`;
  const next = 'Set the clock, for example with "timedatectl set-ntp true".';
  return Math.abs(skewMs) < SKEW_MAX_MS ? warning('clock', detail, next) : failed('clock', detail, next, EXIT.denied);
}

async function examineCredentials(env: Env): Promise<Finding> {
  try {
    const { accessKeyId } = await awsCredentials(env)();
    return ok(
      'credentials',
      `access key …${accessKeyId.slice(-4)}${env.AWS_PROFILE ? ` of profile ${env.AWS_PROFILE}` : ''}`,
    );
  } catch (error) {
    const { message, hint = '' } = explain(error);
    return failed('credentials', message, hint, EXIT.noCredentials);
  }
}

async function examineAccess(settings: CliSettings, env: Env): Promise<Finding[]> {
  try {
    const { caller, secrets } = (await (await openApi(settings, env)).call('whoami')).body;
    const access = ok('access', caller.arn);
    const { secret } = settings;
    if (secret === undefined) {
      return [access, warning('secret', 'no secret is set', 'Set HUBLEASE_SECRET, or name a secret in each command.')];
    }
    if (secrets.some(({ name }) => name === secret)) return [access, ok('secret', `may lease from ${secret}`)];
    const next = 'Ask its owner to add this role, or check the name. "hublease whoami" lists your secrets.';
    return [access, failed('secret', `"${secret}" does not list ${caller.arn}, or does not exist`, next, EXIT.denied)];
  } catch (error) {
    const { message, hint = '', exitCode } = explain(error);
    const isRefused = error instanceof ProblemError && error.problem.status === 403;
    const next = isRefused ? `Check region, clock and keys above, and the role's permission. ${hint}` : hint;
    return [failed('access', message, next, exitCode)];
  }
}
