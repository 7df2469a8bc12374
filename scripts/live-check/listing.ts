import type { HubProblem, HubToken } from '../../functions/core/ports/docker-hub.ts';
import type { Place } from './place.ts';
import type { Run } from './run.ts';

/** The next is tried where Docker Hub refuses one with a 400. As hublease itself does. */
const PAGE_SIZES = [100, 50, 10];
/** Far beyond any account seen, and a bound on what a faulty answer can make us read. */
const MAX_PAGES = 150;
/** Tokens that come and go between two pages can hide one, so a list that lacks some is read again. */
const MAX_PASSES = 2;

/** All tokens of a place, as far as they could be read. */
export interface Listing {
  readonly startedAtMs: number;
  readonly tokens: readonly HubToken[];
  /** The most that Docker Hub counted. */
  readonly total: number;
  /** Every page came, with no fewer tokens than Docker Hub counted, but for those that it hid before the run. */
  readonly isComplete: boolean;
  readonly problem?: HubProblem;
}

/** Reads all tokens of a place. */
export async function listAll(run: Pick<Run, 'api' | 'line'>, place: Place): Promise<Listing> {
  let listing = await onePass(run, place);
  for (const pageSize of PAGE_SIZES.filter((size) => size < place.pageSize)) {
    if (listing.problem?.tag !== 'invalid' || listing.tokens.length > 0) break;
    place.pageSize = pageSize;
    listing = await onePass(run, place);
  }
  for (let pass = 1; pass < MAX_PASSES && !listing.isComplete && listing.problem === undefined; pass++) {
    listing = await onePass(run, place);
  }
  return listing;
}

async function onePass({ api, line }: Pick<Run, 'api' | 'line'>, place: Place): Promise<Listing> {
  const startedAtMs = line.nowMs();
  const tokens = new Map<string, HubToken>();
  let total = 0;
  const listing = (isComplete: boolean) => ({ startedAtMs, tokens: [...tokens.values()], total, isComplete });
  for (let page = 1; page <= MAX_PAGES; page++) {
    const reply = await api.list(place, { page, pageSize: place.pageSize });
    if (!reply.ok) return { ...listing(false), problem: reply.problem };
    for (const token of reply.value.tokens) tokens.set(token.tokenId, token);
    total = Math.max(total, reply.value.total);
    if (!reply.value.more || reply.value.tokens.length === 0) return listing(tokens.size >= total - place.hidden);
  }
  return listing(false);
}

/** One token as the list shows it now. */
export async function findListed(run: Run, place: Place, tokenId: string): Promise<HubToken | undefined> {
  const { tokens } = await listAll(run, place);
  return tokens.find((token) => token.tokenId === tokenId);
}
