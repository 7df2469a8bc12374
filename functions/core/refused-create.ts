import { capOf, noteFacts, readFacts } from './facts.ts';
import type { Failed } from './failure.ts';
import { failureOf } from './hub-problem.ts';
import { listAll } from './listing.ts';
import type { HubMeta, HubProblem, RevokePorts, TokenPlace } from './ports.ts';
import { quotaReached } from './quota.ts';
import type { Target } from './target.ts';

/** How many tokens an organization may have by its plan: Team and Business. Source: Docker manuals, "Organization access tokens". */
const PLAN_CAPS = [10, 100];
/** Statuses by which Docker Hub itself says no before it does anything. */
const CLEAN_STATUSES = [401, 403, 404, 429];

/** Whether Docker Hub refused a create in its own words and form, so that it most likely made no token. */
export function isRefusedCleanly(problem: HubProblem, { httpStatus = 0, isJson }: HubMeta): boolean {
  if (isJson !== true) return false;
  // A 400 that names none of our fields may come from deeper inside, after the token was made.
  return CLEAN_STATUSES.includes(httpStatus) || (problem.tag === 'invalid' && problem.fields.length > 0);
}

/**
 * What a caller is told of a refused create: `quota_reached` where the account has all the tokens that it may have. That counts as
 * the cause when Docker Hub's words name a limit, the cap is known, or a list of exactly 10 or 100 tokens shows it.
 */
export async function refusalOf(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  { problem, meta }: { readonly problem: HubProblem; readonly meta: HubMeta },
): Promise<Failed> {
  const cap = (await capReached(ports, target, place, problem, meta).catch(() => undefined)) ?? undefined;
  if (cap === undefined) return failureOf(problem, target.name, ports.clock.nowMs());
  const counter = `target:${target.name}`;
  return quotaReached(ports, [{ counter, most: cap }], counter);
}

async function capReached(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  problem: HubProblem,
  { httpStatus = 0 }: HubMeta,
): Promise<number | undefined> {
  const isNamed = problem.tag === 'cap_reached';
  const mayBeCap = problem.tag === 'forbidden' || (problem.tag === 'invalid' && problem.fields.length === 0);
  if (!isNamed && !(target.kind === 'org' && mayBeCap && httpStatus >= 400)) return undefined;
  const nowMs = ports.clock.nowMs();
  const known = capOf(await readFacts(ports, target.name), nowMs);
  if (known !== undefined) return known;
  const { tokens, complete } = await listAll(ports, target, place);
  if (!complete || !(isNamed || PLAN_CAPS.includes(tokens.length))) return isNamed ? tokens.length : undefined;
  await noteFacts(ports, target.name, () => ({ cap: { tokens: tokens.length, atMs: nowMs } }));
  return tokens.length;
}
