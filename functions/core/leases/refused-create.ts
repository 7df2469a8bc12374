import { capOf, noteFacts, readFacts } from '../hub/facts.ts';
import { failureOf } from '../hub/hub-problem.ts';
import { listAll } from '../hub/listing.ts';
import type { Failed } from '../model/failure.ts';
import type { Target } from '../model/target.ts';
import type { HubMeta, HubProblem, TokenPlace } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { type Asker, quotaReached } from './quota.ts';

/** How many tokens an organization may have by its plan: Team and Business. Source: Docker manuals, "Organization access tokens". */
const PLAN_CAPS = [10, 100];
/** Statuses by which Docker Hub itself says no before it does anything. */
const CLEAN_STATUSES = [401, 403, 404, 429];
/** No further page is asked for after this: the caller waits. With a login and a create it stays within what one API call may take. */
const LISTING_MS = 4_000;
/** When a caller may ask again where tokens that are not of hublease hold all places. */
const FOREIGN_CAP_RETRY_SECONDS = 60;

/** Whether Docker Hub refused a create in its own words and form, so that it most likely made no token. */
export function isRefusedCleanly(problem: HubProblem, { httpStatus = 0, isJson }: HubMeta): boolean {
  if (isJson !== true) return false;
  // A 400 that names none of our fields may come from deeper inside, after the token was made.
  const namesField = httpStatus === 400 && problem.tag === 'invalid' && problem.fields.length > 0;
  return namesField || CLEAN_STATUSES.includes(httpStatus);
}

/**
 * What a caller is told of a refused create: `quota_reached` where the account has all the tokens that it may have. That counts as
 * the cause when Docker Hub's words name a limit, or when a list made at once shows exactly 10 or 100 tokens.
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
  // All that is known then is how many are ours.
  return isNamed ? stored(ports.leases.countOpen({ target: target.name })) : undefined;
}

/** Docker Hub does not document how it refuses an organization's next token. */
function mayBeCap(problem: HubProblem): boolean {
  return problem.tag === 'forbidden' || (problem.tag === 'invalid' && problem.fields.length === 0);
}

/** How many tokens there are; undefined where that cannot be read, or there are none, which is nobody's cap. */
async function countTokens(ports: RevokePorts, target: Target, place: TokenPlace): Promise<number | undefined> {
  const untilMs = ports.clock.nowMs() + LISTING_MS;
  try {
    const { tokens, complete } = await listAll(ports, target, place, 'mint', async () => ports.clock.nowMs() < untilMs);
    return complete && tokens.length > 0 ? tokens.length : undefined;
  } catch {
    return undefined;
  }
}
