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

/** The quiet period spans this many times the largest list lag seen: the next one may be larger. */
const LAG_FACTOR = 3;
/** How far Docker Hub's clock must be past a token's expiry before that counts as its end. */
export const EXPIRY_MARGIN_MS = 300_000;
/** A list that lags further than this serves no proof. Also what is assumed where no lag was measured yet. */
export const MAX_LIST_LAG_MS = 900_000;
/** How soon a lease comes back that waits for the lag to be known. */
const LAG_RETRY_MS = 60_000;

/** Blockers that a lease names, which is as many as an admin can dismiss at once. The next attempt names the next. */
const MAX_BLOCKERS = 100;

/** Whether a lease's token is proven never to have been, or why not. */
export type Absence =
  | { readonly tag: 'proven'; readonly evidence: Evidence }
  | ({ readonly tag: 'unproven'; readonly blockedBy?: readonly string[] } & Delay);

/**
 * How long past `mintWindowMs + hubTimeoutMs` a create may be unlisted. A lag that was never measured, or is larger than any that
 * was, is taken for as large as a lag may be: that a token is missing at some age does not say when it will be listed.
 */
export function quietMs(limits: Limits, target: Pick<Target, 'verification'>, facts: HubFacts): number {
  const { listLagMs = -1, listLagsBeyondMs = 0 } = facts;
  const measuredMs = Math.max(listLagMs, target.verification?.listDelayMs ?? -1);
  const isKnown = measuredMs >= listLagsBeyondMs;
  return Math.max(isKnown ? limits.quietMs : MAX_LIST_LAG_MS, LAG_FACTOR * Math.max(measuredMs, listLagsBeyondMs));
}

/** Until when a create of this lease may still land on Docker Hub, or be missing from its list. */
export function quietUntilMs(
  lease: Lease,
  limits: Limits,
  target: Pick<Target, 'verification'>,
  facts: HubFacts,
): number {
  return lease.mintByMs + limits.hubTimeoutMs + quietMs(limits, target, facts);
}

/**
 * Why no listing of this target can prove that a token is absent: how far its list lags is not known yet, or is too far.
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
 * From when on a list that lacks a lease's token says that the token is gone. Before that it may not be listed yet.
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

/** Tokens that bear the lease's label, dead ones included. */
export function tokensOf(ports: Pick<RevokePorts, 'labels'>, listing: Listing, lease: Lease): HubToken[] {
  return listing.tokens.filter((token) => readLabel(ports.labels, token.label, lease.hubAccount) === lease.id);
}

/** The lease's tokens of which the listing does not say that they are over; those proven gone before do not count. */
export function aliveTokensOf(ports: Pick<RevokePorts, 'labels'>, listing: Listing, lease: Lease): HubToken[] {
  const { hubDateMs } = listing;
  const overMs = hubDateMs === undefined ? undefined : hubDateMs - EXPIRY_MARGIN_MS;
  return tokensOf(ports, listing, lease).filter(
    (token) => isListedAlive(token, overMs) && lease.removedTokenIds?.includes(token.tokenId) !== true,
  );
}

/** Why a listing may lack tokens that are there. */
export function gapIn(ports: RevokePorts, target: Target, { problem, complete }: Listing): Delay | undefined {
  if (problem?.tag === 'not_found' || problem?.tag === 'forbidden') return { code: 'account_unreachable' };
  if (problem !== undefined) {
    const nowMs = ports.clock.nowMs();
    return delayOf(failureOf(problem, target.name, nowMs), nowMs);
  }
  return complete ? undefined : { code: 'listing_incomplete' };
}

/**
 * Whether two listings can be believed to be whole: every token of the first that is older than the quiet period is in the second
 * too, or is one that our own record says was deleted. A page that slipped away between two requests fails this. A token that
 * does not say when it was made counts as old.
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

/** Tokens that listings show and that may be a lease's, at most a hundred; undefined where there are none. */
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

/** What a pair says of one lease, for which none of its own tokens is listed alive any more. */
export function judgeAbsence(ports: RevokePorts, target: Target, lease: Lease, pair: ListingPair): Absence {
  const { first, second, quietUntilMs: quietMs } = pair;
  const isListed = [first, second].some((listing) => aliveTokensOf(ports, listing, lease).length > 0);
  if (isListed) return { tag: 'unproven', code: 'label_still_listed' };
  // One that only the first shows may be missing from the second for no good reason; its end is for the next attempt to see.
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
