import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HELP, readSettings, UsageError } from '../../local/settings.ts';

const DEFAULTS = {
  port: 8787,
  dataFolder: resolve('.hublease'),
  minTtlSeconds: 1,
  sweepIntervalSeconds: 300,
  callerRatePerMinute: 6_000,
  auditRequired: false,
  jsonReady: false,
  logLevel: 'error',
};

/** Flag, a good value, the setting it makes, and another value with the setting that makes. */
const FLAGS: [flag: string, value: string, setting: object, other: string, otherSetting: object][] = [
  ['port', '0', { port: 0 }, '65535', { port: 65_535 }],
  ['data', '/srv/hublease', { dataFolder: '/srv/hublease' }, 'here', { dataFolder: resolve('here') }],
  [
    'hub',
    'https://hub.docker.com',
    { hubOrigin: 'https://hub.docker.com' },
    'http://127.0.0.1:9',
    { hubOrigin: 'http://127.0.0.1:9' },
  ],
  [
    'accept-host',
    'Hublease.example.com',
    { acceptHosts: ['hublease.example.com'] },
    'proxy:8443,[::1]:9',
    { acceptHosts: ['proxy:8443', '[::1]:9'] },
  ],
  ['min-ttl', '90s', { minTtlSeconds: 90 }, '60', { minTtlSeconds: 60 }],
  ['sweep-interval', '1m', { sweepIntervalSeconds: 60 }, '1d', { sweepIntervalSeconds: 86_400 }],
  ['caller-rate', '60', { callerRatePerMinute: 60 }, 'off', { callerRatePerMinute: undefined }],
  ['audit-required', 'true', { auditRequired: true }, 'false', { auditRequired: false }],
  ['json-ready', 'true', { jsonReady: true }, 'false', { jsonReady: false }],
  ['log-level', 'info', { logLevel: 'info' }, 'silent', { logLevel: 'silent' }],
];

const BAD: [flag: string, value: string, problem: string][] = [
  ['port', '65536', 'expected a port from 0 to 65535'],
  ['port', '-1', 'expected a port from 0 to 65535'],
  ['port', '80a', 'expected a port from 0 to 65535'],
  ['port', '8.5', 'expected a port from 0 to 65535'],
  ['port', '123456', 'expected a port from 0 to 65535'],
  ...[
    'hub.docker.com',
    'http://hub.docker.com',
    'https://hub.docker.com/v2',
    'https://hub.docker.com?a=1',
    'ftp://127.0.0.1',
  ]
    .concat(['https://user@hub.docker.com', 'https://:word@hub.docker.com', 'https://hub.docker.com#a', 'file:///etc'])
    .map((hub): [string, string, string] => [
      'hub',
      hub,
      'expected https://HOST, or http://127.0.0.1:PORT for a Docker Hub on this machine',
    ]),
  ...['0', '-5', '1.5', 'soon', '5 m', '5m1h', '11y', '315360001'].flatMap((duration) =>
    ['min-ttl', 'sweep-interval'].map((flag): [string, string, string] => [
      flag,
      duration,
      'expected whole seconds from 1 to 315360000, or a duration such as 90s, 15m, 1h30m or 2d',
    ]),
  ),
  ['sweep-interval', '1d1s', 'expected at most 1d'],
  ['sweep-interval', '315360000', 'expected at most 1d'],
  ...['https://proxy', 'proxy/v1', 'a b', 'proxy:99999', 'user@proxy', 'proxy,'].map(
    (host): [string, string, string] => [
      'accept-host',
      host,
      'expected HOST or HOST:PORT, or several separated by commas',
    ],
  ),
  ...['0', '-1', '1.5', 'none', '1000000'].map((rate): [string, string, string] => [
    'caller-rate',
    rate,
    'expected requests per minute from 1 to 999999, or off',
  ]),
  ['log-level', 'debug', 'expected silent, error or info'],
  ['log-level', 'INFO', 'expected silent, error or info'],
];

function variableOf(flag: string): string {
  return `HUBLEASE_${flag.replace('-', '_').toUpperCase()}`;
}

