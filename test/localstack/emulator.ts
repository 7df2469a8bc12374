import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Certificate } from '../clients/certificate.ts';

/** A LocalStack of one test file. */
export interface Emulator {
  /** `http://127.0.0.1:PORT`. Serves every service, and TLS on the same port. */
  readonly endpoint: string;
  /** The end of its output, without secrets. */
  log(): string;
  close(): Promise<void>;
}

export interface EmulatorOptions {
  readonly python: string;
  /** LocalStack writes only here. */
  readonly folder: string;
  /** LocalStack serves TLS with it, and the functions trust it. */
  readonly certificate: Certificate;
  /** See `SharedClock`. */
  readonly clockFile: string;
  /** Local ports that stand for hosts other than those of AWS. */
  readonly hosts: Readonly<Record<string, number>>;
  readonly dynamodbPort: number;
  /** Never shown by `log`. Neither are tokens. */
  readonly secrets: readonly string[];
}

/** It takes about 3 s on two idle cores. */
const MAX_START_MS = 120_000;
const READY = 'Ready.\n';
const MAX_LOG_CHARACTERS = 20_000;
const TOKEN = /dckr_[po]at_[\w-]+|eyJ[\w.-]+/g;

/** Starts LocalStack on a free port and waits until it is ready. @throws Error with the end of its output when it fails. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const port = await freePort();
  const child = spawn(options.python, [join(import.meta.dirname, 'emulator/start.py')], {
    env: environmentOf(options, port),
    // It ends when its standard input ends, also when this process is killed.
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log = `${log}${text}`.slice(-MAX_LOG_CHARACTERS);
    });
  }
  const ended = once(child, 'close');
  const close = async () => {
    child.stdin?.end();
    await ended;
  };
  const shownLog = () =>
    options.secrets.reduce((text, secret) => text.replaceAll(secret, '***'), log.replaceAll(TOKEN, '***'));
  if (!(await isReady(child, () => log))) {
    await close();
    throw new Error(`LocalStack did not start: ${shownLog()}`);
  }
  return { endpoint: `http://127.0.0.1:${port}`, log: shownLog, close };
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
    // It sends no telemetry and downloads nothing.
    DISABLE_EVENTS: '1',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    DNS_ADDRESS: '0',
    // Uses the streams of DynamoDB Local.
    PROVIDER_OVERRIDE_DYNAMODB: 'v2',
    DYNAMODB_LOCAL_PORT: String(options.dynamodbPort),
    // Without this, an unknown type of resource counts as created.
    CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES: '0',
    // The functions connect to the real host names of AWS.
    LAMBDA_DISABLE_AWS_ENDPOINT_URL: '1',
    // Seconds. Busy machines start a process slowly, and tests should not wait long for a poll.
    LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC: '1',
    LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT: '60',
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
  const timer = setTimeout(() => stop.abort(), MAX_START_MS);
  child.once('exit', () => stop.abort());
  try {
    while (!log().includes(READY))
      await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data', { signal: stop.signal });
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
