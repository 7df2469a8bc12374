import { readFacts } from '../hub/facts.ts';
import { failureOf } from '../hub/hub-problem.ts';
import { readLabel } from '../hub/label.ts';
import type { Listing } from '../hub/listing.ts';
import { type Delay, delayOf } from '../hub/retry.ts';
import type { Evidence, Lease } from '../model/lease.ts';
import type { Target } from '../model/target.ts';
import type { HubToken } from '../ports/docker-hub.ts';
import type { Limits } from '../ports/environment.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { HubFacts } from '../ports/sessions.ts';
import { isListedAlive, suspectsOf } from './suspects.ts';

/** The quiet period is this many times the largest list lag seen, because the next lag may be larger. */
const LAG_FACTOR = 3;
/** How far Docker Hub's clock must be past a token's expiry before that counts as its end. */
export const EXPIRY_MARGIN_MS = 300_000;
/** A list that lags by more than this gives no proof. This lag is also assumed if none was measured yet. */
export const MAX_LIST_LAG_MS = 900_000;
/** The next attempt for a lease that waits until the lag is known. */
const LAG_RETRY_MS = 60_000;

/** Maximum blockers that a lease names. An admin can dismiss this many at once. The next attempt then names others. */
const MAX_BLOCKERS = 100;

/** Whether it is proven that a lease has no token, or why not. */
export type Absence =
  | { readonly tag: 'proven'; readonly evidence: Evidence }
  | ({ readonly tag: 'unproven'; readonly blockedBy?: readonly string[] } & Delay);

/**
 * How long after `mintWindowMs + hubTimeoutMs` a created token may be missing from the list. If no lag was measured, or a token
 * was missing for longer than any measured lag, the maximum lag is assumed. The age of a missing token does not show when it will
 * be listed.
 */
export function quietMs(limits: Limits, target: Pick<Target, 'verification'>, facts: HubFacts): number {
  const { listLagMs = -1, listLagsBeyondMs = 0 } = facts;
  const measuredMs = Math.max(listLagMs, target.verification?.listDelayMs ?? -1);
  const isKnown = measuredMs >= listLagsBeyondMs;
  return Math.max(isKnown ? limits.quietMs : MAX_LIST_LAG_MS, LAG_FACTOR * Math.max(measuredMs, listLagsBeyondMs));
}

/** Until this time, a create of this lease may still take effect on Docker Hub, or its token may be missing from the list. */
export function quietUntilMs(
  lease: Lease,
  limits: Limits,
  target: Pick<Target, 'verification'>,
  facts: HubFacts,
): number {
  return lease.mintByMs + limits.hubTimeoutMs + quietMs(limits, target, facts);
}

/**
 * Why no listing of this target can prove that a token is absent: the list's lag is not known yet, or is too large.
 *
 * @throws Failed `store_unavailable`.
 */
export async function lagDoubt(
  ports: Pick<RevokePorts, 'sessions' | 'clock'>,
  target: Target,
): Promise<Delay | undefined> {
  if (!isLagInDoubt(await readFacts(ports, target.name))) return undefined;
  return { code: 'list_lag_unknown', waiting: true, retryAtMs: ports.clock.nowMs() + LAG_RETRY_MS };
}

function isLagInDoubt({ pendingVerification, refusal }: HubFacts): boolean {
  return pendingVerification !== undefined || refusal?.code === 'list_lags';
}

/**
 * From this time on, a list without a lease's token proves that the token is gone. Before that, the token may not be listed yet.
 *
 * @throws Failed `store_unavailable`.
 */
export async function listedByMs(
  ports: Pick<RevokePorts, 'sessions' | 'limits'>,
  target: Target,
  lease: Lease,
): Promise<number> {
  const facts = await readFacts(ports, target.name);
  const quietMs = quietUntilMs(lease, ports.limits, target, facts);
  if (!isLagInDoubt(facts)) return quietMs;
  return Math.max(quietMs, lease.mintByMs + ports.limits.hubTimeoutMs + MAX_LIST_LAG_MS);
}

/** Tokens with the lease's label, dead ones included. */
export function tokensOf(ports: Pick<RevokePorts, 'labels'>, listing: Listing, lease: Lease): HubToken[] {
  return listing.tokens.filter((token) => readLabel(ports.labels, token.label, lease.hubAccount) === lease.id);
}