/** Switches take no value on the command line. */
function argumentsOf(flag: string, value: string): string[] {
  return flag === 'json-ready' || flag === 'audit-required' ? [`--${flag}`] : [`--${flag}=${value}`];
}

function problemOf(args: readonly string[], env: Record<string, string> = {}): string {
  try {
    readSettings(args, env);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message;
  }
  throw new Error('expected a usage error');
}

describe('the settings', () => {
  it('need nothing to be said', () => {
    expect(readSettings([], {})).toEqual(DEFAULTS);
  });

  it.each(FLAGS)('take --%s %s', (flag, value, setting) => {
    expect(readSettings(argumentsOf(flag, value), {})).toEqual({ ...DEFAULTS, ...setting });
  });

  it.each(FLAGS)('take the variable of --%s', (flag, value, setting, other, otherSetting) => {
    expect(readSettings([], { [variableOf(flag)]: value })).toEqual({ ...DEFAULTS, ...setting });
    expect(readSettings([], { [variableOf(flag)]: other })).toEqual({ ...DEFAULTS, ...otherSetting });
  });

  it.each(FLAGS)('let --%s win over its variable', (flag, value, setting, other) => {
    const env = { [variableOf(flag)]: other };
    expect(readSettings(argumentsOf(flag, value), env)).toEqual({ ...DEFAULTS, ...setting });
  });

  it.each(FLAGS)('do not look at a bad variable that --%s wins over', (flag, value, setting) => {
    const env = { [variableOf(flag)]: '?' };
    expect(readSettings(argumentsOf(flag, value), env)).toEqual({ ...DEFAULTS, ...setting });
  });

  it.each(FLAGS)('take an empty variable of --%s for none', (flag) => {
    expect(readSettings([], { [variableOf(flag)]: '' })).toEqual(DEFAULTS);
  });

  it('take 1 and 0 for a switch in a variable', () => {
    expect(readSettings([], { HUBLEASE_JSON_READY: '1' })).toMatchObject({ jsonReady: true });
    expect(readSettings([], { HUBLEASE_JSON_READY: '0' })).toMatchObject({ jsonReady: false });
  });

  it('keep of a Docker Hub its origin alone', () => {
    expect(readSettings(['--hub', 'HTTPS://Hub.Docker.com:443/'], {})).toMatchObject({
      hubOrigin: 'https://hub.docker.com',
    });
  });

  it.each(['--help', '-h'])('are not needed for %s, even when they are bad', (flag) => {
    expect(readSettings([flag, '--port', 'x'], {})).toBe('help');
  });

  it.each(FLAGS)('are all explained by the help: --%s', (flag) => {
    expect(HELP).toMatch(new RegExp(` --${flag} .*${variableOf(flag)} `));
  });
});

describe('a setting that cannot be used', () => {
  it.each(BAD)('is named in one line: --%s %s', (flag, value, problem) => {
    expect(problemOf([`--${flag}=${value}`])).toBe(`--${flag}: ${problem}`);
    expect(problemOf([], { [variableOf(flag)]: value })).toBe(`${variableOf(flag)}: ${problem}`);
  });

  it('is named in one line: HUBLEASE_JSON_READY', () => {
    expect(problemOf([], { HUBLEASE_JSON_READY: 'yes' })).toBe('HUBLEASE_JSON_READY: expected true or false');
  });

  it('is an empty folder, which would be the one we were started in', () => {
    expect(problemOf(['--data='])).toBe('--data: expected a folder');
  });

  it.each([
    [['--prot=1'], "Unknown option '--prot'. See --help."],
    [['--hub.a', '1'], "Unknown option '--hub.a'. See --help."],
    [['start.ts'], "Unexpected argument 'start.ts'. See --help."],
    [['--port'], "Option '--port <value>' argument missing. See --help."],
    [['--port', '--data'], "Option '--port' argument is ambiguous. See --help."],
    [['--json-ready=1'], "Option '--json-ready' does not take an argument. See --help."],
  ])('is a command line that cannot be read: %s', (args, line) => {
    expect(problemOf(args)).toBe(line);
  });
});
