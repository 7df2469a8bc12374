import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { ACCOUNT } from './account.ts';
import type { Ended, LeaseView, StageAnswer, StageCalls, StageReady, StageRequest } from './inside.ts';
import { UNSHARE } from './needs.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Docker Hub's own user, as `--creds` takes it. */
export const OWNER_LOGIN = `${ACCOUNT.username}:${ACCOUNT.password}`;

/** Docker's and podman's, skopeo's and buildah's keys for Docker Hub. */
const HUB_KEYS = ['https://index.docker.io/v1/', 'docker.io'];

/** Docker's configuration, below a home. */
export const DOCKER_CONFIG = '.docker/config.json';

/** A machine without a way out, whose Docker Hub is the fake one and a docker-registry that believes it. */
export interface Stage {
  /** For files that commands and tests share; the commands' working directory. */
  readonly folder: string;
  /** A user of its own, whose home is empty but for a Docker configuration that names the helper. */
  user(env?: Readonly<Record<string, string>>): User;
  /** Everybody's leases. */
  leases(): Promise<readonly LeaseView[]>;
  /** Ends whatever runs on it, and removes the folder. */
  close(): Promise<void>;
}

/** Somebody at the machine. */
export interface User {
  readonly home: string;
  /** Runs a shell command to its end. */
  run(command: string): Promise<Ended>;
}

/** Opens a stage. It ends with this process too. @throws Error when it ends before it is ready; its own error is on stderr. */
export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'hublease-clients-'));
  const { PATH = '' } = process.env;
  const child = fork(join(import.meta.dirname, 'inside.ts'), [folder], {
    execPath: 'unshare',
    execArgv: [...UNSHARE, process.execPath],
    env: { PATH, TMPDIR: folder },
  });
  const ended = once(child, 'exit').then(() => undefined);
  const close = async () => {
    if (child.connected) child.disconnect();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const first = await Promise.race([once(child, 'message'), ended]);
  if (first === undefined) {
    await close();
    throw new Error('the stage ended before it was ready');
  }
  const bin = writePrograms(folder);
  const common = { ...environmentOf(folder, first[0] as StageReady), PATH: `${bin}${delimiter}${PATH}` };
  const calls = callsTo(child);
  let users = 0;
  return {
    folder,
    user(env = {}) {
      users += 1;
      const home = join(folder, `home-${users}`);
      writeHome(home);
      const own = { ...common, HOME: home, XDG_RUNTIME_DIR: join(home, 'run'), ...env };
      return { home, run: (command) => calls.run(command, own) };
    },
    leases: () => calls.leases(),
    close,
  };
}

/** The calls that the process inside takes, over its channel. */
function callsTo(child: ChildProcess): StageCalls {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  child.on('message', ({ id, result, error }: StageAnswer) => {
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(error));
    waiting.delete(id);
  });
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the stage has ended'));
  });
  let lastId = 0;
  function call<Name extends keyof StageCalls>(name: Name, ...args: Parameters<StageCalls[Name]>) {
    lastId += 1;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(lastId, answer);
    child.send({ id: lastId, name, args } satisfies StageRequest);
    return answer.promise as ReturnType<StageCalls[Name]>;
  }
  return { run: (command, env) => call('run', command, env), leases: () => call('leases') };
}

function writeHome(home: string): void {
  mkdirSync(join(home, '.docker'), { recursive: true });
  mkdirSync(join(home, 'run'), { mode: 0o700 });
  const credHelpers = Object.fromEntries(HUB_KEYS.map((key) => [key, 'hublease']));
  writeFileSync(join(home, DOCKER_CONFIG), JSON.stringify({ credHelpers }));
}

/** Both programs as an installation has them on the path. */
function writePrograms(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['hublease', 'docker-credential-hublease']) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'cli', name)}.ts' "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

function environmentOf(folder: string, ready: StageReady): Record<string, string> {
  const storage = join(folder, 'storage.conf');
  const places = { runroot: join(folder, 'storage-run'), graphroot: join(folder, 'storage') };
  const lines = Object.entries({ driver: 'vfs', ...places }).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  writeFileSync(storage, ['[storage]', ...lines, ''].join('\n'));
  return {
    HUBLEASE_ENDPOINT: ready.endpoint,
    AWS_SHARED_CREDENTIALS_FILE: ready.credentialsFile,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_PROFILE: 'hublease-ci',
    // Go's, which all the clients are written in, and Node's.
    SSL_CERT_FILE: ready.certificateFile,
    NODE_EXTRA_CA_CERTS: ready.certificateFile,
    CONTAINERS_STORAGE_CONF: storage,
    TMPDIR: folder,
    // An engine of this machine would log in for the docker command.
    DOCKER_HOST: `unix://${join(folder, 'no-engine.sock')}`,
  };
}
