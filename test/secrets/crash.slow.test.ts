import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { CI_ARN, until } from '../local/harness.ts';
import { PASSWORDS, type Watched, watchEmbedded } from './embedded.ts';
import { THROWN } from './thrown.ts';

const PRELOADED = fileURLToPath(new URL('./planted-crash.ts', import.meta.url));
/** A start, a mint and an end, on a machine that has much else to do. */
const LIMIT_MS = 60_000;
/** Little enough to be filled in a moment. */
const HEAP_MEGABYTES = 64;
const REPORTS = ['--report-on-signal', '--report-on-fatalerror', '--report-uncaught-exception'];

let embedded: Watched;
afterEach(() => embedded?.close());

interface Crash {
  readonly place: 'handler' | 'uncaught' | 'rejected' | 'abort' | 'memory' | 'nowhere';
  readonly thrown?: string;
  readonly level?: string;
  readonly nodeFlags?: readonly string[];
}

/** An edition that will fail as planned once a token is minted. */
async function start({ place, thrown, level = 'info', nodeFlags = [] }: Crash): Promise<void> {
  embedded = await watchEmbedded({
    flags: ['--log-level', level],
    nodeFlags: [...REPORTS, ...nodeFlags, '--import', PRELOADED],
    env: { PLANTED_CRASH: JSON.stringify({ place, thrown }) },
  });
  const credential = { username: 'acme-bot', password: PASSWORDS.bot };
  const limits = { defaultTtl: '15m', maxTtl: '1h', allow: [CI_ARN] };
  for (const [path, body] of [
    ['targets/bot', { kind: 'user', credential }],
    ['secrets/ci/release', { target: 'bot', scope: 'repo:write', ...limits }],
  ] as const) {
    const { status, text } = await embedded.ask('hublease-admin', 'PUT', `/v1/admin/${path}`, {
      body,
      query: { verify: 'false' },
    });
    if (status !== 201) throw new Error(`PUT ${path}: ${text}`);
  }
}

const mint = () => embedded.ask('hublease-ci', 'POST', '/v1/lease/ci/release', { body: {} });

/** Mints until the process is gone. */
async function mintAndCrash(): Promise<void> {
  const { child } = embedded;
  // The connection goes with the process.
  await mint().catch(() => undefined);
  await until('the process has ended', () => child.exitCode !== null || child.signalCode !== null);
  await embedded.end('SIGKILL');
}

/** Nothing that was said, answered or written, reports included, shows a secret. */
function expectNothingGivenAway(): void {
  expect(embedded.canaries.names).toContain('token');
  expect(embedded.leaks).toEqual([]);
  expect(embedded.leaksOfProcess()).toEqual([]);
  expect(embedded.leaksInFiles()).toEqual([]);
}

/** Node's diagnostic reports, which lie where the process was started. */
function reports(): readonly string[] {
  const folder = dirname(embedded.dataFolder);
  return readdirSync(folder)
    .filter((name) => /^report\..*\.json$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
}

describe('nothing is given away by a handler that fails with', () => {
  it(
    'anything that can be thrown',
    async () => {
      await start({ place: 'handler' });
      for (const name of Object.keys(THROWN)) {
        const answer = await mint();
        expect({ status: answer.status, code: answer.code }, name).toEqual({ status: 500, code: 'internal' });
      }
      const lines = () => embedded.said().split('"event":"internal"').length - 1;
      await until('each left a line for the operator', () => lines() === Object.keys(THROWN).length);
      expectNothingGivenAway();
    },
    LIMIT_MS,
  );
});

describe('nothing is given away by a process that ends because of', () => {
  it.each<Crash & { name: string }>([
    { name: 'an error', place: 'uncaught', thrown: 'an error' },
    { name: 'an error with more, at level silent', place: 'uncaught', thrown: 'an error with more', level: 'silent' },
    { name: 'an error that nobody may look at', place: 'uncaught', thrown: 'an error that nobody may look at' },
    { name: 'an object', place: 'uncaught', thrown: 'an object' },
    { name: 'many errors that nobody awaited', place: 'rejected', thrown: 'many errors' },
    { name: 'a text that nobody awaited', place: 'rejected', thrown: 'a text', level: 'silent' },
  ])(
    '$name',
    async (crash) => {
      await start(crash);
      await mintAndCrash();
      expect(embedded.child.exitCode).toBe(1);
      // It says that it ended, and with the log on, where from.
      expect(embedded.said()).toContain('hublease: ended by an unexpected error');
      expect(embedded.said().includes('"event":"crashed"')).toBe(crash.level !== 'silent');
      expect(reports()).toEqual([]);
      expectNothingGivenAway();
    },
    LIMIT_MS,
  );

  it(
    'an abort, with the report that Node makes of it',
    async () => {
      await start({ place: 'abort' });
      await mintAndCrash();
      expect(embedded.child.signalCode).toBe('SIGABRT');
      expectNothingGivenAway();
    },
    LIMIT_MS,
  );

  it(
    'a full heap, with the report that Node makes of it',
    async () => {
      await start({ place: 'memory', nodeFlags: [`--max-old-space-size=${HEAP_MEGABYTES}`] });
      await mintAndCrash();
      expect(reports()).toHaveLength(1);
      expect(embedded.said()).toContain('heap out of memory');
      expectNothingGivenAway();
    },
    LIMIT_MS,
  );
});

describe('nothing is given away by a process that is asked', () => {
  it(
    'for a report while it runs, and then to quit',
    async () => {
      await start({ place: 'nowhere' });
      await mint();
      embedded.child.kill('SIGUSR2');
      await until('the report is whole', () => reports().some((report) => report.trimEnd().endsWith('}')));
      expect(JSON.parse(reports()[0] as string)).toMatchObject({ header: { event: 'SIGUSR2' } });
      expectNothingGivenAway();
      await embedded.end('SIGQUIT');
      expectNothingGivenAway();
    },
    LIMIT_MS,
  );
});
