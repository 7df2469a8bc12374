import { EXPIRY_MARGIN_MS, MAX_LIST_LAG_MS } from '../../functions/core/ending/absence.ts';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { MadeToken } from './ledger.ts';
import { type Listing, listAll } from './listing.ts';
import type { Place } from './place.ts';
import { noteDelete } from './removal.ts';
import type { Run } from './run.ts';
import { CleanupGivenUp, Stopped } from './stop.ts';
import { count } from './words.ts';

/** How long deletes are waited for beyond what is known to be slow. */
const CLEANUP_MS = 300_000;
/** Pauses between two rounds; the last one goes on. */
const ROUND_PAUSES_MS = [0, 2_000, 5_000, 10_000, 20_000, 40_000, 60_000];
/** A DELETE that keeps failing is not sent more often. */
const MAX_DELETES = 5;
/** As long a list may lag at least, and by how much more than it was seen to. As hublease itself has it. */
const QUIET_MS = 60_000;
const LAG_FACTOR = 3;
/** A token made by somebody else shortly before the run may bear a later time than its start. */
const CLOCK_MARGIN_MS = 60_000;

/** What the cleanup could not prove to be gone. */
export interface Cleanup {
  readonly left: readonly MadeToken[];
  /** Tokens that appeared during the run and may be of it; nothing proves it, so they were not touched. */
  readonly unclear: readonly HubToken[];
  readonly made: number;
  /** The last list of each place was complete, and lacked every token of the run. */
  readonly isProven: boolean;
  /** The deletes came from a session that was opened for them. */
  readonly isFreshLogin: boolean;
  /** It failed by a fault of its own. */
  readonly failure?: string;
}

interface Outcome {
  isProven: boolean;
  isFreshLogin: boolean;
  failure?: string;
  readonly unclear: HubToken[];
}

/**
 * Deletes every token of the run, by a fresh login, until complete lists without them prove it. Finds them by id, and by label and
 * User-Agent where a create had no answer. Never rejects.
 */
export async function cleanUp(run: Run, places: readonly Place[], startedAtMs: number): Promise<Cleanup> {
  const used = places.filter(({ at }) => run.ledger.sent(at).length > 0);
  const outcome: Outcome = { isProven: used.length === 0, isFreshLogin: false, unclear: [] };
  if (used.length > 0) {
    run.line.beginCleanup();
    run.sessions.beginCleanup();
    try {
      outcome.isFreshLogin = await run.sessions.renew();
      outcome.isProven = await deleteAll(run, used, (place, listing) => {
        outcome.unclear.push(...unclearTokens(run, place, listing, startedAtMs));
      });
      if (outcome.isProven) for (const place of used) answerRefusedCreates(run, place);
    } catch (error) {
      // Whatever it was, the tokens that are left must be named.
      const isKnown = error instanceof CleanupGivenUp || error instanceof Stopped;
      if (!isKnown) outcome.failure = error instanceof Error ? error.message : 'unknown';
    }
  }
  const sent = run.ledger.sent();
  const isLeft = ({ tokenId, goneBy, outcome: kind }: MadeToken) =>
    goneBy === undefined && (tokenId !== undefined || (kind === 'unknown' && !outcome.isProven));
  const left = sent.filter(isLeft);
  const made = sent.filter(({ outcome: kind }) => kind === 'made').length;
  return { ...outcome, isProven: outcome.isProven && outcome.unclear.length === 0, left, made };
}

async function deleteAll(
  run: Run,
  places: readonly Place[],
  atEnd: (place: Place, listing: Listing) => void,
): Promise<boolean> {
  const deletes = new Map<MadeToken, number>();
  const startedAtMs = run.line.nowMs();
  let untilMs = CLEANUP_MS + Math.max(startedAtMs, ...places.map((place) => quietUntilMs(run, place)));
  let fewest = Number.POSITIVE_INFINITY;
  for (let round = 0; ; round++) {
    let isClean = true;
    let open = 0;
    const listings: [Place, Listing][] = [];
    for (const place of places) {
      const listing = await listAll(run, place);
      listings.push([place, listing]);
      noteListing(run, place, listing);
      const pending = run.ledger.sent(place.at).filter(isPending);
      for (const made of pending) await removeOne(run, place, made, deletes);
      open += pending.filter(isPending).length;
      isClean &&= pending.length === 0 && listing.isComplete && listing.startedAtMs >= quietUntilMs(run, place);
    }
    const nowMs = run.line.nowMs();
    // As long as tokens go, the rest may.
    if (open < fewest) untilMs = Math.max(untilMs, nowMs + CLEANUP_MS);
    fewest = Math.min(fewest, open);
    if (isClean || nowMs >= untilMs) {
      for (const [place, listing] of listings) if (listing.isComplete) atEnd(place, listing);
      return isClean;
    }
    const pauseMs = ROUND_PAUSES_MS[Math.min(round, ROUND_PAUSES_MS.length - 1)] as number;
    await run.line.sleep(Math.min(pauseMs, untilMs - nowMs));
  }
}

