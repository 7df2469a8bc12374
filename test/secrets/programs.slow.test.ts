import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildAction } from '../../scripts/build-action.ts';
import { startStep } from '../action/runner.ts';
import { Canaries } from '../canary.ts';
import { type Bundle, bundleCli } from '../cli/bundle.ts';
import { openTerminal, type Session, type StartOptions, type Terminal } from '../cli/terminal.ts';
import { untilTestEnds } from '../local/harness.ts';

/**
 * The programs that callers run: the command line, the credential helper and the GitHub Action, on every path that fails, before an
 * embedded edition, before nothing, and before a server that gives back what it was sent, and a token besides.
 */

const TOKEN = 'dckr_pat_X7-qv_Zp2Lm9Ka4Rt8W-fake';
const DOCKER = 'https://index.docker.io/v1/';
const SETUP_LIMIT_MS = 120_000;
const LIMIT_MS = 120_000;

let terminal: Terminal;
let bundle: Bundle;
let canaries: Canaries;
let liar: Liar;
let actionFolder: string;

/** A hublease that lies: each answer holds a token, a password and the whole request, in one place after the other. */
interface Liar {
  readonly url: string;
  /** What the next requests get. */
  lie(name: string): void;
  close(): Promise<void>;
}

const LIES: Readonly<Record<string, (everything: string) => { status: number; type: string; body: string }>> = {
  'a problem': (everything) => ({
    status: 403,
    type: 'application/problem+json',
    // A detail is shown as it is: it is hublease's own text. All that it has no place for is not.
    body: JSON.stringify({
      type: 'x',
      title: TOKEN,
      status: 403,
      detail: 'no',
      code: 'x',
      requestId: 'r',
      more: everything,
    }),
  }),
  'a page': (everything) => ({ status: 502, type: 'text/html', body: everything }),
  'no JSON': (everything) => ({ status: 201, type: 'application/json', body: everything.slice(0, -1) }),
  'a redirect': () => ({ status: 302, type: 'text/plain', body: TOKEN }),
};

