import { Socket } from 'node:net';

/** Ports of 127.0.0.1 that stand for hosts of the world, by name or by what the name ends in (`.amazonaws.com`). */
const PORTS = JSON.parse(process.env.HUBLEASE_TEST_HOSTS ?? '{}') as Readonly<Record<string, number>>;
const HERE = new Set(['127.0.0.1', 'localhost']);

interface Destination {
  readonly host?: string;
  readonly port?: number | string;
}

/**
 * Sends every connection of this process to where the tests say, and refuses the others, so that no real host is ever reached.
 * Only where it goes is changed: the name is still the one that TLS asks for and checks.
 */
export function divertConnections(): void {
  const connect = Socket.prototype.connect as (...args: unknown[]) => Socket;
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
    const [first, ...rest] = args;
    // `net.connect` hands on its arguments as a marked array, `tls.connect` an object.
    if (Array.isArray(first)) first[0] = diverted(first[0]);
    else args = [diverted(first), ...rest];
    return connect.apply(this, args);
  } as Socket['connect'];
}

function diverted(given: unknown): unknown {
  const { host = 'localhost' } = given as Destination;
  if (HERE.has(host)) return given;
  const name = Object.keys(PORTS).find((each) => host === each || (each.startsWith('.') && host.endsWith(each)));
  if (name === undefined) throw new Error(`no connection to ${host} from a test`);
  return { ...(given as object), host: '127.0.0.1', port: PORTS[name] };
}
