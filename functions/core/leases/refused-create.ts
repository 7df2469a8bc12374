import { capOf, noteFacts, readFacts } from '../hub/facts.ts';
import { failureOf } from '../hub/hub-problem.ts';
import { listAll } from '../hub/listing.ts';
import type { Failed } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { HubMeta, HubProblem, TokenPlace } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { type Asker, quotaReached } from './quota.ts';

/** Maximum tokens of an organization by plan: Team and Business. Source: Docker manuals, "Organization access tokens". */
const PLAN_CAPS = [10, 100];
/** Statuses with which Docker Hub itself refuses before it does anything. */
const CLEAN_STATUSES = [401, 403, 404, 429];
/**
 * No further page is read after this time, because the caller waits. Together with a login and a create, it stays within the time
 * of one API call.
 */
const LISTING_MS = 4_000;
/** When a caller may retry if tokens that are not from hublease use up the limit. */
const FOREIGN_CAP_RETRY_SECONDS = 60;

/** Whether Docker Hub itself refused a create (not a proxy), so that most likely no token was made. */
export function isRefusedCleanly(problem: HubProblem, { httpStatus = 0, isJson }: HubMeta): boolean {
  if (isJson !== true) return false;
  // A 400 that names none of our fields may come from a later step, after the token was made.
  const namesField = httpStatus === 400 && problem.tag === 'invalid' && problem.fields.length > 0;
  return namesField || CLEAN_STATUSES.includes(httpStatus);
}

/**
 * The failure for the caller of a refused create: `quota_reached` if the account has reached its token limit. The limit counts as
 * the cause if Docker Hub's text names one. It also does if a list that is read at once has exactly 10 or 100 tokens.
 *
 * @throws Failed `store_unavailable`.
 */
export async function refusalOf(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  { problem }: { readonly problem: HubProblem },
  asker: Asker,
): Promise<Failed> {
  const cap = await capReached(ports, target, place, problem);
  if (cap === undefined) return failureOf(problem, target.name, ports.clock.nowMs());
  const counter = `target:${target.name}`;
  return stored(quotaReached(ports, [{ counter, most: cap }], counter, asker, FOREIGN_CAP_RETRY_SECONDS));
}

async function capReached(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  problem: HubProblem,
): Promise<number | undefined> {
  const isNamed = problem.tag === 'cap_reached';
  if (!isNamed && !mayBeCap(problem)) return undefined;
  const known = isNamed ? capOf(await readFacts(ports, target.name), ports.clock.nowMs()) : undefined;
  if (known !== undefined) return known;
  const tokens = target.kind === 'org' ? await countTokens(ports, target, place) : undefined;
  if (tokens !== undefined && (isNamed || PLAN_CAPS.includes(tokens))) {
    await noteFacts(ports, target.name, () => ({ cap: { tokens, atMs: ports.clock.nowMs() } }));
    return tokens;
  }
  // Then only the number of our tokens is known.
  return isNamed ? stored(ports.leases.countOpen({ target: target.name })) : undefined;
}

/** Docker Hub does not document how it refuses a token above the limit. */
function mayBeCap(problem: HubProblem): boolean {
  return problem.tag === 'forbidden' || (problem.tag === 'invalid' && problem.fields.length === 0);
}

/** The number of tokens; undefined if it cannot be read, or if there are none, because 0 is never a limit. */
async function countTokens(ports: RevokePorts, target: Target, place: TokenPlace): Promise<number | undefined> {
  const untilMs = ports.clock.nowMs() + LISTING_MS;
  try {
    const { tokens, complete } = await listAll(ports, target, place, 'mint', async () => ports.clock.nowMs() < untilMs);
    return complete && tokens.length > 0 ? tokens.length : undefined;
  } catch {
    return undefined;
  }
}
