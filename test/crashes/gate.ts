import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What happens to a connection: it is let through; refused, as where nothing listens; or taken and then left without a word, with
 * those that were open before.
 */
export type Way = 'open' | 'refused' | 'silent';

/** A way to the fake Docker Hub that can be closed. */
export interface Gate {
  readonly url: string;
  turn(way: Way): Promise<void>;
  close(): Promise<void>;
}

/** Opens a gate before a port of 127.0.0.1. */
export async function openGate(toPort: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let way: Way = 'open';
  let server: Server | undefined;
  let port = 0;

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  }

  function take(incoming: Socket): void {
    keep(incoming);
    if (way === 'silent') return;
    const outgoing = keep(connect(toPort, '127.0.0.1'));
    incoming.pipe(outgoing).pipe(incoming);
    incoming.once('close', () => outgoing.destroy());
    outgoing.once('close', () => incoming.destroy());
  }

  async function listen(): Promise<void> {
    if (server !== undefined) return;
    const opened = createServer(take).listen(port, '127.0.0.1');
    await once(opened, 'listening');
    server = opened;
    port = (opened.address() as AddressInfo).port;
  }

  async function shut(): Promise<void> {
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server = undefined;
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  await listen();
  return {
    url: `http://127.0.0.1:${port}`,
    async turn(to) {
      // What was let through while it was silent must not be answered later: those connections end.
      for (const socket of sockets) {
        if (to === 'silent') socket.unpipe().pause();
        else socket.destroy();
      }
      way = to;
      await (to === 'refused' ? shut() : listen());
    },
    close: shut,
  };
}
