import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** What the embedded edition says with `--json-ready`. */
export interface Ready {
  readonly endpoint: string;
  readonly hub: string;
  readonly data: string;
  readonly credentialsFile: string;
  /** The Unix socket that answers for the endpoint too; absent where there is none. */
  readonly socket?: string;
}

/** An embedded edition in a process of its own, so that it can be killed. */
export interface Spawned extends Ready {
  readonly child: ChildProcess;
  /** All of its standard error so far. */
  readonly log: () => string;
  /** Sends the signal and waits for the end. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/**
 * Starts `local/main.ts` with `--json-ready` and waits until it listens.
 *
 * @param nodeFlags for Node itself.
 * @param before a program with its arguments that becomes the process, such as `nsenter … --`.
 * @throws Error with its standard error when it ends before that.
 */
export async function spawnEmbedded(
  flags: readonly string[],
  nodeFlags: readonly string[] = [],
  before: readonly string[] = [],
): Promise<Spawned> {
  const [program = '', ...args] = [...before, process.execPath, ...nodeFlags, MAIN, '--json-ready', ...flags];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = once(child, 'exit');
  let log = '';
  let out = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ready = Promise.withResolvers<Ready>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    const end = out.indexOf('\n');
    if (end >= 0) ready.resolve(JSON.parse(out.slice(0, end)) as Ready);
  });
  exit.then(() => ready.reject(new Error(`hublease ended before it listened: ${log}`)));
  return {
    ...(await ready.promise),
    child,
    log: () => log,
    async end(signal) {
      child.kill(signal);
      await exit;
    },
  };
}
