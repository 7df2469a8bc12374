import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import { openProfiles, type Profile } from '../../local/front-door/profiles.ts';
import { Canaries } from '../canary.ts';
import { tempFolder } from '../local/harness.ts';
import { type Draft, sign, type Wire } from '../local/signing.ts';
import { type EchoingHub, openEchoingHub } from './echoing-hub.ts';

/**
 * The embedded edition as a process whose every word, file, argument and variable is looked at, before a Docker Hub that gives
 * back what it hears.
 */

const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));

/** Each begins and ends with characters that JSON, URLs and base64 write otherwise. */
export const PASSWORDS = {
  bot: 'cA+n"a/r& the bot\'s own öne+2/Y?z',
  changing: 'Z/b+7"q# before it is changed ~]3+p/Q',
  changed: 'k"9+/%Wf after it was changed =/+m}8"L',
  wrong: 'w/r+0"n: never anybody\'s +/x"5&Jd',
  twoStep: 'T/w+o"s{ with a second factor /+h"6?Nv',
} as const;
export const TOTP_SECRETS = {
  right: 'KVQXG43DMFZGKYLSNFXW4MRTGQ2TMNZY',
  wrong: 'MJQXG2LDNFZSA3TPOQQHK43FMRSGS3TH',
} as const;

export type ProfileName = 'hublease-admin' | 'hublease-ci' | 'hublease-other';

/** A whole answer, read to its last byte. */
export interface Answer {
  readonly status: number;
  /** Stable code of a problem. */
  readonly code: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers of many forms, and compares what it reads.
  readonly json: any;
  /** Status line, headers and body. */
  readonly text: string;
}

export interface AskOptions {
  /** An object goes as JSON. */
  readonly body?: object | string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
}

export interface Watched {
  readonly canaries: Canaries;
  readonly hub: FakeHub;
  readonly echoing: EchoingHub;
  readonly dataFolder: string;
  /** Where the process puts what is temporary. */
  readonly tempFolder: string;
  readonly profiles: Readonly<Record<ProfileName, Profile>>;
  readonly port: number;
  readonly child: ChildProcess;
  /** Everything that any run so far said on both streams. */
  said(): string;
  /** Signs, sends and reads; the answer has been searched, a token in its own field apart. */
  ask(profile: ProfileName, method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** Sends a request as it is. */
  send(wire: Wire): Promise<Answer>;
  /** Sends bytes as they are, and reads until the other side ends the connection. */
  sendRaw(...texts: string[]): Promise<Answer>;
  /** For the edition's own host, unless another one is given. */
  sign(profile: ProfileName, draft: Draft, atMs?: number, host?: string): Promise<Wire>;
  /** What leaked into answers: each with the request and the secret. */
  readonly leaks: readonly string[];
  /** What leaked into files, by file; those made to hold a key are only held to be closed to others. */
  leaksInFiles(): readonly string[];
  /** What leaked into the words, the arguments and the environment of the process. */
  leaksOfProcess(): readonly string[];
  end(signal: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
}

export async function watchEmbedded(options: WatchOptions = {}): Promise<Watched> {
  const canaries = new Canaries();
  for (const [name, password] of Object.entries(PASSWORDS)) canaries.plant(`password ${name}`, password);
  for (const [name, secret] of Object.entries(TOTP_SECRETS)) {
    canaries.plant(`TOTP secret ${name}`, secret, bytesOfBase32(secret));
  }
  const folder = tempFolder();
  const [dataFolder, temp] = [join(folder.path, 'data'), join(folder.path, 'temp')];
  mkdirSync(temp);
  const hub = await startFakeHub({
    accounts: [
      { username: 'acme-bot', password: PASSWORDS.bot },
      { username: 'changing-bot', password: PASSWORDS.changing },
      { username: 'two-step-bot', password: PASSWORDS.twoStep, totpSecret: TOTP_SECRETS.right },
    ],
    organizations: [{ name: 'acme', owners: ['acme-bot'], repositories: ['app'] }],
    expireTokens: false,
    // Wrong passwords are part of the game here, and a lockout would answer for hublease.
    loginFailureLimit: Number.MAX_SAFE_INTEGER,
  });
  const echoing = await openEchoingHub(() => hub.url, canaries);
  const args = [...(options.nodeFlags ?? []), MAIN, '--json-ready', '--port', '0', '--data', dataFolder];
  args.push('--hub', echoing.url, ...(options.flags ?? []));
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:HUBLEASE|NODE)_/.test(name));
  const env = { ...Object.fromEntries(inherited), TMPDIR: temp, ...options.env };
  const leaks: string[] = [];
  let words = '';
  let child: ChildProcess;
  let port = 0;

