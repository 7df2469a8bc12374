import { setTimeout as wait } from 'node:timers/promises';
import { NoAnswerError, ProblemError } from '../../client/client.ts';
import { type Edition, type LeaseView, lease, until } from '../local/harness.ts';

/** How many lease at once. */
export const CLIENTS = 6;
/** After a call that failed: what is down should not be kept from coming up. */
const PAUSE_MS = 100;

export interface LoadOptions {
  /** Come again only when the refusal said to; else much sooner. */
  readonly isPatient?: boolean;
}

/** A call that did not succeed. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
}

/** What the clients know. */
export interface Load {
  readonly answered: LeaseView[];
  /** Leases that a client has asked to revoke, whether or not it heard of the outcome. */
  readonly revokeAsked: Set<string>;
  readonly refusals: Refusal[];
  /** Calls that nothing answered. */
  unanswered: number;
  /** The longest that a call took, answered or not. */
  longestCallMs: number;
  /** Waits for the calls under way. */
  stop(): Promise<void>;
}

/**
 * Several clients that lease for two to four seconds, and revoke some of it themselves.
 *
 * @param random decides what they do.
 */
export function putUnderLoad(edition: Pick<Edition, 'ci'>, random: () => number, options: LoadOptions = {}): Load {
  let stopping = false;
  const load: Load = { answered: [], revokeAsked: new Set(), refusals: [], unanswered: 0, longestCallMs: 0, stop };
  async function timed<T>(call: Promise<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      return await call;
    } finally {
      load.longestCallMs = Math.max(load.longestCallMs, performance.now() - startedMs);
    }
  }
  async function work(): Promise<void> {
    while (!stopping) {
      try {
        const minted = await timed(lease(edition.ci, `${2 + Math.floor(random() * 3)}s`));
        load.answered.push(minted.lease);
        if (random() < 0.3) {
          load.revokeAsked.add(minted.lease.id);
          await timed(edition.ci.call('revokeLease', { name: minted.lease.id }));
        }
      } catch (error) {
        const { retryAfterSeconds = 0 } = note(load, error) ?? {};
        await wait(options.isPatient === true ? retryAfterSeconds * 1_000 : PAUSE_MS);
      }
      await wait(5 + random() * 20);
    }
  }
  const working = Array.from({ length: CLIENTS }, work);
  async function stop(): Promise<void> {
    stopping = true;
    await Promise.all(working);
  }
  return load;
}

function note(load: Load, error: unknown): Refusal | undefined {
  if (error instanceof NoAnswerError) {
    load.unanswered += 1;
    return undefined;
  }
  if (!(error instanceof ProblemError)) throw error;
  const { status, code } = error.problem;
  const refusal = { status, code, retryAfterSeconds: error.retryAfterSeconds };
  load.refusals.push(refusal);
  return refusal;
}

/** A busy machine may take most leases longer to make than they last. */
const PATIENCE_MS = 90_000;

/** Waits for what a load is to bring about. @throws Error naming it when that takes too long. */
export function loadUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  return until(what, holds, PATIENCE_MS);
}

/** How many refusals of each code there were. */
export function countsOf(refusals: readonly Refusal[]): Record<string, number> {
  const groups = Map.groupBy(refusals, ({ code }) => code);
  return Object.fromEntries([...groups].map(([code, group]) => [code, group.length]));
}
