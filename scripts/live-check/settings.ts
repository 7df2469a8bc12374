import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { type Credential, isAccessToken } from '../../functions/core/model/target.ts';

export interface Settings {
  readonly credential: Credential;
  /** A session from Docker's device login. Secret. */
  readonly deviceSession?: string;
  readonly organization?: string;
  readonly mayMakeMany: boolean;
  readonly mayReachCap: boolean;
  readonly origins: { readonly hub: string; readonly auth: string; readonly registry: string };
  /** The most that is waited for one thing. */
  readonly patienceMs: number;
  /** The account that the owner calls a throwaway. */
  readonly throwaway?: string;
  readonly reportFolder: string;
}

/** The settings do not do. The message says what to change, and holds no secret. */
export class SettingsRefused extends Error {}

type Env = Readonly<Record<string, string | undefined>>;

const REAL = {
  hub: 'https://hub.docker.com',
  auth: 'https://auth.docker.io',
  registry: 'https://registry-1.docker.io',
};
const DEFAULT_PATIENCE_SECONDS = 900;
const DEFAULT_REPORT_FOLDER = 'reports/live-check';
const MAX_FILE_BYTES = 65_536;

/** The secrets, by their name in the file and in the environment. */
const SECRETS = {
  username: 'HUBLEASE_LIVE_USERNAME',
  password: 'HUBLEASE_LIVE_PASSWORD',
  totpSecret: 'HUBLEASE_LIVE_TOTP_SECRET',
  deviceSession: 'HUBLEASE_LIVE_DEVICE_SESSION',
} as const;

type SecretName = keyof typeof SECRETS;

export const USAGE = `npm run live-check measures a Docker Hub account that nobody needs. It takes no arguments, but these variables:

  HUBLEASE_LIVE_USERNAME, HUBLEASE_LIVE_PASSWORD   the account, and its password (no access token)
  HUBLEASE_LIVE_TOTP_SECRET                        base32, where two-factor authentication is on
  HUBLEASE_LIVE_DEVICE_SESSION                     a session of Docker's device login, to be tried as well
  HUBLEASE_LIVE_FILE                               a JSON file of mode 0600 with username, password, totpSecret and
                                                   deviceSession, in place of these four
  HUBLEASE_LIVE_THROWAWAY                          the user name once more: yes, this account is a throwaway
  HUBLEASE_LIVE_ORGANIZATION                       its tokens are measured as well
  HUBLEASE_LIVE_OAT_CAP=yes                        makes organization tokens until no more are taken
  HUBLEASE_LIVE_MANY_TOKENS=yes                    makes 101 personal tokens, to see the largest page
  HUBLEASE_LIVE_SECONDS                            the most to wait for one thing; ${DEFAULT_PATIENCE_SECONDS} unless given
  HUBLEASE_LIVE_REPORT                             folder of the report; ${DEFAULT_REPORT_FOLDER} unless given
  HUBLEASE_LIVE_HUB, _AUTH, _REGISTRY              other origins, such as the fake's`;

/**
 * Reads the settings from the environment.
 *
 * @throws SettingsRefused
 */
export function readSettings(env: Env, args: readonly string[]): Settings {
  if (args.length > 0) throw new SettingsRefused(USAGE);
  const file = text(env, 'HUBLEASE_LIVE_FILE');
  const stored = file === undefined ? {} : readSecretsFile(file);
  const secret = (name: SecretName) => text(env, SECRETS[name]) ?? stored[name];
  const [username, password] = [secret('username'), secret('password')];
  if (username === undefined) throw new SettingsRefused(`set ${SECRETS.username}\n\n${USAGE}`);
  if (password === undefined) throw new SettingsRefused(`set ${SECRETS.password}\n\n${USAGE}`);
  if (isAccessToken(password)) {
    throw new SettingsRefused('the password is an access token; Docker Hub lets only a real password manage tokens');
  }
  const [totpSecret, deviceSession] = [secret('totpSecret'), secret('deviceSession')];
  const organization = text(env, 'HUBLEASE_LIVE_ORGANIZATION')?.toLowerCase();
  const throwaway = text(env, 'HUBLEASE_LIVE_THROWAWAY');
  return {
    credential: { username, password, ...(totpSecret !== undefined && { totpSecret }) },
    ...(deviceSession !== undefined && { deviceSession }),
    ...(organization !== undefined && { organization }),
    mayMakeMany: isYes(env, 'HUBLEASE_LIVE_MANY_TOKENS'),
    mayReachCap: isYes(env, 'HUBLEASE_LIVE_OAT_CAP'),
    origins: readOrigins(env),
    patienceMs: readSeconds(env) * 1_000,
    ...(throwaway !== undefined && { throwaway }),
    reportFolder: text(env, 'HUBLEASE_LIVE_REPORT') ?? DEFAULT_REPORT_FOLDER,
  };
}

function text(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}

function isYes(env: Env, name: string): boolean {
  const value = text(env, name);
  if (value !== undefined && value !== 'yes' && value !== 'no') throw new SettingsRefused(`${name} is yes or no`);
  return value === 'yes';
}

function readSeconds(env: Env): number {
  const seconds = Number(text(env, 'HUBLEASE_LIVE_SECONDS') ?? DEFAULT_PATIENCE_SECONDS);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 3_600) {
    throw new SettingsRefused('HUBLEASE_LIVE_SECONDS is a whole number from 1 to 3600');
  }
  return seconds;
}

/** A Docker Hub elsewhere has all three hosts at its one origin, unless told otherwise. */
function readOrigins(env: Env): Settings['origins'] {
  const hub = origin(env, 'HUBLEASE_LIVE_HUB');
  const elsewhere = hub === undefined ? REAL : { hub, auth: hub, registry: hub };
  return {
    hub: elsewhere.hub,
    auth: origin(env, 'HUBLEASE_LIVE_AUTH') ?? elsewhere.auth,
    registry: origin(env, 'HUBLEASE_LIVE_REGISTRY') ?? elsewhere.registry,
  };
}

function origin(env: Env, name: string): string | undefined {
  const value = text(env, name);
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (url === undefined || !isSafe || (value !== url.origin && value !== `${url.origin}/`)) {
    throw new SettingsRefused(`${name} is an https origin such as ${REAL.hub}, without a path`);
  }
  return url.origin;
}

export function isLoopback(hostname: string): boolean {
  return hostname === '127.0.0.1' || hostname === 'localhost';
}

function readSecretsFile(path: string): Partial<Record<SecretName, string>> {
  const problem = (what: string) => new SettingsRefused(`HUBLEASE_LIVE_FILE ${what}`);
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch {
    throw problem('cannot be opened');
  }
  let content: string;
  try {
    // The very file that is read, not one that took its name since.
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > MAX_FILE_BYTES) throw problem('is no small file');
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) throw problem('may be read by others: chmod 600');
    content = readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    // The parser's own error quotes what it read.
    throw problem('is not JSON');
  }
  const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  if (
    !isObject ||
    !Object.entries(parsed as object).every(([name, value]) => name in SECRETS && typeof value === 'string')
  ) {
    throw problem(`has other members than ${Object.keys(SECRETS).join(', ')}`);
  }
  return parsed as Partial<Record<SecretName, string>>;
}
