import { judgeListed } from '../catalog/listed-verification.ts';
import { THROWAWAY_LIFE_MS } from '../catalog/throwaway.ts';
import { MAX_LIST_LAG_MS } from '../ending/absence.ts';
import { revokeLease } from '../ending/revoke.ts';
import { isListedAlive } from '../ending/suspects.ts';
import { noteFacts, readFacts, refuseMints } from '../hub/facts.ts';
import { readLabel } from '../hub/label.ts';
import type { Listing } from '../hub/listing.ts';
import { withSession } from '../hub/session.ts';
import { isOpen, type Lease } from '../model/lease.ts';
import { hubAccountOf, type Target } from '../model/target.ts';
import type { TokenPlace } from '../ports/docker-hub.ts';
import type { SweepPorts } from '../ports/needs.ts';
import type { HubFacts } from '../ports/sessions.ts';

type PendingVerification = NonNullable<HubFacts['pendingVerification']>;

/** Maximum young leases that one sweep looks for in the list. Each missing one costs a request. */
const MAX_LAG_CHECKS = 5;

/** Records since when an account's list cannot be used, and reports it in every sweep. A lack of requests does not count. */
export async function noteListing(ports: SweepPorts, target: Target, listing: Listing): Promise<void> {
  const { problem, complete, interrupted } = listing;
  if (interrupted === true || problem?.tag === 'throttled' || problem?.tag === 'session_refused') return;
  const code = complete ? undefined : codeOf(problem);
  const nowMs = ports.clock.nowMs();
  await noteFacts(ports, target.name, ({ listing: known }) => {
    if (known?.code === code) return undefined;
    return { listing: code === undefined ? undefined : { code, sinceMs: known?.sinceMs ?? nowMs } };
  });
  if (code === undefined) return;
  const event = code === 'account_unreachable' ? 'account.unreachable' : 'listing.unusable';
  await ports.audit.record({ event, atMs: nowMs, target: target.name, code });
}

function codeOf(problem: Listing['problem']): string {
  if (problem === undefined) return 'listing_incomplete';
  if (problem.tag === 'not_found' || problem.tag === 'forbidden') return 'account_unreachable';
  return problem.tag === 'fault' ? problem.code : problem.tag;
}

/**
 * Learns from a complete listing: which tokens use up the account's limit, how far the list lags, and the result of a
 * verification whose token was not listed yet.
 *
 * @throws as `openSession`, and any error of the lease store.
 */
export async function learnFromListing(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  listing: Listing,
  open: readonly Lease[],
): Promise<void> {
  await learnLag(ports, target, place, listing, open);
  await finishVerification(ports, target, place, listing);
  if (target.kind === 'org') await notePlaces(ports, target, listing);
}

async function notePlaces(ports: SweepPorts, target: Target, { tokens, hubDateMs }: Listing): Promise<void> {
  const hubAccount = hubAccountOf(target);
  const atMs = ports.clock.nowMs();
  const places = {
    tokens: tokens.length,
    foreign: tokens.filter(({ label }) => readLabel(ports.labels, label, hubAccount) === undefined).length,
    expired: tokens.filter((token) => !isListedAlive(token, hubDateMs)).length,
  };
  await noteFacts(ports, target.name, ({ places: known, cap }) => {
    // There are more tokens than the learned limit, so the limit was wrong or has changed.
    const isOver = cap !== undefined && places.tokens > cap.tokens;
    const isSame =
      known !== undefined && (['tokens', 'foreign', 'expired'] as const).every((key) => known[key] === places[key]);
    if (isSame && !isOver) return undefined;
    return { places: { atMs, ...places }, ...(isOver && { cap: undefined }) };
  });
}

/** A token that can be read by its id but is missing from a complete list shows the minimum lag of the list. */
async function learnLag(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  listing: Listing,
  open: readonly Lease[],
): Promise<void> {
  const listed = new Set(listing.tokens.map(({ tokenId }) => tokenId));
  const youngSinceMs = listing.startedAtMs - MAX_LIST_LAG_MS;
  const missing = open
    .filter((lease) => lease.status === 'active')
    .filter(({ tokenId, issuedAtMs }) => !listed.has(tokenId) && issuedAtMs > youngSinceMs)
    .filter(({ mintByMs }) => mintByMs < listing.startedAtMs)
    .slice(0, MAX_LAG_CHECKS);
  for (const { tokenId, issuedAtMs } of missing) {
    const reply = await withSession(ports, target, (session) => ports.hub.getToken(session, place, tokenId), 'look');
    if (!reply.ok || !reply.value.isActive) continue;
    const ageMs = listing.startedAtMs - issuedAtMs;
    await noteFacts(ports, target.name, ({ listLagsBeyondMs = 0 }) =>
      ageMs > listLagsBeyondMs ? { listLagsBeyondMs: ageMs } : undefined,
    );
  }
}

/** Measures the lag with the token of a verification, as long as that token lives. */
async function finishVerification(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  listing: Listing,
): Promise<void> {
  const { pendingVerification: pending } = await readFacts(ports, target.name);
  if (pending === undefined) return;
  const lagMs = Math.max(0, listing.startedAtMs - pending.createdAtMs);
  const listed = listing.tokens.find(({ tokenId }) => tokenId === pending.tokenId);
  const isListed = listed !== undefined;
  if (!isListed && lagMs <= MAX_LIST_LAG_MS) return;
  // A dead token is never listed, which shows nothing about the list.
  const lags = !isListed && lagMs <= THROWAWAY_LIFE_MS && (await isStillThere(ports, target, place, pending));
  if (lags === undefined) return;
  if (lags) {
    await refuseMints(ports, target, 'list_lags');
    // If a refusal could not be recorded, the next sweep records it.
    if ((await readFacts(ports, target.name)).refusal?.code !== 'list_lags') return;
  }
  const isStillPending = (facts: HubFacts) => facts.pendingVerification?.tokenId === pending.tokenId;
  if (listed !== undefined) {
    await noteFacts(ports, target.name, (facts) => {
      if (!isStillPending(facts)) return undefined;
      const isOver = facts.refusal?.code === 'list_lags';
      return { listLagMs: Math.max(facts.listLagMs ?? 0, lagMs), ...(isOver && { refusal: undefined }) };
    });
    await judgeListed(ports, target, pending.leaseId, listed);
  }
  // Last, so that until then the list gives no proof.
  await noteFacts(ports, target.name, (facts) =>
    isStillPending(facts) ? { pendingVerification: undefined } : undefined,
  );
  await revokeLease(ports, pending.leaseId, { trigger: 'asked', reason: 'verified', isListed });
}

/** Whether the token of a verification lives. A person may have deleted it. Undefined if Docker Hub does not say. */
async function isStillThere(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  { leaseId, tokenId }: PendingVerification,
): Promise<boolean | undefined> {
  const lease = await ports.leases.get(leaseId);
  if (lease === undefined || !isOpen(lease)) return false;
  const reply = await withSession(ports, target, (session) => ports.hub.getToken(session, place, tokenId), 'look');
  if (reply.ok) return reply.value.isActive;
  return reply.problem.tag === 'not_found' ? false : undefined;
}
