import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../cli/io.ts';
import { run } from '../../cli/program.ts';
import { ACCOUNT, CI_ARN, type Edition, type EditionOptions, openEdition, type ProfileName } from '../local/harness.ts';

/** A terminal at which the command line is typed, before an embedded edition with a fake Docker Hub. */
export interface Terminal {
  readonly edition: Edition;
  /** Its home folder, empty at first. */
  readonly home: string;
  /** The whole environment that commands see; tests may change it. */
  readonly env: Record<string, string | undefined>;
  /** Types a command, in this process. Words are parted by spaces; an array keeps them as they are. */
  type(command: string | readonly string[], options?: TypeOptions): Promise<Session>;
  /** Starts one of the programs as a process of its own. */
  start(file: string, args: readonly string[], options?: StartOptions): Started;
  close(): Promise<void>;
}

export interface TypeOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** Standard output and error are a terminal. */
  readonly terminal?: boolean;
  readonly nowMs?: () => number;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
}

/** What a command left on the screen. */
export interface Session {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** Standard output so far. */
  readonly out: () => string;
  readonly ended: Promise<Session>;
}

/** Secrets of the edition: what each is for stands in its name. */
const SECRETS = {
  'ci/release': { defaultTtl: '15m', maxTtl: '1h', scope: 'repo:write' },
  'ci/short': { defaultTtl: '4s', maxTtl: '1h', scope: 'repo:write' },
  'ci/renewable': { defaultTtl: '4s', maxTtl: '1h', scope: 'repo:write', renewable: true },
  'ci/one': { defaultTtl: '15m', maxTtl: '1h', scope: 'repo:read', maxActive: 1 },
} as const;

export async function openTerminal(options: EditionOptions = {}): Promise<Terminal> {
  const edition = await openEdition(options);
  const home = mkdtempSync(join(tmpdir(), 'hublease-home-'));
  await edition.admin.call('putTarget', { name: 'acme-bot', body: { kind: 'user', credential: ACCOUNT } });
  for (const [name, limits] of Object.entries(SECRETS)) {
    await edition.admin.call('putSecret', { name, body: { target: 'acme-bot', allow: [CI_ARN], ...limits } });
  }
  const env: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    HOME: home,
    HUBLEASE_ENDPOINT: edition.endpoint,
    AWS_SHARED_CREDENTIALS_FILE: join(edition.dataFolder, 'credentials'),
    AWS_CONFIG_FILE: join(home, 'no-aws-config'),
    AWS_PROFILE: 'hublease-ci',
    // Nobody here is on EC2, and asking takes seconds.
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  return {
    edition,
    home,
    env,
    type: (command, options = {}) => type(command, { ...options, env: { ...env, ...options.env } }),
    start: (file, args, options = {}) => start(file, args, { ...env, ...options.env }, options.stdin),
    async close() {
      await edition.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Types a command, in this process, with nothing in its environment but what the options name. */
export async function type(command: string | readonly string[], options: TypeOptions): Promise<Session> {
  const { env = {} } = options;
  let stdout = '';
  let stderr = '';
  const io: Io = {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    readAll: async () => options.stdin ?? '',
    env,
    outIsTerminal: options.terminal === true,
    errIsTerminal: options.terminal === true,
    nowMs: options.nowMs ?? Date.now,
  };
  const words = typeof command === 'string' ? command.split(' ').filter((word) => word !== '') : command;
  const code = await withAwsVariables(env, () => run(words, io));
  return { code, stdout, stderr };
}

/** The AWS SDK reads this process's own variables. Commands of one test file run one after the other. */
async function withAwsVariables<T>(
  env: Readonly<Record<string, string | undefined>>,
  work: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('AWS_') && value !== undefined) process.env[name] = value;
  }
  try {
    return await work();
  } finally {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, before);
  }
}

function start(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stdin = '',
): Started {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  const child = spawn(process.execPath, [file, ...args], { env: given as Record<string, string>, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // Whoever does not read what it is given is gone before all is written.
  child.stdin.on('error', () => {});
  child.stdin.end(stdin);
  const ended = new Promise<Session>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, out: () => stdout, ended };
}

/** The environment of another of the edition's three callers. */
export function as(profile: ProfileName): { env: { AWS_PROFILE: ProfileName } } {
  return { env: { AWS_PROFILE: profile } };
}
