import { type Doing, plannedShare } from './soak-faults.ts';
import { type HeldLease, OAT_SHARE } from './soak-orders.ts';
import type { Life } from './verdict.ts';

/** How often one thing was answered to one kind of request. */
export interface Answers {
  readonly doing: Doing;
  readonly answer: string;
  readonly count: number;
  readonly expected: boolean;
}

/** A lease as its record says at the end. */
export interface Recorded {
  readonly id: string;
  readonly status: string;
  readonly tokenId?: string;
  readonly evidence?: unknown;
}

/** How long after its lease's end a token may be there: the promise of the README. */
export const PROMISED_MS = 120_000;
/** Docker Hub throttles the organization after these shares of a run: once in each third, alike. */
export const THROTTLED_AT = [0.1, 0.1 + 1 / 3, 0.1 + 2 / 3];
/** Mints go after revocations until the minute is over in which the last throttled one comes again: a bit more than a minute. */
const THROTTLED_SECONDS = 75;
/** Throttled revocations are those of a second, and of what is still under way then. */
const THROTTLED_REVOCATIONS_SECONDS = 5;

/**
 * Whether each token ended when its lease did.
 *
 * @returns how long past its lease each token lived whose end no client asked for; and what was too late or too early.
 */
export function timesOf(
  lives: readonly Life[],
  held: ReadonlyMap<string, HeldLease>,
): { readonly lateMs: readonly number[]; readonly faults: readonly string[] } {
  const lateMs: number[] = [];
  const faults: string[] = [];
  for (const { id, leaseId, toMs, fromMs } of lives) {
    const lease = held.get(leaseId);
    // Nobody was answered that token. Its lease is over at once.
    const endMs = lease?.expiresAtMs ?? fromMs;
    if (lease?.endAsked !== true) lateMs.push(Math.max(0, toMs - endMs));
    if (toMs > endMs + PROMISED_MS) {
      faults.push(`token ${id} was alive more than ${PROMISED_MS / 1_000} s after its lease`);
    }
    if (lease !== undefined && !lease.endAsked && toMs < endMs) {
      faults.push(`token ${id} was taken before its lease's end`);
    }
  }
  return { lateMs, faults };
}

/** Leases that were answered and are not on record as ended, and ends without proof. */
export function recordFaults(records: readonly Recorded[], held: ReadonlyMap<string, HeldLease>): string[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  return [
    ...[...held.keys()].flatMap((id) => {
      const status = byId.get(id)?.status;
      return status === 'revoked' ? [] : [`lease ${id} ${status === undefined ? 'is not on record' : `is ${status}`}`];
    }),
    ...records
      .filter(({ status, evidence }) => (status === 'revoked') !== (evidence !== undefined))
      .map(({ id, status }) => `lease ${id} is ${status} ${status === 'revoked' ? 'without' : 'with'} evidence`),
  ];
}

/** Answers that faults explain, but not so many of them: something fails that nobody made fail. */
export function excessOf(answers: readonly Answers[], rate: number): string[] {
  const count = (doing: Doing, matches: (answer: string) => boolean) =>
    answers
      .filter((each) => each.doing === doing && matches(each.answer))
      .reduce((total, each) => total + each.count, 0);
  const isThrottled = (answer: string) => answer === 'hub_throttled';
  const oatsPerSecond = rate * OAT_SHARE;
  const judged = [
    {
      what: 'mints throttled',
      seen: count('mint', isThrottled),
      planned: THROTTLED_AT.length * THROTTLED_SECONDS * oatsPerSecond,
    },
    {
      what: 'mints failed',
      seen: count('mint', (answer) => answer !== 'minted' && !isThrottled(answer)),
      planned: count('mint', () => true) * plannedShare('pat-create', 'mint'),
    },
    {
      what: 'revocations pending',
      seen: count('revoke', (answer) => answer !== 'revoked'),
      planned:
        count('revoke', () => true) * plannedShare('pat-delete', 'revoke') +
        THROTTLED_AT.length * THROTTLED_REVOCATIONS_SECONDS * oatsPerSecond,
    },
  ];
  // Five standard deviations, and a few for runs so short that these are nothing.
  return judged
    .filter(({ seen, planned }) => seen > planned + 5 * Math.sqrt(planned) + 5)
    .map(({ what, seen, planned }) => `${seen} ${what}, of which the faults explain some ${Math.round(planned)}`);
}
