import { Failed } from './failure.ts';
import { failureOf } from './hub-problem.ts';
import { readLabel } from './label.ts';
import type { Evidence, Lease } from './lease.ts';
import { type Listing, listAll } from './listing.ts';
import type { HubProblem, HubToken, Limits, RevokePorts, TokenPlace } from './ports.ts';
import { withSession } from './session.ts';
import { hubAccountOf, type Target } from './target.ts';

/** How far Docker Hub's clock must be past a token's expiry before that counts as its end. */
export const EXPIRY_MARGIN_MS = 300_000;

/** What an attempt to prove a lease's end came to. Without evidence, `code` says why. */
export interface Finding {
  readonly evidence?: Evidence;
  readonly code: string;
  /** Not before this, by our clock. */
  readonly retryAtMs?: number;
  /** Nothing failed: the quiet period has yet to end, or Docker Hub to take more requests. */
  readonly waiting?: boolean;
  /** All tokens of the lease found by label and deleted so far. */
  readonly removedTokenIds: readonly string[];
}

/** Until when a create of this lease may still land on Docker Hub. */
export function quietUntilMs(lease: Lease, limits: Limits): number {
  return lease.mintByMs + limits.hubTimeoutMs + limits.quietMs;
}

/** Where on Docker Hub a lease's token stands. */
export function placeOf(lease: Pick<Lease, 'kind' | 'hubAccount'>): TokenPlace {
  return lease.kind === 'oat' ? { kind: 'oat', organization: lease.hubAccount } : { kind: 'pat' };
}

/** Deletes what the lease left on Docker Hub and returns the proof that nothing of it lives, or why there is none yet. */
export async function findEvidence(ports: RevokePorts, lease: Lease): Promise<Finding> {
  const removed = lease.removedTokenIds ?? [];
  try {
    const target = await ports.catalog.getTarget(lease.target);
    if (target === undefined) return { code: 'target_not_found', removedTokenIds: removed };
    // Another account answers 404 to our ids and shows none of our labels, which would prove nothing.
    if (hubAccountOf(target) !== lease.hubAccount) return { code: 'wrong_account', removedTokenIds: removed };
    if (lease.tokenId !== undefined) return await deleteById(ports, target, lease, lease.tokenId);
    return await deleteByLabel(ports, target, lease);
  } catch (error) {
    if (!(error instanceof Failed)) return { code: 'store_unavailable', removedTokenIds: removed };
    return { ...delayOf(error, ports.clock.nowMs()), removedTokenIds: removed };
  }
}

/** The proof of last resort: Docker Hub's own clock has passed the expiry that it was given with the create. */
export async function expiredEvidence(ports: RevokePorts, lease: Lease): Promise<Evidence | undefined> {
  if (lease.hubExpiresAtMs === null) return undefined;
  const deadlineMs = lease.hubExpiresAtMs + EXPIRY_MARGIN_MS;
  if (ports.clock.nowMs() <= deadlineMs) return undefined;
  const { hubDateMs } = (await ports.hub.readDate()).meta;
  if (hubDateMs === undefined || hubDateMs <= deadlineMs) return undefined;
  return { kind: 'expired', atMs: ports.clock.nowMs(), hubDateMs, hubExpiresAtMs: lease.hubExpiresAtMs };
}

async function deleteById(ports: RevokePorts, target: Target, lease: Lease, tokenId: string): Promise<Finding> {
  const removedTokenIds = lease.removedTokenIds ?? [];
  const status = await deleteToken(ports, target, placeOf(lease), tokenId);
  if (typeof status !== 'number') return { ...problemDelay(ports, target, status), removedTokenIds };
  return {
    code: 'deleted',
    evidence: { kind: 'deleted', atMs: ports.clock.nowMs(), httpStatus: status },
    removedTokenIds,
  };
}

