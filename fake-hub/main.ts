/**
 * Runs the fake Docker Hub alone: `node fake-hub/main.ts [--port N] [--data FILE] [--config FILE] [--json-ready]`.
 * FILE of `--config` is JSON with the options of `startFakeHub`, so that passwords need not stand on a command line. Without
 * it there is one account, `demo` with the password `demo-password`. `--json-ready` prints one JSON line once it listens.
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { FakeHubOptions } from './options.ts';
import { startFakeHub } from './server.ts';

const DEMO: FakeHubOptions = { accounts: [{ username: 'demo', password: 'demo-password' }] };

/** A mistake of whoever started it, in one line. */
class StartRefused extends Error {}

function readOptions(args: readonly string[]): { options: FakeHubOptions; jsonReady: boolean } {
  const { values } = flags(args);
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw new StartRefused('--port is a number from 0 to 65535');
  }
  const config = values.config === undefined ? DEMO : readConfig(values.config);
  const options = {
    ...config,
    ...(port === undefined ? {} : { port }),
    ...(values.data === undefined ? {} : { dataFile: values.data }),
  };
  return { options, jsonReady: values['json-ready'] === true };
}

function flags(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        config: { type: 'string' },
        'json-ready': { type: 'boolean' },
      },
    });
  } catch {
    throw new StartRefused('usage: node fake-hub/main.ts [--port N] [--data FILE] [--config FILE] [--json-ready]');
  }
}

function readConfig(file: string): FakeHubOptions {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new StartRefused('--config names no readable JSON file');
  }
  if (typeof config !== 'object' || config === null || !('accounts' in config) || !Array.isArray(config.accounts)) {
    throw new StartRefused('--config needs an object with "accounts"');
  }
  if (!config.accounts.every(isAccount)) {
    throw new StartRefused('--config: each of "accounts" needs a "username" and a "password"');
  }
  return config as FakeHubOptions;
}

function isAccount(entry: unknown): boolean {
  const { username, password } = (entry ?? {}) as Record<string, unknown>;
  return typeof username === 'string' && typeof password === 'string';
}

async function main(): Promise<void> {
  const { options, jsonReady } = readOptions(process.argv.slice(2));
  const hub = await startFakeHub(options).catch((error: { readonly code?: unknown }) => {
    throw new StartRefused(
      error.code === 'EADDRINUSE' ? 'the port is taken' : 'the data file is damaged, unwritable or in use',
    );
  });
  // Before it says that it is ready: who reads that may end it at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void hub.close());
  console.log(
    jsonReady
      ? JSON.stringify({ url: hub.url, port: hub.port, pid: process.pid })
      : `Fake Docker Hub (not Docker's) on ${hub.url}`,
  );
}

main().catch((error: unknown) => {
  console.error(`fake Docker Hub: ${error instanceof StartRefused ? error.message : 'internal error'}`);
  process.exitCode = 1;
});