async function openLiar(): Promise<Liar> {
  let name = 'a page';
  const server: Server = createServer((req, res) => {
    const { status, type, body } = LIES[name]?.(JSON.stringify({ headers: req.headers, url: req.url, TOKEN })) ?? {
      status: 500,
      type: '',
      body: '',
    };
    res.writeHead(status, {
      'content-type': type,
      location: `https://elsewhere.example.com/${TOKEN}`,
      'retry-after': TOKEN,
    });
    res.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    lie: (each) => {
      name = each;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

beforeAll(async () => {
  actionFolder = mkdtempSync(join(tmpdir(), 'hublease-action-'));
  [terminal, bundle, liar] = await Promise.all([openTerminal(), bundleCli(), openLiar(), buildAction(actionFolder)]);
  canaries = new Canaries();
  canaries.plant('token', TOKEN);
  for (const { name, secretAccessKey } of Object.values(terminal.edition.profiles)) {
    canaries.plant(`signing key of ${name}`, secretAccessKey);
  }
}, SETUP_LIMIT_MS);
afterAll(async () => {
  bundle?.close();
  await liar?.close();
  await terminal?.close();
  rmSync(actionFolder, { recursive: true, force: true });
});
beforeEach(() => terminal.edition.hub.control.setFaults([]));

function expectQuiet(what: string, session: Session): void {
  expect(canaries.seenIn(`${session.stdout}\n${session.stderr}`), what).toEqual([]);
}

/** Ways in which nothing is leased. */
const FAILURES: readonly (readonly [string, () => StartOptions['env']])[] = [
  ['nothing that answers', () => ({ HUBLEASE_ENDPOINT: 'http://127.0.0.1:1/v1' })],
  ['an https endpoint with a password in it', () => ({ HUBLEASE_ENDPOINT: `https://ann:${TOKEN}@127.0.0.1:1/v1` })],
  [
    'an endpoint with a secret in it',
    () => ({ HUBLEASE_ENDPOINT: `ftp://${encodeURIComponent('a')}:${TOKEN}@127.0.0.1/v1` }),
  ],
  ['a caller that may not', () => ({ AWS_PROFILE: 'hublease-other' })],
  ['a profile that is not there', () => ({ AWS_PROFILE: 'nobody' })],
  [
    'a wrong signing key',
    () => ({ AWS_PROFILE: undefined, AWS_ACCESS_KEY_ID: 'AKIAQQQQQQQQQQQQQQQQ', AWS_SECRET_ACCESS_KEY: TOKEN }),
  ],
  ...Object.keys(LIES).map(
    (name) =>
      [
        `an answer that is ${name}`,
        () => {
          liar.lie(name);
          return { HUBLEASE_ENDPOINT: liar.url };
        },
      ] as const,
  ),
];

const COMMANDS = [
  'lease ci/release',
  'lease ci/release -o json',
  'whoami',
  'leases',
  'doctor --secret ci/release',
  'revoke --mine',
  'exec --secret ci/release -- true',
];

describe('nothing is shown of a secret, before', () => {
  it.each(FAILURES)(
    '%s, by any command',
    async (name, env) => {
      for (const command of COMMANDS) {
        const session = await terminal.type(command, { env: env() ?? {} });
        expectQuiet(`${name}: ${command}`, session);
        // Anybody may ask who they are.
        if (command.startsWith('lease ')) expect(session.code, `${name}: ${command}`).not.toBe(0);
      }
    },
    LIMIT_MS,
  );

  it.each(FAILURES)(
    '%s, by the credential helper, and nothing is kept',
    async (name, env) => {
      const variables = { HUBLEASE_SECRET: 'ci/release', XDG_CACHE_HOME: join(terminal.home, 'no-cache'), ...env() };
      const { ended } = terminal.start(bundle.helper, ['get'], { env: variables, stdin: DOCKER });
      const session = await ended;
      expect(session.code, session.stdout).toBe(1);
      expectQuiet(name, session);
      for (const path of filesBelow(join(terminal.home, 'no-cache')))
        expect(canaries.seenIn(readFileSync(path))).toEqual([]);
    },
    LIMIT_MS,
  );

  it.each(FAILURES)(
    '%s, by the GitHub Action',
    async (name, env) => {
      const job = mkdtempSync(join(tmpdir(), 'hublease-job-'));
      untilTestEnds({ close: () => rmSync(job, { recursive: true, force: true }) });
      const { HUBLEASE_ENDPOINT: endpoint = '', ...variables } = definedIn({ ...terminal.env, ...env() });
      const { ended } = startStep(actionFolder, 'main', job, {
        inputs: { endpoint, secret: 'ci/release' },
        env: Object.fromEntries(Object.entries(variables).filter(([key]) => key.startsWith('AWS_'))),
      });
      const ran = await ended;
      expect(ran.code, ran.stdout).toBe(1);
      expectQuiet(name, ran);
      expect(canaries.seenIn(`${ran.written}${JSON.stringify(ran.outputs)}`)).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('what the credential helper keeps', () => {
  it(
    'is the lease alone, closed to others; nothing else shows a secret, nor do its arguments',
    async () => {
      const cache = join(terminal.home, 'cache');
      const variables = { HUBLEASE_SECRET: 'ci/release', XDG_CACHE_HOME: cache };
      const { child, ended } = terminal.start(bundle.helper, ['get'], { env: variables, stdin: DOCKER });
      expect(canaries.seenIn(child.spawnargs.join('\0'))).toEqual([]);
      const session = await ended;
      const { Secret } = JSON.parse(session.stdout);
      canaries.plant('leased token', Secret);
      expect(canaries.seenIn(session.stdout.replace(Secret, '') + session.stderr)).toEqual([]);
      const files = filesBelow(cache);
      const names = files.map((path) => basename(path).replace(/^[0-9a-f]+/, 'HASH'));
      expect(names.toSorted()).toEqual(['HASH.lease', 'HASH.lock']);
      for (const path of files) {
        expect(statSync(path).mode & 0o777, path).toBe(0o600);
        expect(canaries.seenIn(readFileSync(path, 'utf8').replace(Secret, '')), path).toEqual([]);
      }
      expect(statSync(join(cache, 'hublease')).mode & 0o777).toBe(0o700);
      // A damaged one is not quoted.
      for (const path of files) writeFileSync(path, Secret);
      const env = { ...variables, HUBLEASE_ENDPOINT: terminal.edition.endpoint, AWS_PROFILE: 'hublease-other' };
      expectQuiet('a damaged cache', await terminal.start(bundle.helper, ['get'], { env, stdin: DOCKER }).ended);
    },
    LIMIT_MS,
  );
});

describe('a secret where an argument or a file should be', () => {
  it.each([
    ['a leaked token among the arguments', ['revoke', '--leaked', TOKEN]],
    ['a token for a TTL', ['lease', 'ci/release', '--ttl', TOKEN]],
    ['a token for a form', ['lease', 'ci/release', '-o', TOKEN]],
    ['a token for a flag', ['lease', 'ci/release', `--${TOKEN}`]],
    ['a token for a secret', ['lease', TOKEN]],
    ['a token for a lease', ['show', TOKEN]],
    ['a token for a command', [TOKEN]],
  ])('is not sent on: %s', async (_, words) => {
    const before = terminal.edition.hub.control.calls().creates;
    const { code } = await terminal.type(words);
    expect(code).not.toBe(0);
    // What was typed stands on that very terminal; but nowhere else.
    expect(canaries.seenIn(terminal.edition.log())).toEqual([]);
    expect(terminal.edition.hub.control.calls().creates).toBe(before);
  });

  it('is not shown from a catalog that cannot be read', async () => {
    const folder = join(terminal.home, 'catalog');
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries({
      'no YAML': `targets:\n  bot: {credential: {password: "${TOKEN}`,
      'another form': `targets:\n  - password: ${TOKEN}\n`,
      'an unknown field': `targets:\n  bot:\n    kind: user\n    password: ${TOKEN}\n`,
    })) {
      const file = join(folder, 'catalog.yaml');
      writeFileSync(file, text);
      const session = await terminal.type(['apply', '-f', file], { env: { AWS_PROFILE: 'hublease-admin' } });
      expect(session.code, name).not.toBe(0);
      expectQuiet(name, session);
    }
  });
});

function definedIn(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
}

function filesBelow(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
