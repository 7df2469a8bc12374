/** Docker Hub's limit of requests per minute, and how its answers speak of it. */

import { type Answer, json } from './answer.ts';
import type { RetryAfterForm } from './settings.ts';

const WINDOW_MS = 60_000;

/** 429 in the words of the API (docker/terraform-provider-docker issue 95). */
export function throttled(nowMs: number, retryAfterSeconds: number, form: RetryAfterForm): Answer {
  const answer = json(429, { detail: 'Rate limit exceeded', error: false });
  return { ...answer, headers: { ...answer.headers, ...retryAfter(nowMs, retryAfterSeconds, form) } };
}

function retryAfter(nowMs: number, seconds: number, form: RetryAfterForm): Record<string, string> {
  const atMs = nowMs + seconds * 1_000;
  switch (form) {
    case 'seconds':
      return { 'retry-after': String(seconds) };
    case 'http-date':
      return { 'retry-after': new Date(atMs).toUTCString() };
    case 'unix-time':
      return { 'x-retry-after': String(Math.ceil(atMs / 1_000)) };
    case 'none':
      return {};
  }
}

/** Counts requests in fixed windows of a minute. */
export class RateLimit {
  #window = -1;
  #used = 0;

  /** Takes one request; `seconds` until the window ends when there was none left, and the headers either way. */
  take(
    nowMs: number,
    limit: number,
  ): { readonly refusedForSeconds?: number; readonly headers: Readonly<Record<string, string>> } {
    const window = Math.floor(nowMs / WINDOW_MS);
    if (window !== this.#window) {
      this.#window = window;
      this.#used = 0;
    }
    const isRefused = this.#used >= limit;
    if (!isRefused) this.#used += 1;
    const resetMs = (window + 1) * WINDOW_MS;
    const headers = {
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(Math.max(0, limit - this.#used)),
      'x-ratelimit-reset': String(resetMs / 1_000),
    };
    return isRefused ? { refusedForSeconds: Math.ceil((resetMs - nowMs) / 1_000), headers } : { headers };
  }

  reset(): void {
    this.#window = -1;
  }
}