/** The lease's tokens that may be alive according to the listing. Tokens that were proven gone before do not count. */
export function aliveTokensOf(ports: Pick<RevokePorts, 'labels'>, listing: Listing, lease: Lease): HubToken[] {
  const { hubDateMs } = listing;
  const overMs = hubDateMs === undefined ? undefined : hubDateMs - EXPIRY_MARGIN_MS;
  return tokensOf(ports, listing, lease).filter(
    (token) => isListedAlive(token, overMs) && lease.removedTokenIds?.includes(token.tokenId) !== true,
  );
}

/** Why a listing may lack tokens that exist. */
export function gapIn(ports: RevokePorts, target: Target, { problem, complete }: Listing): Delay | undefined {
  if (problem?.tag === 'not_found' || problem?.tag === 'forbidden') return { code: 'account_unreachable' };
  if (problem !== undefined) {
    const nowMs = ports.clock.nowMs();
    return delayOf(failureOf(problem, target.name, nowMs), nowMs);
  }
  return complete ? undefined : { code: 'listing_incomplete' };
}

/**
 * Whether two listings count as complete: every token of the first that is older than the quiet period is also in the second, or
 * was deleted according to our own record. The check fails if tokens moved to another page between two requests. A token without
 * a creation time counts as old.
 *
 * @throws any error of the stores.
 */
export async function agree(ports: RevokePorts, hubAccount: string, first: Listing, second: Listing): Promise<boolean> {
  const seen = new Set(second.tokens.map((token) => token.tokenId));
  const settledBeforeMs = first.startedAtMs - ports.limits.quietMs;
  const missing = first.tokens.filter(
    (token) => (token.createdAtMs ?? 0) < settledBeforeMs && !seen.has(token.tokenId),
  );
  for (const token of missing) {
    const leaseId = readLabel(ports.labels, token.label, hubAccount);
    const owner = leaseId === undefined ? undefined : await ports.leases.get(leaseId);
    if (owner === undefined || (owner.status !== 'revoking' && owner.status !== 'revoked')) return false;
    const isNamed = owner.tokenId === token.tokenId || owner.removedTokenIds?.includes(token.tokenId) === true;
    if (!isNamed) return false;
  }
  return true;
}

/** Listed tokens that may belong to a lease, at most a hundred; undefined if there are none. */
export function blockersOf(
  { labels }: Pick<RevokePorts, 'labels'>,
  target: Target,
  lease: Lease,
  listings: readonly Listing[],
  quietUntilMs: number,
): readonly string[] | undefined {
  const suspects = listings.flatMap((listing) => suspectsOf(labels.installation, target, lease, listing, quietUntilMs));
  const tokenIds = new Set(suspects.map(({ tokenId }) => tokenId));
  return tokenIds.size === 0 ? undefined : [...tokenIds].slice(0, MAX_BLOCKERS);
}

/** Two complete listings that agree, made after the quiet period. */
export interface ListingPair {
  readonly first: Listing;
  readonly second: Listing;
  readonly quietUntilMs: number;
}

/** What two listings prove about one lease, if no listing shows a live token of it. */
export function judgeAbsence(ports: RevokePorts, target: Target, lease: Lease, pair: ListingPair): Absence {
  const { first, second, quietUntilMs: quietMs } = pair;
  const isListed = [first, second].some((listing) => aliveTokensOf(ports, listing, lease).length > 0);
  if (isListed) return { tag: 'unproven', code: 'label_still_listed' };
  // A token that is only in the first listing may be missing from the second by mistake. The next attempt checks it.
  const blockedBy = blockersOf(ports, target, lease, [first, second], quietMs);
  if (blockedBy !== undefined) return { tag: 'unproven', code: 'unclear_token', blockedBy };
  return {
    tag: 'proven',
    evidence: {
      kind: 'absent',
      atMs: ports.clock.nowMs(),
      quietUntilMs: quietMs,
      firstListingAtMs: first.startedAtMs,
      secondListingAtMs: second.startedAtMs,
      tokensListed: second.tokens.length,
      removedTokenIds: lease.removedTokenIds ?? [],
    },
  };
}
