import type { Socket } from 'node:net';

/** Stages in which nothing is lost with a connection, the one to give up first at the front. */
const GIVEN_UP = ['unheard', 'idle', 'body'] as const;

/**
 * What a connection is doing: it has not sent the whole header of its first request (`unheard`), it waits for its next request
 * (`idle`), it sends a body (`body`), or a request on it was let in and is being worked on (`working`).
 */
type Stage = (typeof GIVEN_UP)[number] | 'working';

/**
 * The connections of one listener, of which there are never more than a number. When they are all taken, a new one takes the place
 * of the oldest whose request has not been let in: first of those that have not sent a whole header. So nobody without a key can
 * keep others out. Connections whose requests are being worked on are never given up.
 */
export class Connections {
  readonly #maxCount: number;
  /** The oldest in each stage first. */
  readonly #in: Readonly<Record<Stage, Set<Socket>>> = {
    unheard: new Set(),
    idle: new Set(),
    body: new Set(),
    working: new Set(),
  };
  /** How many requests are being worked on; a client may send several before the first is answered. */
  readonly #requests = new WeakMap<Socket, number>();

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  /** Takes in a connection that was just accepted, or ends it when every other one is being worked on. */
  add(socket: Socket): void {
    if (this.#count() >= this.#maxCount) {
      const oldest = GIVEN_UP.map((stage) => this.#in[stage].values().next().value).find((each) => each !== undefined);
      if (oldest === undefined) {
        socket.destroy();
        return;
      }
      this.#forget(oldest);
      oldest.destroy();
    }
    this.#in.unheard.add(socket);
    socket.once('close', () => this.#forget(socket));
  }

  /** The header of a request is there. */
  reading(socket: Socket): void {
    if (!this.isWorking(socket)) this.#move(socket, 'body');
  }

  /** A request was let in. @returns what to call, once, when there is an answer to it. */
  working(socket: Socket): () => void {
    this.#requests.set(socket, this.#requestsOn(socket) + 1);
    this.#move(socket, 'working');
    return () => {
      this.#requests.set(socket, this.#requestsOn(socket) - 1);
      this.idle(socket);
    };
  }

  /** A request was answered. */
  idle(socket: Socket): void {
    if (this.#requestsOn(socket) === 0) this.#move(socket, 'idle');
  }

  isWorking(socket: Socket): boolean {
    return this.#in.working.has(socket);
  }

  #requestsOn(socket: Socket): number {
    return this.#requests.get(socket) ?? 0;
  }

  #count(): number {
    return Object.values(this.#in).reduce((sum, { size }) => sum + size, 0);
  }

  /** One that was given up, or has ended, stays so. */
  #move(socket: Socket, stage: Stage): void {
    if (this.#forget(socket)) this.#in[stage].add(socket);
  }

  #forget(socket: Socket): boolean {
    return Object.values(this.#in).some((sockets) => sockets.delete(socket));
  }
}
