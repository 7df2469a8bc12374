import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';

/**
 * Longest path of a Unix socket: `sun_path` less the zero at its end. A longer one would be cut without a word.
 * Source: unix(7) for Linux; sys/un.h of macOS and the BSDs.
 */
const PATH_MAX_BYTES = process.platform === 'linux' ? 107 : 103;

const NAME = /^hublease-\d{1,5}\.sock$/;
/** What a start that was killed may have left. Never longer than a socket's name, so that one check of the length is enough. */
const DRAFT = /^\.hublease-[0-9a-f]{8}$/;

/** Where the edition that listens on a port has its Unix socket. The port in the name says which endpoint it belongs to. */
export function socketPathOf(dataFolder: string, port: number): string {
  return join(dataFolder, `hublease-${port}.sock`);
}

/** A server that listens on a Unix socket which nobody finds yet. */
export interface UnixListener {
  /** Puts the socket in its place, in the place of one that a killed edition left. @returns its path. */
  publish(port: number): string;
  /** Takes the socket away, so that nobody new comes. The server goes on. */
  withdraw(): void;
}

/** There can be no Unix socket here. The message is half a sentence for the operator. */
export class NoUnixSocket extends Error {
  override readonly name = 'NoUnixSocket';
}

/**
 * Lets a server listen on a Unix socket in the data folder, for its owner alone (0600). It is made under another name and renamed, so
 * that it is never there with another mode, and no socket is ever missing between an old one and a new one.
 *
 * @param dataFolder held by this process alone, and closed to other users.
 * @throws NoUnixSocket, and nothing is left.
 */
export async function listenOnUnixSocket(server: Server, dataFolder: string): Promise<UnixListener> {
  if (process.platform === 'win32') throw new NoUnixSocket('Windows has none with file modes');
  const spareBytes = PATH_MAX_BYTES - Buffer.byteLength(socketPathOf(dataFolder, 65_535));
  if (spareBytes < 0) {
    throw new NoUnixSocket(`the path of the data folder is ${-spareBytes} bytes too long for one`);
  }
  const draft = join(dataFolder, `.hublease-${randomBytes(4).toString('hex')}`);
  try {
    await listen(server, draft);
    chmodSync(draft, 0o600);
  } catch (error) {
    server.close();
    rmSync(draft, { force: true });
    throw new NoUnixSocket(`it cannot be made (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
  let published = draft;
  return {
    publish(port) {
      const path = socketPathOf(dataFolder, port);
      try {
        removeOld(dataFolder, [draft, path]);
        renameSync(draft, path);
      } catch (error) {
        const { code = 'unknown error' } = error as NodeJS.ErrnoException;
        throw error instanceof NoUnixSocket ? error : new NoUnixSocket(`it cannot be put in its place (${code})`);
      }
      published = path;
      return path;
    },
    withdraw: () => rmSync(published, { force: true }),
  };
}

/**
 * Removes the sockets that killed editions left on other ports; the one on this port is replaced. Only sockets: anything else of that
 * name is somebody's.
 */
function removeOld(dataFolder: string, [draft, published]: readonly [draft: string, published: string]): void {
  for (const name of readdirSync(dataFolder)) {
    const path = join(dataFolder, name);
    if (path === draft || !(NAME.test(name) || DRAFT.test(name))) continue;
    const isSocket = lstatSync(path).isSocket();
    if (!isSocket && path === published) throw new NoUnixSocket(`${name} is in the way and is no socket`);
    if (isSocket && path !== published) rmSync(path);
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
