import { retryAfterSeconds } from '../hub/hub-problem.ts';
import { isAllowed } from '../model/allow.ts';
import type { Caller } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import { type Pace, perMinute } from '../model/pace.ts';
import type { DynamicSecret } from '../model/secret.ts';
import type { CallerRates, RateLimits, RateRefusal } from '../ports/caller-rates.ts';
import type { Clock } from '../ports/environment.ts';
import type { LabelKeys } from '../ports/sealing.ts';

/** Maximum number of refusals and blocks that one process remembers. A forgotten one costs one more write. */
const MAX_REMEMBERED = 10_000;
/** A process reserves a secret's mints for this long, as a block. */
const BLOCK_MS = 1_000;
/** Unused mints of a block are dropped after this time. */
const BLOCK_LIFE_MS = 10_000;
const MINUTE_MS = 60_000;

/** The ports for counting requests. Without `rates`, no request is refused. */
export interface RatePorts {
  readonly rates?: RateLimits;
  readonly labels: Pick<LabelKeys, 'sha256'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Whose rate a request exceeds. */
export type RateOf = 'caller' | 'account' | 'secret';

/** The rates of callers, their accounts and secrets in one process. It remembers refusals, and reserves mints in blocks. */
export class Rates implements RateLimits {
  readonly #store: CallerRates;
  readonly #callerPace: Pace;
  readonly #refusedUntilMs = new Map<string, number>();
  readonly #blocks = new Map<string, { left: number; readonly untilMs: number }>();

  /** @param callerPace of one caller's requests, and of the mints of an account's callers. */
  constructor(store: CallerRates, callerPace: Pace) {
    this.#store = store;
    this.#callerPace = callerPace;
  }

  /** Counts one request. @returns undefined if it may go on, also if the store fails. */
  async takeRequest(key: string, nowMs: number): Promise<RateRefusal | undefined> {
    return this.#take(key, this.#callerPace, nowMs, 1);
  }

  /** Counts one mint against the rate, or uses one of a reserved block. */
  async takeMint(key: string, maxPerMinute: number, nowMs: number): Promise<RateRefusal | undefined> {
    const block = this.#blocks.get(key);
    if (block !== undefined && block.left > 0 && nowMs < block.untilMs && nowMs >= block.untilMs - BLOCK_LIFE_MS) {
      block.left -= 1;
      return undefined;
    }
    const pace = perMinute(maxPerMinute, maxPerMinute);
    const size = Math.max(1, Math.floor((maxPerMinute * BLOCK_MS) / MINUTE_MS));
    const refusal = await this.#take(key, pace, nowMs, size);
    if (refusal === undefined) {
      remember(this.#blocks, key, { left: size - 1, untilMs: nowMs + BLOCK_LIFE_MS });
      return undefined;
    }
    if (size === 1 || !refusal.isFirst) return refusal;
    // There may be room for one mint, but not for a block.
    this.#refusedUntilMs.delete(key);
    return this.#take(key, pace, nowMs, 1);
  }

  async #take(key: string, pace: Pace, nowMs: number, count: number): Promise<RateRefusal | undefined> {
    const knownMs = this.#refusedUntilMs.get(key) ?? 0;
    // A time later than any refusal can be means that the clock was set back.
    if (knownMs > nowMs && knownMs <= nowMs + pace.everyMs * (pace.burst + 1)) {
      return { retryAtMs: knownMs, isFirst: false };
    }
    this.#refusedUntilMs.delete(key);
    try {
      const retryAtMs = await this.#store.take(key, pace, nowMs, count);
      if (retryAtMs === undefined) return undefined;
      remember(this.#refusedUntilMs, key, retryAtMs);
      return { retryAtMs, isFirst: true };
    } catch {
      // A failure to count must not stop requests. The gateway's own limit still applies.
      return undefined;
    }
  }
}

/** Counts one request of a caller. @throws Failed `rate_limited`. */
export async function admitCaller(ports: RatePorts, caller: Caller): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const refusal = await ports.rates?.takeRequest(keyOf(ports, 'caller', caller.arn), nowMs);
  if (refusal !== undefined) throw limited('caller', caller.arn, refusal, nowMs);
}

/**
 * Counts one mint against its secret, if that has a limit. Also counts it against the caller's account if the secret lists only
 * the account and not the caller, because an account can create any number of callers.
 *
 * @throws Failed `rate_limited`.
 */
export async function admitMint(ports: RatePorts, caller: Caller, secret: DynamicSecret): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const { rates } = ports;
  if (rates === undefined) return;
  if (isAdmittedByAccount(secret, caller)) {
    const refusal = await rates.takeRequest(keyOf(ports, 'account', caller.accountId), nowMs);
    if (refusal !== undefined) throw limited('account', caller.accountId, refusal, nowMs);
  }
  const { maxMintsPerMinute, name } = secret;
  if (maxMintsPerMinute === undefined) return;
  const refusal = await rates.takeMint(keyOf(ports, 'secret', name), maxMintsPerMinute, nowMs);
  if (refusal !== undefined) throw limited('secret', name, refusal, nowMs);
}

function isAdmittedByAccount({ allow }: DynamicSecret, caller: Caller): boolean {
  const roles = allow.filter((entry) => typeof entry !== 'string' || !entry.endsWith(':root'));
  return roles.length < allow.length && !isAllowed(roles, caller);
}

function keyOf({ labels }: RatePorts, of: RateOf, name: string): string {
  return labels.sha256(`hublease-rate-1\n${of}\n${name}`);
}

function limited(of: RateOf, name: string, { retryAtMs, isFirst }: RateRefusal, nowMs: number) {
  return fail({ tag: 'rate_limited', of, name, isFirst, retryAfterSeconds: retryAfterSeconds(retryAtMs, nowMs) });
}

function remember<V>(known: Map<string, V>, key: string, value: V): void {
  known.delete(key);
  known.set(key, value);
  if (known.size <= MAX_REMEMBERED) return;
  const oldest = known.keys().next();
  if (!oldest.done) known.delete(oldest.value);
}
