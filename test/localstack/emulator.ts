import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Certificate } from '../clients/certificate.ts';

/** LocalStack as one test file has it to itself. */
export interface Emulator {
  /** `http://127.0.0.1:PORT`, for every service. It speaks TLS on the same port. */
  readonly endpoint: string;
  /** The end of what it and its functions have written, for a failure's message. */
  log(): string;
  close(): Promise<void>;
}

export interface EmulatorOptions {
  readonly python: string;
  /** For all that it writes. */
  readonly folder: string;
  /** Of AWS' hosts. Functions believe it, and it is trusted nowhere else. */
  readonly certificate: Certificate;
  /** Where the functions' processes find their time. */
  readonly clockFile: string;
  /** Ports of 127.0.0.1 by the hosts that they stand for, besides AWS' own. */
  readonly hosts: Readonly<Record<string, number>>;
  readonly dynamodbPort: number;
}

/** Some 10 s on two idle cores, three times that beside everything else. */
const LONGEST_START_MS = 120_000;
const READY = 'Ready.\n';
const KEPT_CHARACTERS = 20_000;

/** Starts it on a free port and waits until it says that it is ready. @throws Error with what it wrote when it is not. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const port = await freePort();
  const child = spawn(options.python, [join(import.meta.dirname, 'emulator/start.py')], {
    env: environmentOf(options, port),
    // It ends when its standard input does: also when this process is killed.
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log = `${log}${text}`.slice(-KEPT_CHARACTERS);
    });
  }
  const ended = once(child, 'close');
  const close = async () => {
    child.stdin?.end();
    await ended;
  };
  if (!(await isReady(child, () => log))) {
    await close();
    throw new Error(`LocalStack did not start: ${log}`);
  }
  return { endpoint: `http://127.0.0.1:${port}`, log: () => log, close };
}

function environmentOf(options: EmulatorOptions, port: number): Record<string, string> {
  const { folder, certificate } = options;
  const [temporary, own] = [join(folder, 'tmp'), join(folder, 'certificate-and-key.pem')];
  mkdirSync(temporary, { recursive: true });
  writeFileSync(own, `${certificate.key}\n${certificate.certificate}`, { mode: 0o600 });
  return {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    TMPDIR: temporary,
    FILESYSTEM_ROOT: folder,
    OVERRIDE_IN_DOCKER: '0',
    GATEWAY_LISTEN: `127.0.0.1:${port}`,
    CUSTOM_SSL_CERT_PATH: own,
    // Nothing is asked of the world, and nothing told.
    DISABLE_EVENTS: '1',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    DNS_ADDRESS: '0',
    // DynamoDB Local's own streams.
    PROVIDER_OVERRIDE_DYNAMODB: 'v2',
    DYNAMODB_LOCAL_PORT: String(options.dynamodbPort),
    // A type of resource that it does not know fails, in place of passing for created.
    CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES: '0',
    // Functions take AWS' own addresses, as on AWS.
    LAMBDA_DISABLE_AWS_ENDPOINT_URL: '1',
    LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC: '1',
    SQS_DISABLE_CLOUDWATCH_METRICS: '1',
    LS_LOG: 'warning',
    PYTHONUNBUFFERED: '1',
    NODE_EXTRA_CA_CERTS: certificate.certificateFile,
    HUBLEASE_TEST_NODE: process.execPath,
    HUBLEASE_TEST_CLOCK: options.clockFile,
    HUBLEASE_TEST_HOSTS: JSON.stringify({ ...options.hosts, '.amazonaws.com': port }),
  };
}

async function isReady(child: ChildProcess, log: () => string): Promise<boolean> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LONGEST_START_MS);
  child.once('exit', () => stop.abort());
  try {
    while (!log().includes(READY)) await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data', stop);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
