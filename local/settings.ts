import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDuration } from '../functions/core/model/duration.ts';
import { Failed } from '../functions/core/model/failure.ts';

/** How much the embedded edition says on standard error. */
export type LogLevel = 'silent' | 'error' | 'info';

/** The settings of a start of the embedded edition. */
export interface Settings {
  /** 0 takes any free port. */
  readonly port: number;
  /** Absolute path of the folder for all data. */
  readonly dataFolder: string;
  /** Hosts that requests may be signed for besides `127.0.0.1:PORT`. */
  readonly acceptHosts?: readonly string[];
  /** Origin of a Docker Hub to use; absent means the bundled fake. */
  readonly hubOrigin?: string;
  readonly minTtlSeconds: number;
  readonly sweepIntervalSeconds: number;
  /** Requests per minute of one caller; absent for no limit. */
  readonly callerRatePerMinute?: number;
  /** Return a token only when its grant is in the audit log on the disk. */
  readonly auditRequired?: boolean;
  /** Print one JSON line instead of prose when it listens. */
  readonly jsonReady: boolean;
  readonly logLevel: LogLevel;
}

/** A flag or variable has an invalid value. The message is one line for the person who wrote it. */
export class UsageError extends Error {}

const FLAGS = {
  port: { type: 'string' },
  data: { type: 'string' },
  hub: { type: 'string' },
  'accept-host': { type: 'string' },
  'min-ttl': { type: 'string' },
  'sweep-interval': { type: 'string' },
  'caller-rate': { type: 'string' },
  'audit-required': { type: 'boolean' },
  'json-ready': { type: 'boolean' },
  'log-level': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Flag = keyof typeof FLAGS;

/** A hundred a second: far above what a person or a job needs, and below what one process answers. */
const CALLER_RATE_PER_MINUTE = 6_000;
/** A rarer sweep would be no safety net. Also, a Node timer fires at once for more than 24 days. */
const SWEEP_INTERVAL_MAX_SECONDS = 86_400;

export const HELP = `hublease, embedded edition: leases Docker Hub tokens on this machine. It listens only on 127.0.0.1.

  npm start -- [flags]

  flag                   meaning                             variable                 default

  --port N               port to listen on, 0 for any        HUBLEASE_PORT            8787
  --data DIR             folder for all data                 HUBLEASE_DATA            .hublease
  --hub URL              a Docker Hub to use instead of      HUBLEASE_HUB             the bundled fake
                         the fake. It needs its own --data,
                         and starts without examples
  --accept-host HOSTS    more HOST:PORTs that requests may   HUBLEASE_ACCEPT_HOST     only 127.0.0.1:PORT
                         be signed for, such as that of a
                         TLS proxy; separate with commas
  --min-ttl DURATION     minimum TTL of a lease              HUBLEASE_MIN_TTL         1s
  --sweep-interval D     time between sweeps                 HUBLEASE_SWEEP_INTERVAL  5m
  --caller-rate N        requests per minute and caller,     HUBLEASE_CALLER_RATE     6000
                         or "off"
  --audit-required       return a token only if its record   HUBLEASE_AUDIT_REQUIRED  off
                         is in the audit log
  --json-ready           when ready, print one JSON line     HUBLEASE_JSON_READY      off
  --log-level LEVEL      silent, error or info               HUBLEASE_LOG_LEVEL       error
  --help                 print this text
`;

/**
 * Reads the command line and, where a flag is missing, the environment.
 *
 * @returns `help` when that was asked for.
 * @throws UsageError that names the flag or variable.
 */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings | 'help' {
  const flags = parseFlags(args);
  if (flags.help === true) return 'help';
  const read = (flag: Flag): { text: string; source: string } | undefined => {
    const given = flags[flag];
    if (given !== undefined) return { text: String(given), source: `--${flag}` };
    const variable = `HUBLEASE_${flag.replaceAll('-', '_').toUpperCase()}`;
    const text = env[variable];
    return text === undefined || text === '' ? undefined : { text, source: variable };
  };
  const hub = read('hub');
  const acceptHost = read('accept-host');
  return {
    port: read('port') === undefined ? 8787 : portOf(read('port') as { text: string; source: string }),
    dataFolder: folderOf(read('data')),
    ...(hub !== undefined && { hubOrigin: originOf(hub) }),
    ...(acceptHost !== undefined && { acceptHosts: hostsOf(acceptHost) }),
    minTtlSeconds: secondsOf(read('min-ttl'), 1),
    sweepIntervalSeconds: sweepIntervalOf(read('sweep-interval')),
    ...callerRateOf(read('caller-rate')),
    auditRequired: flagOf(read('audit-required')),
    jsonReady: flagOf(read('json-ready')),
    logLevel: levelOf(read('log-level')),
  };
}

type Given = { readonly text: string; readonly source: string };

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Its first sentence names the argument, which may hold full stops of its own; the next ones advise.
    const [sentence] = (error as Error).message.split(/\. |\.?\n/, 1);
    throw new UsageError(`${sentence}. See --help.`);
  }
}

