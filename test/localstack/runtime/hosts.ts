import { Socket } from 'node:net';

/** Local ports that stand for real hosts. A key is a host name, or the end of host names (`.amazonaws.com`). */
const PORTS = JSON.parse(process.env.HUBLEASE_TEST_HOSTS ?? '{}') as Readonly<Record<string, number>>;
const LOCAL_HOSTS = new Set(['127.0.0.1', 'localhost']);

interface Target {
  readonly host?: string;
  readonly port?: number | string;
}

/**
 * Redirects connections to the ports that the tests chose, and refuses all others, so no test ever reaches a real host.
 * TLS still asks for the original host name and checks it.
 */
export function redirectConnections(): void {
  const connect = Socket.prototype.connect as (...args: unknown[]) => Socket;
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
    const [first, ...rest] = args;
    // `net.connect` passes its arguments as an array, `tls.connect` passes an object.
    if (Array.isArray(first)) first[0] = redirected(first[0]);
    else args = [redirected(first), ...rest];
    return connect.apply(this, args);
  } as Socket['connect'];
}

function redirected(given: unknown): unknown {
  const { host = 'localhost' } = given as Target;
  if (LOCAL_HOSTS.has(host)) return given;
  const name = Object.keys(PORTS).find((each) => host === each || (each.startsWith('.') && host.endsWith(each)));
  if (name === undefined) throw new Error(`no connection to ${host} from a test`);
  return { ...(given as object), host: '127.0.0.1', port: PORTS[name] };
}
