import type { Clock } from '../../core/ports/environment.ts';

/** A cache with a maximum size. Its values may be a little old. If it is full, the oldest entry is removed. */
export class ShortCache<V> {
  readonly #entries = new Map<string, { readonly value: V; readonly untilMs: number }>();
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #lifeMs: number;
  readonly #most: number;

  constructor(clock: Pick<Clock, 'nowMs'>, lifeMs: number, most: number) {
    this.#clock = clock;
    this.#lifeMs = lifeMs;
    this.#most = most;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#clock.nowMs() < entry.untilMs) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** @param asOfMs when the value was current: the time at which its read began. */
  put(key: string, value: V, asOfMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: asOfMs + this.#lifeMs });
    if (this.#entries.size <= this.#most) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  forgetWhere(matches: (value: V) => boolean): void {
    for (const [key, { value }] of this.#entries) if (matches(value)) this.#entries.delete(key);
  }
}
