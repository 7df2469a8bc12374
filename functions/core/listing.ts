import type { HubProblem, HubToken, RevokePorts, TokenPlace } from './ports.ts';
import { withSession } from './session.ts';
import type { Target } from './target.ts';

/** 10,000 tokens at 100 a page: far beyond any account seen, and a bound on what a faulty answer can make us read. */
const MOST_PAGES = 100;

/** All pages of an account's tokens, as far as they could be read. */
export interface Listing {
  readonly startedAtMs: number;
  readonly tokens: readonly HubToken[];
  /** Every page came, and on each Docker Hub's own count was the number of different tokens seen. */
  readonly complete: boolean;
  /** Why it ended early. */
  readonly problem?: HubProblem;
}

/**
 * Reads every page. Pages shift while others create and delete, so that a token can be missed or seen twice; such a listing
 * is mostly told by its count and is then not complete.
 *
 * @throws as `openSession`.
 */
export async function listAll(ports: RevokePorts, target: Target, place: TokenPlace): Promise<Listing> {
  const startedAtMs = ports.clock.nowMs();
  const tokens = new Map<string, HubToken>();
  const totals = new Set<number>();
  for (let page = 1; page <= MOST_PAGES; page++) {
    const reply = await withSession(ports, target, (session) => ports.hub.listTokens(session, place, page));
    if (!reply.ok) return { startedAtMs, tokens: [...tokens.values()], complete: false, problem: reply.problem };
    for (const token of reply.value.tokens) tokens.set(token.tokenId, token);
    totals.add(reply.value.total);
    if (!reply.value.more) {
      const complete = totals.size === 1 && totals.has(tokens.size);
      return { startedAtMs, tokens: [...tokens.values()], complete };
    }
  }
  return { startedAtMs, tokens: [...tokens.values()], complete: false };
}
