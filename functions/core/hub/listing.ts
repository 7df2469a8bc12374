import type { Target } from '../model/target.ts';
import type { HubProblem, HubToken, HubWindow, TokenPlace } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { noteFacts, readFacts } from './facts.ts';
import type { HubClass } from './rate.ts';
import { withSession } from './session.ts';

/** Docker Hub's other lists state 100 as their maximum; this one's is not documented. The next is tried where one is refused. */
const PAGE_SIZES = [100, 50, 10] as const;
/** About 10,000 tokens: far beyond any account seen, and a bound on what a faulty answer can make us read. */
const MAX_PAGES = 150;
/** The part of each page that comes again on the next: all but one token of it may go away in between, and the two are joined. */
const OVERLAP_SHARE = 0.1;

/** All of an account's tokens, as far as they could be read. */
export interface Listing {
  readonly startedAtMs: number;
  readonly tokens: readonly HubToken[];
  /**
   * Every page came, each began within the one before, and no fewer tokens than Docker Hub counted. Whatever order Docker Hub
   * keeps, and whatever came and went, a token that was there all the time is then among them.
   */
  readonly complete: boolean;
  /** Docker Hub's clock with the last page. */
  readonly hubDateMs?: number;
  /** Why it ended early. */
  readonly problem?: HubProblem;
  /** `mayGoOn` ended it. */
  readonly interrupted?: true;
}

/**
 * Reads an account's tokens from the first to the last. Pages shift while others create and delete, so that a token could slip
 * from a page not yet read into one that was. Therefore each page is asked for at such a size and number that it begins
 * within the one before: as long as the two share a token, nothing that stands between has slipped by.
 *
 * @param hubClass what the list is read for.
 * @param mayGoOn asked before each page; where it says no the listing ends, incomplete.
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
  // Others come and go meanwhile, so that only the least of its counts can be held against Docker Hub.
  let counted = Number.POSITIVE_INFINITY;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    if (!(await mayGoOn())) return { ...listing(false), interrupted: true };
    const asked = window;
    const reply = await withSession(ports, target, (session) => ports.hub.listTokens(session, place, asked), hubClass);
    hubDateMs = reply.meta.hubDateMs ?? hubDateMs;
    // Tokens went away meanwhile, and with them the last page.
    if (!reply.ok && reply.problem.tag === 'not_found' && former !== undefined) return listing(false);
    if (!reply.ok) return { ...listing(false), problem: reply.problem };
    const page = reply.value;
    joined &&= former === undefined || shareToken(former, page.tokens);
    for (const token of page.tokens) tokens.set(token.tokenId, token);
    counted = Math.min(counted, page.total);
    if (!page.more) return listing(joined && tokens.size >= counted);
    // Fewer than asked for, and yet more to come: Docker Hub gives no larger pages than this.
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
 * The page that reaches furthest of those that begin before the first `read` tokens end. Where pages are so small that none
 * reaches beyond them, the one that follows, which cannot be told to be joined to what was read.
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