/** What a list proves, and what it shows of creates that had no answer. */
function noteListing(run: Run, place: Place, listing: Listing): void {
  const overMs = run.line.hubNowMs() - EXPIRY_MARGIN_MS;
  const listed = new Map(listing.tokens.map((token) => [token.tokenId, token]));
  for (const token of listing.tokens.filter((each) => run.ledger.owns(each))) {
    const made = run.ledger.noteListed(place.at, token);
    if (!token.isActive) made.goneBy = 'inactive';
    else if (token.expiresAtMs !== null && token.expiresAtMs < overMs) made.goneBy ??= 'expired';
    // Docker Hub said that it was gone, and still lists it as active.
    else delete made.goneBy;
  }
  if (!listing.isComplete) return;
  for (const made of run.ledger.sent(place.at)) {
    const isOld = made.lookedGoneAtMs !== undefined && listing.startedAtMs >= quietAfterMs(made, place);
    if (made.tokenId !== undefined && !listed.has(made.tokenId) && isOld) made.goneBy ??= 'absent';
  }
}

async function removeOne(run: Run, place: Place, made: MadeToken, deletes: Map<MadeToken, number>): Promise<void> {
  const tokenId = made.tokenId as string;
  const sent = deletes.get(made) ?? 0;
  if (made.deleteAccepted !== true && sent < MAX_DELETES) {
    deletes.set(made, sent + 1);
    const reply = await run.api.delete(place, tokenId);
    noteDelete(made, reply);
    if (made.goneBy !== undefined) return;
  }
  const read = await run.api.get(place, tokenId);
  if (read.ok && !read.value.isActive) made.goneBy = 'inactive';
  if (read.ok) made.reportedExpiresAtMs = read.value.expiresAtMs;
  if (!read.ok && read.problem.tag === 'not_found') made.lookedGoneAtMs ??= run.line.nowMs();
}

function isPending({ tokenId, goneBy }: MadeToken): boolean {
  return tokenId !== undefined && goneBy === undefined;
}

/** When a list of the place shows every create of the run. */
function quietUntilMs(run: Run, place: Place): number {
  const open = run.ledger.sent(place.at).filter(({ tokenId }) => tokenId === undefined);
  return Math.max(0, ...open.map((made) => quietAfterMs(made, place)));
}

function quietAfterMs(made: MadeToken, place: Place): number {
  // A clean refusal most likely made nothing, so an unknown lag is not waited for.
  const unknownMs = made.outcome === 'unknown' ? MAX_LIST_LAG_MS : QUIET_MS;
  const quietMs = place.listLagMs === undefined ? unknownMs : Math.max(QUIET_MS, LAG_FACTOR * place.listLagMs);
  return made.endedAtMs + quietMs;
}

/** What only the last list can tell: whether a create made a token though its answer did not say so. */
function answerRefusedCreates(run: Run, place: Place): void {
  const sent = run.ledger.sent(place.at);
  const counted = (kind: 'refused' | 'unknown') => ({
    creates: sent.filter(({ outcome, foundAfter }) => outcome === kind || foundAfter === kind).length,
    tokens: sent.filter(({ foundAfter }) => foundAfter === kind).length,
  });
  const [refused, unknown] = [counted('refused'), counted('unknown')];
  run.answers.add(
    place.name,
    'refused-creates',
    `${count(refused.creates, 'refused create')} made ${count(refused.tokens, 'token')}; ${count(unknown.creates, 'create')} without a clear answer made ${count(unknown.tokens, 'token')}.`,
    refused.tokens > 0
      ? 'A refusal proves nothing here: that is why hublease ends such a lease by two later lists alone.'
      : 'Nothing: hublease looks for the token of either in later lists.',
    { refused: refused.creates, refusedMade: refused.tokens, unclear: unknown.creates, unclearMade: unknown.tokens },
  );
}

/** Tokens that appeared during the run while some create had no answer, and that nothing proves to be of it. */
function unclearTokens(run: Run, place: Place, { tokens }: Listing, startedAtMs: number): HubToken[] {
  const hasOpen = run.ledger.sent(place.at).some(({ outcome }) => outcome === 'unknown');
  if (!hasOpen) return [];
  return tokens.filter(
    (token) =>
      !place.before.has(token.tokenId) &&
      !run.ledger.owns(token) &&
      token.isActive &&
      (token.createdAtMs === null || token.createdAtMs >= startedAtMs - CLOCK_MARGIN_MS),
  );
}
