/** Requests that wait for `release`. */

/** One that waits. `drop` ends it without an answer and without applying anything more. */
export interface Waiting {
  readonly release: () => void;
  readonly drop: () => void;
}

export class Held {
  readonly #waiting = new Set<Waiting>();

  get count(): number {
    return this.#waiting.size;
  }

  /** Adds one, and returns how to take it away again. */
  add(waiting: Waiting): () => void {
    this.#waiting.add(waiting);
    return () => this.#waiting.delete(waiting);
  }

  /** Lets all go, oldest first, and returns how many there were. */
  release(): number {
    return this.#empty((waiting) => waiting.release());
  }

  drop(): void {
    this.#empty((waiting) => waiting.drop());
  }

  #empty(each: (waiting: Waiting) => void): number {
    const all = [...this.#waiting];
    this.#waiting.clear();
    all.forEach(each);
    return all.length;
  }
}
