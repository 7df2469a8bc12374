import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Client, hubleaseClient, ProblemError } from '../../client/client.ts';
import type { FakeHubOptions } from '../../fake-hub/options.ts';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import { VERIFICATION_LABEL } from '../../functions/core/catalog/throwaway.ts';
import type { AnswerOf } from '../../functions/wire/operations.ts';
import type { Problem } from '../../functions/wire/problem.ts';
import { type Spawned, spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { openProfiles, type Profile } from '../../local/front-door/profiles.ts';

/**
 * The embedded edition as its users meet it: a process of its own, started by its command line and spoken to over HTTP. The fake
 * Docker Hub is in the test's process, so that it outlives whatever happens to the edition.
 */

export const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-fake' };
export const CI_ARN = 'arn:aws:iam::111122223333:role/ci';
/** How long after its expiry a token may still be there. */
export const ON_TIME_MS = 2_000;
/** For what must happen but has no promised time. Far beyond any machine's slowness. */
const PATIENCE_MS = 20_000;
/** For a suite's edition to start and be set up, on a machine that has much else to do. */
export const START_LIMIT_MS = 60_000;

export type LeaseView = AnswerOf<'getLease'>['body']['lease'];
export type ProfileName = 'hublease-admin' | 'hublease-ci' | 'hublease-other';

/** Something that must be ended. */
interface Closable {
  close(): Promise<void> | void;
}

/** Ends it with the test that is running. */
export function untilTestEnds<T extends Closable>(thing: T): T {
  onTestFinished(() => thing.close());
  return thing;
}

/** An empty folder below the system's temporary one. */
export function tempFolder(): Closable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'hublease-test-'));
  return { path, close: () => rmSync(path, { recursive: true, force: true }) };
}

/** What the whole of a data folder holds: SHA-256 by path. */
export function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path, createHash('sha256').update(readFileSync(path)).digest('hex')]));
}

