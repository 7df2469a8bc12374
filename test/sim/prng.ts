/** Mixes text into a 32-bit state. FNV-1a; not for secrets. */
export function hashText(text: string, state: number): number {
  let hash = (state ^ 0x811c9dc5) >>> 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Spreads a 32-bit value so that neighbours have nothing in common. */
export function spread(value: number): number {
  let mixed = (value + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** The last draw: a call asks twice, for its fault and for how long it takes. */
let last = { seed: 0, key: '', unit: 0 };

/** 0 to 1, decided by the seed and the key alone: what else was drawn before does not shift it. */
export function unitOf(seed: number, key: string): number {
  if (last.key !== key || last.seed !== seed) {
    last = { seed, key, unit: spread(hashText(key, spread(seed))) / 4_294_967_296 };
  }
  return last.unit;
}

/** A sequence of draws from one seed. Used to lay out a plan, before anything runs. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = spread(seed ^ 0x5bd1e995);
  }

  /** 0 to 1. */
  unit(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    return spread(this.#state) / 4_294_967_296;
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** A whole number from `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  /** Between the two, as often small as large whatever the magnitude. */
  magnitude(least: number, most: number): number {
    return Math.round(least * (most / least) ** this.unit());
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.unit() * from.length)] as T;
  }
}
