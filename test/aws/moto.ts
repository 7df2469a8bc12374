import { type ChildProcess, spawn } from 'node:child_process';
import { findPython } from '../python.ts';

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
const MAX_START_MS = 30_000;

/** The Python that has moto, see {@link findPython}. */
export function findMotoPython(): string | undefined {
  return findPython('the AWS tests over moto', ['moto', 'flask', 'botocore']);
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

function endpointOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => reject(new Error('moto_server did not start in time')), MAX_START_MS);
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
