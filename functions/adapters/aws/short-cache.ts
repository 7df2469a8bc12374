import type { Clock } from '../../core/ports/environment.ts';

/** A bounded memory of values that may be a little old. When it is full, the oldest entry makes room. */
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

  /** @param asOfMs when the value was true: the moment its reading began. */
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
