import type { Time } from '../../local/clockwork/time.ts';

interface Timer {
  readonly atMs: number;
  readonly act: () => void;
}

/** Turns of the event loop in which nothing may be under way before time goes on: what one turn ends may begin in the next. */
const IDLE_TURNS = 2;

/**
 * Time that stands still while anything is at work and then leaps to the next timer, so that hours pass in seconds. What goes on
 * by more than microtasks has to be held: a request over a socket, a write that waits for others of its turn.
 */
export class VirtualTime implements Time {
  #nowMs: number;
  /** The last is the next; of the same instant the first planned goes first. */
  readonly #timers: Timer[] = [];
  #held = 0;
  #mostTimers = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  readonly nowMs = () => this.#nowMs;

  readonly sleep = (ms: number) => new Promise<void>((resolve) => this.after(ms, resolve));

  after(ms: number, act: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, ms), act };
    this.#timers.splice(this.#placeOf(timer.atMs), 0, timer);
    this.#mostTimers = Math.max(this.#mostTimers, this.#timers.length);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  /** Time stands still until `work` has ended. */
  async hold<T>(work: Promise<T>): Promise<T> {
    this.#held += 1;
    try {
      return await work;
    } finally {
      this.#held -= 1;
    }
  }

  /** A sleep by one whose work is held. */
  async sleepHeld(ms: number): Promise<void> {
    this.#held -= 1;
    await this.sleep(ms);
    this.#held += 1;
  }

  /** Lets time pass until `work` has ended. @throws Error when nothing is left that could end it. */
  async passUntilDone<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const over = () => {
      isDone = true;
    };
    work.then(over, over);
    await this.passUntil(() => isDone);
    return work;
  }

  /** Lets time pass until something holds. @throws Error when nothing is left to happen, or not before `latestMs`. */
  async passUntil(holds: () => boolean, latestMs = Number.POSITIVE_INFINITY): Promise<void> {
    for (;;) {
      await this.#settled();
      if (holds()) return;
      const next = this.#timers.pop();
      if (next === undefined) throw new Error('nothing is left to happen');
      if (next.atMs > latestMs) throw new Error('it did not come about in time');
      this.#nowMs = next.atMs;
      next.act();
    }
  }

  /** Leaps, past nothing: whatever was planned for the time between happens late. */
  leapTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  /** The most timers that waited at once since this was last asked. */
  takeMostTimers(): number {
    const most = this.#mostTimers;
    this.#mostTimers = this.#timers.length;
    return most;
  }

  async #settled(): Promise<void> {
    for (let idle = 0; idle < IDLE_TURNS; idle++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#held > 0) idle = -1;
    }
  }

  #placeOf(atMs: number): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle] as Timer).atMs > atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
