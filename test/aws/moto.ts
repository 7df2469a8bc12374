import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * moto_server, an imitation of AWS in Python, for the tests of this folder. It never fires a schedule, ignores Scheduler's
 * ClientToken, answers some requests with 500 where AWS names the fault, and moves AWSCURRENT before it looks for the version
 * to move it to.
 */
export interface Moto {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** What every client of moto is built with, besides `endpoint`. */
export const MOTO_CLIENT = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' },
} as const;

const READY = /Running on (http:\/\/127\.0\.0\.1:\d+)/;
const LONGEST_START_MS = 30_000;

/**
 * The Python that has moto: `HUBLEASE_TEST_PYTHON`, else the repository's `.venv`. Undefined when neither has it, after one
 * line that says how to get it.
 *
 * @throws Error instead when `HUBLEASE_REQUIRE_TIERS` is 1.
 */
export function findMotoPython(): string | undefined {
  const local = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
  const found = [process.env.HUBLEASE_TEST_PYTHON, existsSync(local) ? local : undefined].find(
    (python) => python !== undefined && python !== '' && hasMoto(python),
  );
  if (found !== undefined) return found;
  const hint =
    'no Python with moto: python3 -m venv .venv && .venv/bin/pip install -r test/aws/requirements.txt, or name one in HUBLEASE_TEST_PYTHON';
  if (process.env.HUBLEASE_REQUIRE_TIERS === '1') throw new Error(hint);
  console.warn(`skipping the AWS tests over moto: ${hint}`);
  return undefined;
}

/** Names the endpoint of a moto_server that runs already, for those who start these tests again and again. */
export const SHARED_MOTO = 'HUBLEASE_TEST_MOTO';

/** Starts moto_server on a free port of 127.0.0.1 and waits until it says that it listens, unless one is shared. */
export async function startMoto(python: string): Promise<Moto> {
  const shared = process.env[SHARED_MOTO];
  if (shared !== undefined) return { endpoint: shared, close: async () => {} };
  const server = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, PYTHONUNBUFFERED: '1' },
  });
  const kill = () => server.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const close = async () => {
    process.off('exit', kill);
    kill();
    await ended;
  };
  try {
    return { endpoint: await endpointOf(server), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function hasMoto(python: string): boolean {
  const probe =
    'import importlib.util as u, sys; sys.exit(0 if all(map(u.find_spec, ("moto", "flask", "botocore"))) else 1)';
  return spawnSync(python, ['-c', probe], { stdio: 'ignore' }).status === 0;
}

function endpointOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => reject(new Error('moto_server did not start in time')), LONGEST_START_MS);
    const read = (chunk: Buffer) => {
      // Its log of requests comes this way too and is dropped once it runs.
      if (output.length > 10_000) return;
      output += chunk;
      const endpoint = READY.exec(output)?.[1];
      if (endpoint === undefined) return;
      clearTimeout(timer);
      resolve(endpoint);
    };
    server.stdout?.on('data', read);
    server.stderr?.on('data', read);
    server.once('error', reject);
    server.once('close', (code) => {
      clearTimeout(timer);
      reject(new Error(`moto_server ended with ${code}: ${output.slice(-500)}`));
    });
  });
}