/** For a create whose answer never came: nobody knows the token's id, so its label has to tell. */
async function deleteByLabel(ports: RevokePorts, target: Target, lease: Lease): Promise<Finding> {
  const place = placeOf(lease);
  const quietMs = quietUntilMs(lease, ports.limits);
  const removed = new Set(lease.removedTokenIds);

  let first = await listAll(ports, target, place);
  const matches = tokensOf(ports, first, lease);
  for (const token of matches) {
    const status = await deleteToken(ports, target, place, token.tokenId);
    if (typeof status !== 'number') return { ...problemDelay(ports, target, status), removedTokenIds: [...removed] };
    removed.add(token.tokenId);
  }
  const removedTokenIds = [...removed];
  if (first.startedAtMs < quietMs) {
    // What a listing that is not whole may have hidden must not live until the quiet period ends.
    const gap = gapIn(ports, target, first);
    if (gap !== undefined) return { ...gap, removedTokenIds };
    return { code: 'quiet_period', waiting: true, retryAtMs: quietMs, removedTokenIds };
  }
  if (matches.length > 0) first = await listAll(ports, target, place);
  const firstDoubt = doubt(ports, target, lease, first);
  if (firstDoubt !== undefined) return { ...firstDoubt, removedTokenIds };
  const second = await listAll(ports, target, place);
  const secondDoubt = doubt(ports, target, lease, second);
  if (secondDoubt !== undefined) return { ...secondDoubt, removedTokenIds };
  if (!(await accountedFor(ports, lease, first, second))) return { code: 'listings_differ', removedTokenIds };
  return {
    code: 'absent',
    removedTokenIds,
    evidence: {
      kind: 'absent',
      atMs: ports.clock.nowMs(),
      quietUntilMs: quietMs,
      firstListingAtMs: first.startedAtMs,
      secondListingAtMs: second.startedAtMs,
      tokensListed: second.tokens.length,
      removedTokenIds,
    },
  };
}

/** Why a listing is no proof that the lease has no token. */
function doubt(ports: RevokePorts, target: Target, lease: Lease, listing: Listing) {
  const gap = gapIn(ports, target, listing);
  if (gap !== undefined) return gap;
  if (tokensOf(ports, listing, lease).length > 0) return { code: 'label_still_listed' };
  return undefined;
}

/** Why a listing may lack tokens that are there. */
function gapIn(ports: RevokePorts, target: Target, listing: Listing) {
  if (listing.problem !== undefined) return problemDelay(ports, target, listing.problem);
  return listing.complete ? undefined : { code: 'listing_incomplete' };
}

/**
 * Whether the second listing can be believed to be whole: every token of the first that is older than the quiet period is in
 * it too, or is one that our own record says was deleted. A page that slipped away between two requests fails this.
 */
async function accountedFor(ports: RevokePorts, lease: Lease, first: Listing, second: Listing): Promise<boolean> {
  const seen = new Set(second.tokens.map((token) => token.tokenId));
  const settledBeforeMs = first.startedAtMs - ports.limits.quietMs;
  const missing = first.tokens.filter((token) => token.createdAtMs < settledBeforeMs && !seen.has(token.tokenId));
  for (const token of missing) {
    const leaseId = readLabel(ports.labels, token.label, lease.hubAccount);
    const owner = leaseId === undefined ? undefined : await ports.leases.get(leaseId);
    const ours = owner?.tokenId === token.tokenId || owner?.removedTokenIds?.includes(token.tokenId);
    if (!ours || (owner?.status !== 'revoking' && owner?.status !== 'revoked')) return false;
  }
  return true;
}

function tokensOf(ports: RevokePorts, listing: Listing, lease: Lease): HubToken[] {
  return listing.tokens.filter((token) => readLabel(ports.labels, token.label, lease.hubAccount) === lease.id);
}

/** Deletes one token; a status (any 2xx, or 404 for one that was gone) means that it is no more. */
export async function deleteToken(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  tokenId: string,
): Promise<number | HubProblem> {
  const reply = await withSession(ports, target, (session) => ports.hub.deleteToken(session, place, tokenId));
  if (reply.ok) return reply.value.httpStatus;
  return reply.problem.tag === 'not_found' ? 404 : reply.problem;
}

function problemDelay(ports: RevokePorts, target: Target, problem: HubProblem) {
  return delayOf(failureOf(problem, target.name, ports.clock.nowMs()), ports.clock.nowMs());
}

function delayOf(error: Failed, nowMs: number): { code: string; retryAtMs?: number; waiting?: boolean } {
  const { failure } = error;
  const code = 'code' in failure ? `${failure.tag}:${failure.code}` : failure.tag;
  if (!('retryAfterSeconds' in failure)) return { code };
  const retryAtMs = nowMs + failure.retryAfterSeconds * 1_000;
  return failure.tag === 'hub_throttled' ? { code, retryAtMs, waiting: true } : { code, retryAtMs };
}
