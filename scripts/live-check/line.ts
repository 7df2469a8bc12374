import type { HubMeta, HubReply } from '../../functions/core/ports/docker-hub.ts';
import { CleanupGivenUp, Stopped } from './stop.ts';

/** Waits, or less where the signal ends it. Never rejects. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface LineParts {
  readonly nowMs: () => number;
  readonly sleep: Sleep;
  /** Ends the questions. */
  readonly stop: AbortSignal;
  /** Ends the cleanup. */
  readonly quit: AbortSignal;
}

/** Pause before a request. It widens with each, so that a long run asks less and less often. */
const FIRST_PAUSE_MS = 200;
const PAUSE_STEP_MS = 10;
const MAX_PAUSE_MS = 2_000;
/** So few requests left in Docker Hub's minute are left to others. */
const RESERVED_REQUESTS = 3;
/** No wait that Docker Hub asks for is taken to be longer. */
const MAX_WAIT_MS = 900_000;
/** This many requests in a row without an answer end the questions. */
const MAX_SILENCES = 5;

/** Everything that is sent goes through here, one request after the other. */
export class Line {
  readonly nowMs: () => number;
  readonly #parts: LineParts;
  #isCleaning = false;
  #sent = 0;
  #silences = 0;
  #notBeforeMs = 0;
  #hubAheadMs = 0;

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.nowMs = parts.nowMs;
  }

  /** How many requests were sent. */
  get sent(): number {
    return this.#sent;
  }

  /** The time by Docker Hub's own clock, as far as its answers told it. */
  hubNowMs(): number {
    return this.nowMs() + this.#hubAheadMs;
  }

  /** From here on neither the stop signal nor a 429 ends anything: waits are kept, and requests go on. */
  beginCleanup(): void {
    this.#isCleaning = true;
  }

  /**
   * Sends one request after its pause.
   *
   * @throws Stopped on the first 429 and after several requests without an answer; CleanupGivenUp in their place while cleaning.
   */
  async ask<T>(send: () => Promise<HubReply<T>>): Promise<HubReply<T>> {
    await this.sleep(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS + this.#sent * PAUSE_STEP_MS));
    await this.sleep(Math.min(MAX_WAIT_MS, this.#notBeforeMs - this.nowMs()));
    this.#sent++;
    const reply = await send();
    this.#learn(reply.meta);
    if (!reply.ok && reply.problem.tag === 'throttled') this.#throttled(reply.problem.retryAtMs);
    const isSilence = reply.meta.httpStatus === undefined;
    this.#silences = isSilence ? this.#silences + 1 : 0;
    if (this.#silences >= MAX_SILENCES) this.#end({ kind: 'no_answers' });
    return reply;
  }

  /** @throws Stopped, or CleanupGivenUp while cleaning, once the signal for it has come. */
  async sleep(ms: number): Promise<void> {
    const signal = this.#isCleaning ? this.#parts.quit : this.#parts.stop;
    if (ms > 0 && !signal.aborted) await this.#parts.sleep(ms, signal);
    if (signal.aborted) this.#end({ kind: 'interrupted' });
  }

  #throttled(retryAtMs: number): void {
    this.#notBeforeMs = Math.max(this.#notBeforeMs, retryAtMs);
    if (!this.#isCleaning) throw new Stopped({ kind: 'throttled' });
  }

  #learn({ hubDateMs, rateRemaining, rateResetAtMs }: HubMeta): void {
    if (hubDateMs !== undefined) this.#hubAheadMs = hubDateMs - this.nowMs();
    if (rateRemaining === undefined || rateResetAtMs === undefined || rateRemaining > RESERVED_REQUESTS) return;
    this.#notBeforeMs = Math.max(this.#notBeforeMs, rateResetAtMs - this.#hubAheadMs + 1_000);
  }

  #end(reason: { readonly kind: 'interrupted' | 'no_answers' }): never {
    throw this.#isCleaning ? new CleanupGivenUp() : new Stopped(reason);
  }
}
