/** What can be made to go wrong, on which route, how often. */

import { type Answer, json, type RouteName } from './answer.ts';

/** One fault. Of several on a route all latencies add up, and the first other one that strikes is played. */
export type FakeFault = {
  readonly route: RouteName | '*';
  /** 0 to 1; 1 unless given. */
  readonly probability?: number;
  /** How often it strikes before it is gone; without end unless given. */
  readonly count?: number;
} & (
  | { readonly kind: 'latency'; readonly latencyMs: number }
  /** 429. Nothing is applied. */
  | { readonly kind: 'throttle'; readonly retryAfterSeconds?: number }
  /** 500 unless given. With `applied`, what was asked for happens all the same. */
  | { readonly kind: 'server-error'; readonly status?: number; readonly applied?: boolean }
  /** The connection is reset and nothing is applied. */
  | { readonly kind: 'reset-before' }
  /** What was asked for happens, and the connection is reset in place of an answer. */
  | { readonly kind: 'reset-after' }
  /** What was asked for happens, and its answer waits for `release`. */
  | { readonly kind: 'hold' }
  /** The connection is reset at once, and what was asked for happens only at `release`. */
  | { readonly kind: 'apply-late' }
  /** 403 with Cloudflare's challenge page. Nothing is applied. */
  | { readonly kind: 'html-challenge' }
  /** 403 with Cloudflare's text `error code: 1010`. Nothing is applied. */
  | { readonly kind: 'edge-block' }
  /** 307 to another origin. Nothing is applied. */
  | { readonly kind: 'redirect'; readonly location?: string }
  /** What was asked for happens; the answer calls itself `text/html`. */
  | { readonly kind: 'wrong-type' }
  /** What was asked for happens; the answer's JSON is padded to `bytes`, 8 MiB unless given. */
  | { readonly kind: 'oversized'; readonly bytes?: number }
  /** What was asked for happens; the answer's JSON ends half way. */
  | { readonly kind: 'truncated' }
);

export const FAULT_KINDS: readonly FakeFault['kind'][] = [
  'latency',
  'throttle',
  'server-error',
  'reset-before',
  'reset-after',
  'hold',
  'apply-late',
  'html-challenge',
  'edge-block',
  'redirect',
  'wrong-type',
  'oversized',
  'truncated',
];

/** What a throttled client is told to wait unless the fault says otherwise. */
export const DEFAULT_RETRY_AFTER_SECONDS = 2;

const DEFAULT_OVERSIZED_BYTES = 8 * 1024 * 1024;

const CHALLENGE_PAGE =
  '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head>' +
  '<body><h1>hub.docker.com</h1><p>Verifying you are human. This may take a few seconds.</p></body></html>';

export class Faults {
  readonly #random: () => number;
  #armed: { readonly fault: FakeFault; left: number }[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Replaces all faults. */
  set(faults: readonly FakeFault[]): void {
    this.#armed = faults.map((fault) => ({ fault, left: fault.count ?? Number.POSITIVE_INFINITY }));
  }

  /** What strikes one request. */
  strike(route: RouteName): { readonly latencyMs: number; readonly fault: FakeFault | undefined } {
    let latencyMs = 0;
    let struck: FakeFault | undefined;
    for (const armed of this.#armed) {
      const { fault } = armed;
      if ((fault.route !== '*' && fault.route !== route) || armed.left <= 0) continue;
      if (struck !== undefined && fault.kind !== 'latency') continue;
      if (fault.probability !== undefined && this.#random() >= fault.probability) continue;
      armed.left -= 1;
      if (fault.kind === 'latency') latencyMs += fault.latencyMs;
      else struck = fault;
    }
    return { latencyMs, fault: struck };
  }
}

/** The answer of a fault that comes in place of Docker Hub's own, from its edge. */
export function edgeAnswer(fault: FakeFault, path: string): Answer | undefined {
  switch (fault.kind) {
    case 'html-challenge':
      return challengePage(403);
    case 'edge-block':
      return { status: 403, headers: { 'content-type': 'text/plain; charset=UTF-8' }, body: 'error code: 1010' };
    case 'redirect':
      return { status: 307, headers: { location: fault.location ?? `https://elsewhere.example.com${path}` }, body: '' };
    default:
      return undefined;
  }
}

/** Cloudflare's challenge page. */
export function challengePage(status: 200 | 403): Answer {
  return { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body: CHALLENGE_PAGE };
}

/** 5xx as Docker Hub's own servers write it. */
export function serverError(status = 500): Answer {
  return json(status, { message: 'internal server error' });
}

/** Spoils a true answer. One without a text, as a DELETE's, gets 200 and an object, so that there is something to spoil. */
export function spoil(fault: FakeFault, answer: Answer): Answer {
  const { body } = answer;
  const whole = typeof body === 'string' && body !== '' ? { ...answer, body } : { ...json(200, {}), body: '{}' };
  switch (fault.kind) {
    case 'wrong-type':
      return { ...whole, headers: { ...whole.headers, 'content-type': 'text/html; charset=UTF-8' } };
    case 'oversized': {
      const padding = ' '.repeat(fault.bytes ?? DEFAULT_OVERSIZED_BYTES);
      // In chunks, so that no length warns the client.
      const headers = { ...whole.headers, 'transfer-encoding': 'chunked' };
      return {
        ...whole,
        headers,
        body: `{"padding":"${padding}",${whole.body === '{}' ? '"end":true}' : whole.body.slice(1)}`,
      };
    }
    case 'truncated':
      return { ...whole, body: whole.body.slice(0, Math.ceil(whole.body.length / 2)) };
    default:
      return answer;
  }
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
