import { property } from '../../../functions/adapters/docker-hub/json.ts';
import type { MadeToken } from '../ledger.ts';
import { listAll } from '../listing.ts';
import type { Place } from '../place.ts';
import type { Run } from '../run.ts';
import { settle } from '../settle.ts';
import { count, refusal } from '../words.ts';

/** From beyond what other lists of Docker Hub take, to what this one is known to take. */
const SIZES = [1_000, 101, 100, 50, 10];
/** One more than the page that hublease asks for. */
const MANY = 101;
const FAR_PAGE = 5_000;

/**
 * Asks for larger and smaller pages than hublease does, and for one beyond the end.
 *
 * @param mayMakeMany the account may get 101 tokens for it; without them a cut of the page cannot be seen.
 * @returns what it made for it.
 */
export async function askPages(run: Run, place: Place, mayMakeMany: boolean): Promise<readonly MadeToken[]> {
  const made = mayMakeMany ? await makeMany(run, place) : [];
  const said: string[] = [];
  let accepted: number | undefined;
  let given = 0;
  let total = 0;
  for (const size of SIZES) {
    const reply = await run.api.list(place, { page: 1, pageSize: size });
    if (!reply.ok) {
      said.push(`${size}: ${refusal(reply)}`);
      continue;
    }
    accepted = size;
    given = reply.value.tokens.length;
    total = reply.value.total;
    said.push(`${size}: ${given} of ${count(total, 'token')}`);
    break;
  }
  const one = await run.api.list(place, { page: 1, pageSize: 1 });
  const isObeyed = one.ok && one.value.tokens.length === 1;
  said.push(`1: ${one.ok ? `${one.value.tokens.length} of ${count(one.value.total, 'token')}` : refusal(one)}`);
  const isCut = given < Math.min(accepted ?? 0, total - place.hidden);
  run.answers.add(
    place.name,
    'page-size',
    `page_size ${said.join('; ')}.${isCut || total > 100 ? '' : ' With so few tokens a cut cannot be seen.'}`,
    changeOf(accepted, given, isCut, isObeyed),
    { accepted: accepted ?? null, given, total, cut: isCut, obeyed: isObeyed },
  );
  await askBeyond(run, place);
  return made;
}

async function makeMany(run: Run, place: Place): Promise<readonly MadeToken[]> {
  const made: MadeToken[] = [];
  const { tokens } = await listAll(run, place);
  for (let missing = MANY - tokens.length; missing > 0; missing--) {
    const { made: token, reply } = await run.api.create(place, 'many');
    made.push(token);
    if (!reply.ok) break;
  }
  await settle(run, place, made);
  return made;
}

async function askBeyond(run: Run, place: Place): Promise<void> {
  const beyond = await run.api.rawList(place, 10, FAR_PAGE);
  const status = beyond.meta.httpStatus ?? null;
  const isEmpty = beyond.ok && Array.isArray(property(beyond.value.json, 'results'));
  run.answers.add(
    place.name,
    'page-beyond',
    `Status ${status ?? 'none'}${isEmpty ? ' with an empty page' : ''}.`,
    'Nothing: hublease asks for a page only where the one before names it.',
    { status },
  );
}

function changeOf(accepted: number | undefined, given: number, isCut: boolean, isObeyed: boolean): string {
  if (!isObeyed) return 'Nothing: hublease counts by what a page holds, not by what it asked for.';
  if (isCut) return `hublease goes on with pages of ${given}.`;
  if (accepted === undefined || accepted < 100)
    return `hublease falls back to pages of ${accepted ?? 10} and keeps pageSize.`;
  return 'Nothing: hublease asks for 100.';
}