function portOf({ text, source }: Given): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new UsageError(`${source}: expected a port from 0 to 65535`);
  return port;
}

function folderOf(given: Given | undefined): string {
  // An empty path would be the folder that we were started in.
  if (given?.text === '') throw new UsageError(`${given.source}: expected a folder`);
  return resolve(given?.text ?? '.hublease');
}

function originOf({ text, source }: Given): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const loopback = url !== undefined && ['127.0.0.1', 'localhost'].includes(url.hostname);
  const fits = url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback));
  if (
    !fits ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== '' ||
    `${url.username}${url.password}` !== ''
  ) {
    throw new UsageError(`${source}: expected https://HOST, or http://127.0.0.1:PORT for a Docker Hub on this machine`);
  }
  return url.origin;
}

function hostsOf({ text, source }: Given): readonly string[] {
  const hosts = text.toLowerCase().split(',');
  const fits = hosts.every((host) => URL.canParse(`http://${host}`) && new URL(`http://${host}`).host === host);
  if (!fits) throw new UsageError(`${source}: expected HOST or HOST:PORT, or several separated by commas`);
  return hosts;
}

function secondsOf(given: Given | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  try {
    return parseDuration(/^\d+$/.test(given.text) ? Number(given.text) : given.text, given.source);
  } catch (error) {
    const { failure } = error as Failed;
    throw new UsageError(
      error instanceof Failed && 'problem' in failure ? `${given.source}: ${failure.problem}` : given.source,
    );
  }
}

function sweepIntervalOf(given: Given | undefined): number {
  const seconds = secondsOf(given, 300);
  if (seconds > SWEEP_INTERVAL_MAX_SECONDS) throw new UsageError(`${given?.source}: expected at most 1d`);
  return seconds;
}

function callerRateOf(given: Given | undefined): Pick<Settings, 'callerRatePerMinute'> {
  if (given === undefined) return { callerRatePerMinute: CALLER_RATE_PER_MINUTE };
  if (given.text === 'off') return {};
  const rate = /^\d{1,6}$/.test(given.text) ? Number(given.text) : 0;
  if (rate < 1) throw new UsageError(`${given.source}: expected requests per minute from 1 to 999999, or off`);
  return { callerRatePerMinute: rate };
}

function flagOf(given: Given | undefined): boolean {
  if (given === undefined) return false;
  if (['1', 'true'].includes(given.text)) return true;
  if (['0', 'false'].includes(given.text)) return false;
  throw new UsageError(`${given.source}: expected true or false`);
}

function levelOf(given: Given | undefined): LogLevel {
  const level = given?.text ?? 'error';
  if (level === 'silent' || level === 'error' || level === 'info') return level;
  throw new UsageError(`${given?.source}: expected silent, error or info`);
}
