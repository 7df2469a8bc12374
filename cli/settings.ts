import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isLoopback } from '../client/loopback.ts';
import { CommandFailed, EXIT } from './exit.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The endpoint of hublease, and defaults for leases. Flags win over the environment, which wins over the file. */
export interface CliSettings {
  /** With the stage. */
  readonly endpoint?: string;
  readonly region?: string;
  readonly secret?: string;
  readonly ttl?: string;
}

const KEYS = ['endpoint', 'region', 'secret', 'ttl'] as const satisfies readonly (keyof CliSettings)[];

/** The settings file: `HUBLEASE_CONFIG`, else `hublease/config.yaml` in the user's configuration folder. */
export function settingsFileOf(env: Env): string {
  if (env.HUBLEASE_CONFIG) return env.HUBLEASE_CONFIG;
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'hublease', 'config.yaml');
}

/**
 * Reads the settings.
 *
 * @throws CommandFailed `notConfigured` for a file that is not YAML or JSON with known keys. A missing file counts as empty, unless
 *   `HUBLEASE_CONFIG` names it.
 */
export async function readSettings(flags: CliSettings, env: Env): Promise<CliSettings> {
  const file = await readFile(settingsFileOf(env), Boolean(env.HUBLEASE_CONFIG));
  const settings: Record<string, string> = {};
  for (const key of KEYS) {
    const value = flags[key] ?? (env[`HUBLEASE_${key.toUpperCase()}`] || undefined) ?? file[key];
    if (value !== undefined) settings[key] = value;
  }
  return settings;
}

/**
 * The configured endpoint.
 *
 * @throws CommandFailed `notConfigured` if there is none, if it is not an https URL (http is only for this machine), or if it contains
 *   a user name or password, which the message does not repeat.
 */
export function endpointOf(settings: CliSettings): string {
  const { endpoint } = settings;
  if (endpoint === undefined) {
    throw new CommandFailed(
      EXIT.notConfigured,
      'not configured: no hublease endpoint',
      'Set HUBLEASE_ENDPOINT, for example https://ID.execute-api.REGION.amazonaws.com/v1, or put "endpoint:" into the settings file.',
    );
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const bare = url?.username === '' && url.password === '';
  const loopback = url !== undefined && isLoopback(url);
  if (bare && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback))) {
    // The stage is part of every path. A URL without a path lacks it.
    return url.pathname === '/' ? `${url.origin}/v1` : endpoint.replace(/\/+$/, '');
  }
  throw new CommandFailed(
    EXIT.notConfigured,
    `not configured: "${endpoint.replace(/\/\/.*@/s, '//')}" is not an https URL`,
    bare || url === undefined
      ? 'Check HUBLEASE_ENDPOINT.'
      : 'Check HUBLEASE_ENDPOINT. It must not contain a user name or password.',
  );
}

/** Whether an endpoint is on this machine, like the embedded edition's. */
export function isOnThisMachine(endpoint: string): boolean {
  return isLoopback(new URL(endpoint));
}

/** The configured secret. @throws CommandFailed `notConfigured` if there is none. */
export function secretOf(settings: CliSettings): string {
  if (settings.secret !== undefined) return settings.secret;
  throw new CommandFailed(
    EXIT.notConfigured,
    'not configured: no secret to lease from',
    'Set HUBLEASE_SECRET, or run "hublease setup docker --secret NAME".',
  );
}

async function readFile(path: string, mustExist: boolean): Promise<CliSettings> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !mustExist) return {};
    throw new CommandFailed(EXIT.notConfigured, `not configured: cannot read ${path}`, 'Check HUBLEASE_CONFIG.');
  }
  const content = await parse(text, path);
  const known = typeof content === 'object' && !Array.isArray(content) ? Object.entries(content ?? {}) : undefined;
  const stranger = known?.find(
    ([key, value]) => !KEYS.some((each) => each === key) || !['string', 'number'].includes(typeof value),
  );
  if (known === undefined || stranger !== undefined) {
    const what =
      stranger === undefined ? 'is not a list of settings' : `has an unknown or malformed setting "${stranger[0]}"`;
    throw new CommandFailed(
      EXIT.notConfigured,
      `not configured: ${path} ${what}`,
      `Known settings: ${KEYS.join(', ')}.`,
    );
  }
  // A TTL of whole seconds needs no quotes.
  return Object.fromEntries(known.map(([key, value]) => [key, String(value)]));
}

/** JSON is also YAML, but needs no YAML parser. Loading one would slow down the credential helper, which runs twice per pull. */
async function parse(text: string, path: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    const { parse: parseYaml } = await import('./yaml.ts');
    try {
      return parseYaml(text);
    } catch {
      throw new CommandFailed(EXIT.notConfigured, `not configured: ${path} is neither YAML nor JSON`);
    }
  }
}
