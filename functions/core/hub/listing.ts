import type { Target } from '../model/target.ts';
import type { HubProblem, HubToken, HubWindow, TokenPlace } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { noteFacts, readFacts } from './facts.ts';
import type { HubClass } from './rate.ts';
import { withSession } from './session.ts';

/** Page sizes to try, in this order. Docker Hub's other lists have a maximum of 100; the maximum of this list is not documented. */
const PAGE_SIZES = [100, 50, 10] as const;
/** About 10,000 tokens: far more than any account seen. It limits how much a wrong answer can make us read. */
const MAX_PAGES = 150;
/** The fraction of each page that the next page repeats. Pages can be joined if at least one of these tokens still exists. */
const OVERLAP_SHARE = 0.1;

/** An account's tokens, as far as they could be read. */
export interface Listing {
  readonly startedAtMs: number;
  readonly tokens: readonly HubToken[];
  /**
   * Every page was read, each page began within the one before, and there were at least as many tokens as Docker Hub counted.
   * Then every token that existed all the time is in the listing, in any order and with any changes in between.
   */
  readonly complete: boolean;
  /** Docker Hub's clock with the last page. */
  readonly hubDateMs?: number;
  /** Why the listing ended early. */
  readonly problem?: HubProblem;
  /** `mayGoOn` ended it. */
  readonly interrupted?: true;
}

/**
 * Reads all tokens of an account. Pages shift while others create and delete tokens, so a token could move from an unread page to
 * one that was already read. Therefore each page's size and number are chosen so that it begins within the page before. If the
 * two pages share a token, no token between them was missed.
 *
 * @param hubClass the purpose of the list.
 * @param mayGoOn called before each page; if it returns false, the listing ends and is incomplete.
 * @throws as `openSession`, and as `mayGoOn`.
 */
export async function listAll(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  hubClass: HubClass,
  mayGoOn: () => Promise<boolean> = async () => true,
): Promise<Listing> {
  const known = (await readFacts(ports, target.name)).pageSize ?? PAGE_SIZES[0];
  for (const pageSize of PAGE_SIZES) {
    if (pageSize > known) continue;
    const listing = await listPages(ports, target, place, { pageSize, hubClass, mayGoOn });
    const isTooLarge = listing.problem?.tag === 'invalid' && listing.tokens.length === 0;
    if (isTooLarge && pageSize !== PAGE_SIZES.at(-1)) continue;
    if (!isTooLarge && pageSize < known) await noteFacts(ports, target.name, () => ({ pageSize }));
    return listing;
  }
  throw new Error('no size of a page is left');
}

async function listPages(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  {
    pageSize: largestSize,
    hubClass,
    mayGoOn,
  }: { readonly pageSize: number; readonly hubClass: HubClass; readonly mayGoOn: () => Promise<boolean> },
): Promise<Listing> {
  const startedAtMs = ports.clock.nowMs();
  const tokens = new Map<string, HubToken>();
  let hubDateMs: number | undefined;
  const listing = (complete: boolean) => ({
    startedAtMs,
    tokens: [...tokens.values()],
    complete,
    ...(hubDateMs !== undefined && { hubDateMs }),
  });
  let window: HubWindow = { page: 1, pageSize: largestSize };
  let largest = largestSize;
  let former: readonly HubToken[] | undefined;
  let joined = true;
  // Tokens come and go meanwhile, so only the smallest of Docker Hub's counts is compared.
  let counted = Number.POSITIVE_INFINITY;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    if (!(await mayGoOn())) return { ...listing(false), interrupted: true };
    const asked = window;
    const reply = await withSession(ports, target, (session) => ports.hub.listTokens(session, place, asked), hubClass);
    hubDateMs = reply.meta.hubDateMs ?? hubDateMs;
    // Tokens were deleted meanwhile, so the last page no longer exists.
    if (!reply.ok && reply.problem.tag === 'not_found' && former !== undefined) return listing(false);
    if (!reply.ok) return { ...listing(false), problem: reply.problem };
    const page = reply.value;
    joined &&= former === undefined || shareToken(former, page.tokens);
    for (const token of page.tokens) tokens.set(token.tokenId, token);
    counted = Math.min(counted, page.total);
    if (!page.more) return listing(joined && tokens.size >= counted);
    // The page is smaller than requested, but more pages follow. So Docker Hub returns no larger pages than this.
    const given = Math.min(asked.pageSize, page.tokens.length);
    if (given < asked.pageSize) largest = given;
    if (given === 0) return listing(false);
    window = windowBehind(asked.page * given, largest);
    former = page.tokens;
  }
  return listing(false);
}

function shareToken(one: readonly HubToken[], other: readonly HubToken[]): boolean {
  const ids = new Set(one.map(({ tokenId }) => tokenId));
  return other.some(({ tokenId }) => ids.has(tokenId));
}

/**
 * Of the pages that begin within the first `read` tokens, the one that reaches furthest. If pages are too small to reach further,
 * the next page, which cannot be joined to the tokens already read.
 */
function windowBehind(read: number, largest: number): HubWindow {
  const latestStart = read - Math.max(1, Math.floor(largest * OVERLAP_SHARE));
  let window: HubWindow | undefined;
  let end = read;
  for (let pageSize = 1; pageSize <= largest; pageSize++) {
    const page = Math.floor(latestStart / pageSize) + 1;
    if (page * pageSize <= end) continue;
    end = page * pageSize;
    window = { page, pageSize };
  }
  return window ?? { page: Math.floor(read / largest) + 1, pageSize: largest };
}
