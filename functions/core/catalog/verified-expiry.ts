import type { Lease } from '../model/lease.ts';
import type { Target, Verification } from '../model/target.ts';

/** If an expiry is later than requested by more than this, it is not rounding. The token would live too long after its lease. */
const MAX_SLACK_SECONDS = 86_400;
/** Docker Hub rounds to whole units. So a measured difference is raised to the largest difference of its unit. */
const SLACK_STEPS_SECONDS = [0, 60, 3_600, MAX_SLACK_SECONDS];

export type ExpiryFacts = Pick<Verification, 'expirySlackSeconds' | 'expiryUnproven'>;

/**
 * Derives the expected expiries of later tokens from those that Docker Hub reported for a verification's token.
 *
 * @param reported by the create, a read and the list; null for none.
 * @returns undefined if they are too late or missing, and the target's owner does not allow that.
 */
export function expiryFactsOf(
  target: Pick<Target, 'allowUnprovenExpiry'>,
  lease: Pick<Lease, 'hubExpiresAtMs'>,
  reported: readonly (number | null)[],
): ExpiryFacts | undefined {
  // A verification always requests an expiry. Compared with none, every reported expiry would be too late.
  const askedMs = lease.hubExpiresAtMs ?? 0;
  const slackSeconds = Math.max(
    ...reported.map((atMs) => (atMs === null ? Number.POSITIVE_INFINITY : Math.ceil((atMs - askedMs) / 1_000))),
  );
  const step = SLACK_STEPS_SECONDS.find((seconds) => slackSeconds <= seconds);
  if (step !== undefined) return { expirySlackSeconds: step };
  return target.allowUnprovenExpiry === true ? { expiryUnproven: true } : undefined;
}
