import { errorFields, jsonLines } from '../functions/log.ts';
import { startEmbedded } from './embedded.ts';
import { readyText } from './ready.ts';
import { HELP, readSettings, type Settings, UsageError } from './settings.ts';

/** Errors of the system that say enough by their code; what else they quote stays inside. */
const SYSTEM_ERRORS: Readonly<Record<string, (settings: Settings) => string>> = {
  EADDRINUSE: ({ port }) => `port ${port} is taken; choose another with --port N, or 0 for any`,
  EACCES: ({ port, dataFolder }) => `no permission to listen on port ${port} or to use ${dataFolder}`,
  ENOSPC: ({ dataFolder }) => `the disk of ${dataFolder} is full`,
  EDQUOT: ({ dataFolder }) => `the disk quota of ${dataFolder} is used up`,
  EROFS: ({ dataFolder }) => `the disk of ${dataFolder} is read-only`,
};

let settings: Settings | 'help';
try {
  settings = readSettings(process.argv.slice(2), process.env);
} catch (error) {
  leave(error instanceof UsageError ? error.message : 'the command line could not be read');
}
if (settings === 'help') {
  process.stdout.write(HELP);
} else {
  await run(settings);
}

async function run(given: Settings): Promise<void> {
  endOnCrash(given);
  try {
    const embedded = await startEmbedded(given, process.stderr);
    const { endpoint, hubOrigin, credentialsFile, socket } = embedded;
    const unixSocket = 'path' in socket ? { socket: socket.path } : {};
    const ready = { endpoint, hub: hubOrigin, data: given.dataFolder, credentialsFile, ...unixSocket };
    // Before the ready line: a program that reads it may end us at once.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        embedded.stop().then(
          () => process.exit(0),
          () => process.exit(1),
        );
      });
    }
    process.stdout.write(given.jsonReady ? `${JSON.stringify(ready)}\n` : readyText(given, embedded));
  } catch (error) {
    leave(explain(error, given));
  }
}

/**
 * Node's own words on an error that nobody caught, and the report that it may write, quote it whole, and it may hold a token. A
 * crash loses nothing: the next start takes up what is due.
 */
function endOnCrash({ logLevel }: Settings): void {
  const log = jsonLines(process.stderr, { nowMs: Date.now }, logLevel);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.error('crashed', errorFields(error));
      leave('ended by an unexpected error; nothing is lost, start it again');
    });
  }
}

function explain(error: unknown, given: Settings): string {
  const { name, message, code } = error as { name?: string; message?: string; code?: string };
  const system = code === undefined ? undefined : SYSTEM_ERRORS[code];
  if (system !== undefined) return system(given);
  // These write their messages for the person who reads this line.
  if (name === 'CannotOpenData' || name === 'CredentialsFileError' || name === 'CannotStartFake')
    return message as string;
  return `cannot start (${code ?? name ?? 'unknown error'})`;
}

function leave(line: string): never {
  process.stderr.write(`hublease: ${line}\n`);
  process.exit(1);
}
