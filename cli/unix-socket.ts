import { lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** A longer path cannot be connected to. Source: unix(7), `sun_path`; macOS has the shortest. */
const PATH_MAX_BYTES = 103;

/**
 * The Unix socket of the embedded edition at an endpoint. Another user of this machine could listen on its port, but not on the socket. The
 * socket is in the edition's data folder: beside the current credentials file, or in `HUBLEASE_DATA`. Its name contains the endpoint's
 * port, and its owner owns the keys beside it.
 *
 * @returns undefined if there is none, or if it cannot be trusted.
 */
export function unixSocketOf(endpoint: string, env: Env): string | undefined {
  const url = new URL(endpoint);
  if (url.protocol !== 'http:' || url.hostname !== '127.0.0.1') return undefined;
  const name = `hublease-${url.port || '80'}.sock`;
  const { AWS_SHARED_CREDENTIALS_FILE: credentials, HUBLEASE_DATA: data } = env;
  const keys = [...(credentials ? [credentials] : []), ...(data ? [join(data, 'credentials')] : [])];
  return keys.map((path) => ({ path: join(dirname(path), name), keys: path })).find(isTrusted)?.path;
}

function isTrusted({ path, keys }: { path: string; keys: string }): boolean {
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) return false;
  try {
    const socket = lstatSync(path);
    // The owner of the keys could sign as we do anyway.
    return socket.isSocket() && (socket.mode & 0o077) === 0 && socket.uid === statSync(keys).uid;
  } catch {
    return false;
  }
}
