import { hashText } from './prng.ts';

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  readonly happen: () => void;
  readonly background: boolean;
}

/**
 * Time and order. Everything that happens is an event on one heap, keyed by time and then by the order of planning; after an
 * event that woke somebody, all microtasks are drained before the next one. So a history depends on its plan alone.
 */
export class World {
  nowMs: number;
  /** Every line noted, when somebody wants to read it. */
  readonly log: string[] | undefined;
  #heap: Entry[] = [];
  #sequence = 0;
  #foreground = 0;
  #woken = false;
  #hash = 0;
  #second = 0x1b873593;

  constructor(startMs: number, keepsLog: boolean) {
    this.nowMs = startMs;
    this.log = keepsLog ? [] : undefined;
  }

  /** Plans an event. A `background` one does not keep the history going. */
  at(atMs: number, happen: () => void, background = false): void {
    const entry = { atMs: Math.max(atMs, this.nowMs), sequence: this.#sequence++, happen, background };
    if (!background) this.#foreground += 1;
    push(this.#heap, entry);
  }

  /** Must be called by an event that settles a promise. */
  wake(): void {
    this.#woken = true;
  }

  /** Adds to the history's hash, and to its log. */
  note(text: string): void {
    this.#hash = hashText(text, Math.imul(this.#hash, 31) ^ (this.nowMs % 0x7fffffff));
    this.#second = hashText(text, this.#hash ^ Math.imul(this.#second, 17));
    this.log?.push(`${new Date(this.nowMs).toISOString().slice(11, 23)} ${text}`);
  }

  /** 16 hex digits over everything that was noted, and when. */
  get hash(): string {
    return this.#hash.toString(16).padStart(8, '0') + this.#second.toString(16).padStart(8, '0');
  }

  /** Whether nothing is left but what recurs for ever. */
  get quiet(): boolean {
    return this.#foreground === 0;
  }

  /** Lets events happen until `untilMs`, or until `finished` says so after one of them. */
  async run(untilMs: number, finished: () => boolean): Promise<void> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) return;
      pop(this.#heap);
      if (!next.background) this.#foreground -= 1;
      this.nowMs = next.atMs;
      next.happen();
      if (this.#woken) {
        this.#woken = false;
        await drained();
      }
      if (finished()) return;
    }
  }
}

/** How often the event loop gets a turn of its own, so that a long run does not keep timers and messages waiting. */
const TURN_EVERY = 2_048;
let drains = 0;

/**
 * By then every microtask has run, those that microtasks started included: Node takes up its next tick only when none is left.
 * Nothing in core waits for anything but promises.
 */
function drained(): Promise<void> {
  drains += 1;
  return new Promise((resolve) => {
    if (drains % TURN_EVERY === 0) setImmediate(resolve);
    else process.nextTick(resolve);
  });
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!before(entry, heap[above] as Entry)) break;
    heap[at] = heap[above] as Entry;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop() as Entry;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && before(heap[below + 1] as Entry, heap[below] as Entry)) below += 1;
    if (!before(heap[below] as Entry, last)) break;
    heap[at] = heap[below] as Entry;
    at = below;
  }
  heap[at] = last;
}
