import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Connections } from './connections.ts';
import { Desk, type DeskOptions } from './desk.ts';
import { instantNow, ownHosts } from './own-requests.ts';
import { rawRefusal } from './refusal.ts';
import { listenOnUnixSocket, NoUnixSocket, type UnixListener } from './unix-socket.ts';

/** All headers together. Node's usual bound, and above the 10,240 bytes that API Gateway takes. */
const HEADERS_MAX_BYTES = 16 * 1024;

/** Of each listener. Every connection may hold one body; this keeps the sum of them at 32 MiB for each. */
const CONNECTIONS_MAX_COUNT = 512;

/** Times that the front door allows. */
export interface FrontDoorTimes {
  /** From a connection's, or the previous request's, end to the end of a request's headers. */
  readonly headersMs: number;
  /** From the same instant to the end of its body. */
  readonly requestMs: number;
  /** How often the two above are looked at. */
  readonly checkEveryMs: number;
  /** What `close` gives to requests in flight. */
  readonly drainMs: number;
}

/** The drain is longer than the 20 s that any API call may work. */
const DEFAULT_TIMES: FrontDoorTimes = { headersMs: 10_000, requestMs: 20_000, checkEveryMs: 1_000, drainMs: 25_000 };

export interface FrontDoorOptions extends DeskOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** Folder for a Unix socket, held by this process alone; absent for none. */
  readonly socketFolder?: string;
  /** Each a `Host` that requests may be signed for besides `127.0.0.1:PORT`, such as that of a TLS proxy in front. */
  readonly acceptHosts?: readonly string[];
  readonly times?: Partial<FrontDoorTimes>;
  /** A clock that nobody sets; the machine's own when absent. */
  readonly steadyMs?: () => number;
}

export interface FrontDoor {
  /** `http://127.0.0.1:PORT`, without the stage. */
  readonly url: string;
  readonly port: number;
  /** The Unix socket that answers the same requests, or why there is none. */
  readonly socket: { readonly path: string } | { readonly problem: string };
  /** Accepts nothing new, waits for requests in flight within `drainMs`, then ends every connection. May be repeated. */
  close(): Promise<void>;
}

/**
 * Starts what API Gateway and IAM are to the AWS edition: an HTTP server on 127.0.0.1 that checks each request's signature
 * and the profile's permission, and hands the same proxy event to the same handlers. A Unix socket answers the same requests; no
 * other user of the machine can listen in its place. Refusals are RFC 9457 problems; every answer names its request in
 * `x-amzn-requestid`.
 *
 * @throws the system's error (`EADDRINUSE`, `EACCES`) when it cannot listen on the port. Without a Unix socket it goes on.
 */
export async function startFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const times = { ...DEFAULT_TIMES, ...options.times };
  const desk = new Desk(options);
  // First, and under a name that nobody knows: it is published once the port is ours, and nothing is left when it is not.
  const unixServer = serverOf(desk, times);
  const unix = await unixListener(unixServer, options.socketFolder);
  const server = serverOf(desk, times);
  try {
    await listen(server, options.port);
  } catch (error) {
    if ('withdraw' in unix) await endUnix(unixServer, unix);
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  const readyAtMs = instantNow(options.steadyMs ?? (() => performance.now()));
  desk.open({ hosts: ownHosts(port, options.acceptHosts), readyAtMs });
  const socket = 'withdraw' in unix ? await publish(unixServer, unix, port) : unix;
  const servers = 'path' in socket ? [server, unixServer] : [server];

  async function drain(): Promise<void> {
    if ('path' in socket && 'withdraw' in unix) unix.withdraw();
    desk.close();
    const closed = Promise.all(servers.map((each) => new Promise<void>((resolve) => each.close(() => resolve()))));
    const timeUp = Promise.withResolvers<void>();
    const timer = setTimeout(timeUp.resolve, times.drainMs);
    // A request whose caller has gone has no connection left, but may still be minting.
    await Promise.race([Promise.all([closed, desk.settled()]), timeUp.promise]);
    clearTimeout(timer);
    for (const each of servers) each.closeAllConnections();
    await closed;
  }

  let closing: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    socket,
    close: () => {
      closing ??= drain();
      return closing;
    },
  };
}

function serverOf(desk: Desk, times: FrontDoorTimes): Server {
  const server = createServer({
    headersTimeout: times.headersMs,
    requestTimeout: times.requestMs,
    maxHeaderSize: HEADERS_MAX_BYTES,
    connectionsCheckingInterval: times.checkEveryMs,
    // A request without a host gets our own refusal, with a request id.
    requireHostHeader: false,
  });
  // Node's own limit drops headers silently; ours refuses.
  server.maxHeadersCount = 0;
  // Node's own limit ends the newest connection, which may be the only honest one; ours ends the oldest that says nothing.
  const connections = new Connections(CONNECTIONS_MAX_COUNT);
  server.on('connection', (socket) => connections.add(socket));
  for (const event of ['request', 'checkExpectation']) {
    server.on(event, (req: IncomingMessage, res: ServerResponse) => desk.receive(req, res, connections));
  }
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // Bytes written now would be taken for the answer that is still being made.
    if (!socket.writable || connections.isWorking(socket as Socket)) socket.destroy();
    else socket.end(rawRefusal(error.code), () => socket.destroy());
  });
  return server;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function unixListener(server: Server, folder: string | undefined): Promise<UnixListener | { problem: string }> {
  if (folder === undefined) return { problem: 'none was asked for' };
  try {
    return await listenOnUnixSocket(server, folder);
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}

async function publish(server: Server, unix: UnixListener, port: number): Promise<FrontDoor['socket']> {
  try {
    return { path: unix.publish(port) };
  } catch (error) {
    await endUnix(server, unix);
    return { problem: reasonOf(error) };
  }
}

async function endUnix(server: Server, unix: UnixListener): Promise<void> {
  unix.withdraw();
  await new Promise((resolve) => server.close(resolve));
}

/** @throws what is no reason to go on without a Unix socket. */
function reasonOf(error: unknown): string {
  if (error instanceof NoUnixSocket) return error.message;
  throw error;
}