/** A running edition, which may be killed and started again on the same data. */
export interface Edition extends Closable {
  /** The fake Docker Hub behind it. */
  readonly hub: FakeHub;
  readonly dataFolder: string;
  readonly endpoint: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly admin: Client;
  readonly ci: Client;
  readonly other: Client;
  readonly profiles: Readonly<Record<ProfileName, Profile>>;
  /** Standard error of every run so far. */
  log(): string;
  /** Ends the process and starts it again. @throws Error with its standard error when it does not come to listen. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Ends the process only. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** What an edition runs in. */
export interface EditionOptions {
  /** Besides port, data and hub. */
  readonly flags?: readonly string[];
  readonly hub?: Partial<FakeHubOptions>;
  /** Where the edition finds Docker Hub, when it is not straight at the fake. */
  readonly hubUrl?: (hub: FakeHub) => Promise<string>;
  /** For its Node, besides its own. */
  readonly nodeFlags?: readonly string[];
  readonly disk?: {
    /** A data folder by the path that the edition has for it, and by the one that the test has. */
    readonly data: { readonly inside: string; readonly outside: string };
    /** What the edition is started through, so that it has that path. */
    readonly command: readonly string[];
  };
}

/** Starts an edition over a fake Docker Hub with the user `acme-bot`, whose own expiry is off, so that only hublease ends tokens. */
export async function openEdition(options: EditionOptions = {}): Promise<Edition> {
  const folder = tempFolder();
  const ownFolder = join(folder.path, 'data');
  const { inside, outside: dataFolder } = options.disk?.data ?? { inside: ownFolder, outside: ownFolder };
  const hub = await startFakeHub({ accounts: [ACCOUNT], expireTokens: false, ...options.hub });
  const hubUrl = (await options.hubUrl?.(hub)) ?? hub.url;
  const flags = ['--port', '0', '--data', inside, '--hub', hubUrl, '--caller-rate', 'off', ...(options.flags ?? [])];
  const start = () => spawnEmbedded(flags, options.nodeFlags, options.disk?.command);
  let logBefore = '';
  let run = await start().catch(async (error) => {
    await hub.close();
    folder.close();
    throw error;
  });
  const profiles = await profilesOf(dataFolder);
  let clients = clientsOf(run, profiles);
  return {
    hub,
    dataFolder,
    profiles,
    get endpoint() {
      return run.endpoint;
    },
    get port() {
      return Number(new URL(run.endpoint).port);
    },
    get child() {
      return run.child;
    },
    get admin() {
      return clients['hublease-admin'];
    },
    get ci() {
      return clients['hublease-ci'];
    },
    get other() {
      return clients['hublease-other'];
    },
    log: () => logBefore + run.log(),
    end: (signal) => run.end(signal),
    async restart(signal) {
      await run.end(signal);
      logBefore += run.log();
      run = await start();
      clients = clientsOf(run, profiles);
    },
    async close() {
      await run.end('SIGKILL');
      await hub.close();
      folder.close();
    },
  };
}

/** The three profiles of a data folder. */
export async function profilesOf(dataFolder: string): Promise<Record<ProfileName, Profile>> {
  const profiles = await openProfiles(dataFolder);
  return Object.fromEntries(profiles.map((profile) => [profile.name, profile])) as Record<ProfileName, Profile>;
}

/** A client for each profile. */
export function clientsOf(
  { endpoint }: Pick<Spawned, 'endpoint'>,
  profiles: Readonly<Record<ProfileName, Profile>>,
): Record<ProfileName, Client> {
  const client = (name: ProfileName) => hubleaseClient({ endpoint, credentials: profiles[name] });
  return {
    'hublease-admin': client('hublease-admin'),
    'hublease-ci': client('hublease-ci'),
    'hublease-other': client('hublease-other'),
  };
}

/** Sets up target `acme-bot` and secret `ci/release`, which the CI role may lease. */
export async function setUp({ admin }: Pick<Edition, 'admin'>, maxTtl = '1m'): Promise<void> {
  await admin.call('putTarget', { name: 'acme-bot', body: { kind: 'user', credential: ACCOUNT } });
  await admin.call('putSecret', {
    name: 'ci/release',
    body: { target: 'acme-bot', scope: 'repo:write', defaultTtl: maxTtl, maxTtl, allow: [CI_ARN] },
  });
}

/** What a lease without a protection key answers. */
export interface Minted {
  readonly lease: LeaseView;
  readonly credential: { readonly username: string; readonly password: string };
}

/** Leases from `ci/release`. */
export async function lease(client: Client, ttl: string): Promise<Minted> {
  const { lease, credential } = (await client.call('mintLease', { name: 'ci/release', body: { ttl } })).body;
  if (!('password' in credential)) throw new Error('ci/release has no protection key');
  return { lease, credential };
}

export async function show(client: Client, id: string): Promise<LeaseView> {
  return (await client.call('getLease', { name: id })).body.lease;
}

/** All of a caller's leases, page by page. */
export async function listAll(client: Client): Promise<LeaseView[]> {
  const leases: LeaseView[] = [];
  let nextToken: string | undefined;
  do {
    const query = { limit: '100', ...(nextToken !== undefined && { nextToken }) };
    const { body } = await client.call('listLeases', { query });
    leases.push(...(body.items as LeaseView[]));
    nextToken = body.nextToken;
  } while (nextToken !== undefined);
  return leases;
}

/** The problem that a call ends with. Fails the test when it ends well, or with anything else. */
export async function problemOf(call: Promise<unknown>): Promise<Problem & { retryAfterSeconds: number | undefined }> {
  const error = await call.then(
    () => new Error('expected a problem, and the call succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProblemError)) throw error;
  return { ...error.problem, retryAfterSeconds: error.retryAfterSeconds };
}

/** Whether a token opens the registry: the exchange that `docker pull` begins with. */
export async function mayPull(hub: FakeHub, username: string, token: string): Promise<boolean> {
  const query = new URLSearchParams({ service: 'registry.docker.io', scope: `repository:${username}/app:pull` });
  const basic = Buffer.from(`${username}:${token}`).toString('base64');
  const response = await fetch(`${hub.url}/token?${query}`, { headers: { authorization: `Basic ${basic}` } });
  await response.arrayBuffer();
  return response.status === 200;
}

/** Tokens on the fake that hublease made. */
export function ours(hub: FakeHub) {
  return hub.control.tokens().filter((token) => !token.foreign);
}

/** Those of them that belong to a lease: not the ones with which targets were verified. */
export function leased(hub: FakeHub) {
  return ours(hub).filter((token) => !token.label.includes(` ${VERIFICATION_LABEL}`));
}

/** Waits until something holds. @throws Error naming it when that takes too long. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const giveUpAtMs = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > giveUpAtMs) throw new Error(`waited in vain until ${what}`);
    await wait(25);
  }
}

/** How a run of the command line ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of the repository to its end. Variables of the embedded edition reach it only through `env`. */
export function runToEnd(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HUBLEASE_'));
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
