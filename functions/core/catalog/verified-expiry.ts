import type { Lease } from '../model/lease.ts';
import type { Target, Verification } from '../model/target.ts';

/** Later than asked by more than this is no rounding any more: the token would not end when its lease does. */
const MAX_SLACK_SECONDS = 86_400;
/** Docker Hub rounds to whole units, so a slack measured at one moment stands for all that its unit can make. */
const SLACK_STEPS_SECONDS = [0, 60, 3_600, MAX_SLACK_SECONDS];

export type ExpiryFacts = Pick<Verification, 'expirySlackSeconds' | 'expiryUnproven'>;

/**
 * What the expiries that Docker Hub reported for a verification's token say of the next ones.
 *
 * @param reported by the create, a read and the list; null for none.
 * @returns undefined where they are too late, or missing, and the target's owner does not allow that.
 */
export function expiryFactsOf(
  target: Pick<Target, 'allowUnprovenExpiry'>,
  lease: Pick<Lease, 'hubExpiresAtMs'>,
  reported: readonly (number | null)[],
): ExpiryFacts | undefined {
  // A verification always asks for one. Against none, every reported expiry is too late.
  const askedMs = lease.hubExpiresAtMs ?? 0;
  const slackSeconds = Math.max(
    ...reported.map((atMs) => (atMs === null ? Number.POSITIVE_INFINITY : Math.ceil((atMs - askedMs) / 1_000))),
  );
  const step = SLACK_STEPS_SECONDS.find((seconds) => slackSeconds <= seconds);
  if (step !== undefined) return { expirySlackSeconds: step };
  return target.allowUnprovenExpiry === true ? { expiryUnproven: true } : undefined;
}