  async function start(): Promise<void> {
    port = 0;
    // A core dump would hold the memory, secrets and all, and is none of what is tested: it must be off wherever hublease runs.
    const [command, ...rest] =
      process.platform === 'win32'
        ? [process.execPath, ...args]
        : ['sh', '-c', 'ulimit -c 0; exec "$0" "$@"', process.execPath, ...args];
    child = spawn(command as string, rest, { env, cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    const listening = Promise.withResolvers<void>();
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      words += text;
      out += text;
      const end = out.indexOf('\n');
      if (end < 0 || port !== 0) return;
      port = Number(new URL(JSON.parse(out.slice(0, end)).endpoint).port);
      listening.resolve();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    child.once('close', () => listening.reject(new Error(`it ended before it listened: ${words}`)));
    await listening.promise;
  }

  await start();
  const profiles = Object.fromEntries((await openProfiles(dataFolder)).map((profile) => [profile.name, profile]));
  for (const { name, secretAccessKey } of Object.values(profiles)) {
    canaries.plant(`signing key of ${name}`, secretAccessKey, Buffer.from(secretAccessKey, 'base64'));
  }
  const { labelKeys, sealKey } = JSON.parse(readFileSync(join(dataFolder, 'key'), 'utf8'));
  canaries.plant('sealing key', sealKey, Buffer.from(sealKey, 'base64url'));
  canaries.plant('label key', labelKeys[0].key, Buffer.from(labelKeys[0].key, 'base64url'));

  function examine(what: string, answer: Answer): Answer {
    // The token's own field is where it may stand, once.
    const token = answer.status === 201 ? answer.json?.credential?.password : undefined;
    const text = token === undefined ? answer.text : answer.text.replace(token, '');
    leaks.push(...canaries.seenIn(text).map((seen) => `${what}: ${seen}`));
    return answer;
  }

  function send(wire: Wire): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const req = request({
      host: '127.0.0.1',
      port,
      agent: false,
      method: wire.method,
      path: wire.query === '' ? wire.path : `${wire.path}?${wire.query}`,
      headers: [...wire.headers, ['content-length', String(Buffer.byteLength(wire.body))]].flat(),
    });
    req.on('error', reject);
    req.on('response', (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const head = JSON.stringify([res.statusMessage, res.rawHeaders]);
        resolve(examine(`${wire.method} ${wire.path}`, answerOf(res.statusCode ?? 0, body, `${head}\n${body}`)));
      });
    });
    req.end(wire.body);
    return promise;
  }

  const signAs = (profile: ProfileName, draft: Draft, atMs = Date.now(), host = `127.0.0.1:${port}`) =>
    sign(profiles[profile] as Profile, draft, atMs, { host });

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
  }

  return {
    canaries,
    hub,
    echoing,
    dataFolder,
    tempFolder: temp,
    profiles: profiles as Record<ProfileName, Profile>,
    leaks,
    get port() {
      return port;
    },
    get child() {
      return child;
    },
    said: () => words,
    send,
    sign: signAs,
    async ask(profile, method, path, { body = '', query = {}, headers = {} } = {}) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const type = text === '' ? {} : { 'content-type': 'application/json' };
      return send(await signAs(profile, { method, path, query, headers: { ...type, ...headers }, body: text }));
    },
    sendRaw(...texts) {
      const { promise, resolve } = Promise.withResolvers<Answer>();
      let received = '';
      const socket = connect(port, '127.0.0.1', () => {
        for (const text of texts) socket.write(text);
      });
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        received += chunk;
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        const body = received.slice(received.indexOf('\r\n\r\n') + 4);
        resolve(examine('raw bytes', answerOf(Number(received.split(' ')[1] ?? 0), body, received)));
      });
      return promise;
    },
    leaksInFiles: () => filesBelow(folder.path).flatMap((path) => leaksInFile(canaries, folder.path, path)),
    leaksOfProcess() {
      const places: [string, string | Buffer][] = [['its words', words]];
      if (process.platform === 'linux' && child.exitCode === null && child.signalCode === null) {
        for (const name of ['cmdline', 'environ']) places.push([name, readFileSync(`/proc/${child.pid}/${name}`)]);
      }
      return places.flatMap(([place, text]) => canaries.seenIn(text).map((seen) => `${place}: ${seen}`));
    },
    end,
    start,
    async close() {
      await end('SIGKILL');
      await Promise.all([hub.close(), echoing.close()]);
      folder.close();
    },
  };
}

function answerOf(status: number, body: string, text: string): Answer {
  let json: Answer['json'];
  try {
    json = JSON.parse(body);
  } catch {
    // A body that is no JSON is searched all the same.
  }
  return { status, code: status >= 400 ? json?.code : undefined, json, text };
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Files that exist to hold keys, and which. */
const KEY_FILES: Readonly<Record<string, RegExp>> = {
  'data/credentials': /^signing key of /,
  'data/curl-admin': /^signing key of hublease-admin/,
  'data/curl-ci': /^signing key of hublease-ci/,
  'data/curl-other': /^signing key of hublease-other/,
  'data/key': /^(?:sealing|label) key/,
};

function leaksInFile(canaries: Canaries, folder: string, path: string): readonly string[] {
  const name = relative(folder, path);
  const stat = statSync(path, { throwIfNoEntry: false });
  // SQLite takes its own files away as it ends.
  if (stat === undefined) return [];
  const open = process.platform !== 'win32' && (stat.mode & 0o077) !== 0 && name.startsWith('data/');
  const seen = canaries.seenIn(readFileSync(path)).filter((each) => KEY_FILES[name]?.test(each) !== true);
  return [...(open ? [`${name}: others may read it`] : []), ...seen.map((each) => `${name}: ${each}`)];
}

function bytesOfBase32(text: string): Buffer {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...text].map((character) => alphabet.indexOf(character).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
