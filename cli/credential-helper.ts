import { VERSION } from '../functions/wire/version.ts';
import { EXIT } from './exit.ts';
import { HUB_KEYS } from './hub-keys.ts';
import type { Io } from './io.ts';
import { readSettings } from './settings.ts';

/** Texts that clients compare byte for byte. Source: docker/docker-credential-helpers, `credentials/error.go`. */
const NOT_FOUND = 'credentials not found in native keychain';
const NO_SERVER_URL = 'no credentials server URL';

/**
 * Docker's credential helper protocol: one verb, its argument on standard input, the answer or the error on standard output.
 * Source: docker/docker-credential-helpers, README, "Development".
 *
 * @returns the exit code.
 */
export async function credentialHelper(verb: string | undefined, io: Io): Promise<number> {
  switch (verb) {
    case 'get':
      return get(io);
    case 'store':
      await io.readAll();
      // If a helper fails here, `docker login` fails for every registry.
      io.err('docker-credential-hublease stores nothing. It leases a token when docker needs one\n');
      return 0;
    case 'erase':
      return erase(io);
    case 'list':
      return list(io);
    case 'version':
      io.out(`docker-credential-hublease ${VERSION}\n`);
      return 0;
    default:
      io.err('usage: docker-credential-hublease get|store|erase|list|version\n');
      return 1;
  }
}

async function get(io: Io): Promise<number> {
  const url = (await io.readAll()).trim();
  if (url === '') return say(io, NO_SERVER_URL);
  if (!isOurs(url)) return say(io, NOT_FOUND);
  try {
    const { leaseToHandOut } = await import('./cached-lease.ts');
    const { username, password } = await leaseToHandOut(await readSettings({}, io.env), io.env);
    io.out(`${JSON.stringify({ ServerURL: url, Username: username, Secret: password })}\n`);
    return 0;
  } catch (error) {
    // docker only reads standard output, and then continues without credentials. People only see standard error.
    const { explain } = await import('./explain.ts');
    const { message, hint } = explain(error);
    io.err(`docker-credential-hublease: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`);
    return say(io, `hublease: ${message}`);
  }
}

async function erase(io: Io): Promise<number> {
  const url = (await io.readAll()).trim();
  if (!isOurs(url)) return 0;
  try {
    const { giveBack } = await import('./cached-lease.ts');
    await giveBack(await readSettings({}, io.env), io.env);
  } catch (error) {
    const { explain } = await import('./explain.ts');
    const { exitCode, message } = explain(error);
    // A lease that does not exist needs no revocation. Without configuration nothing was leased.
    if (exitCode !== EXIT.notFound && exitCode !== EXIT.notConfigured) {
      io.err(`docker-credential-hublease: the lease could not be revoked now. It ends by itself: ${message}\n`);
    }
  }
  return 0;
}

/** Clients list to show the available logins. This takes no lease. */
async function list(io: Io): Promise<number> {
  const { keptLease } = await import('./cached-lease.ts');
  let username: string | undefined;
  try {
    username = keptLease(await readSettings({}, io.env), io.env)?.username;
  } catch {
    // Not configured: there is nothing to list.
  }
  io.out(`${JSON.stringify(username === undefined ? {} : { [HUB_KEYS[0]]: username })}\n`);
  return 0;
}

function isOurs(url: string): boolean {
  return HUB_KEYS.some((each) => each === url);
}

function say(io: Io, message: string): number {
  io.out(`${message}\n`);
  return 1;
}
