import { listAll } from '../listing.ts';
import type { Place } from '../place.ts';
import type { Run } from '../run.ts';
import { count, problemName } from '../words.ts';

/**
 * Reads a place's list before anything is made there, so that the cleanup can tell what is new.
 *
 * @returns whether it can be read. Where it cannot, nothing may be made.
 */
export async function askListBefore(run: Run, place: Place): Promise<boolean> {
  const { tokens, total, isComplete, problem } = await listAll(run, place);
  if (problem !== undefined) {
    run.answers.add(
      place.name,
      'list-before',
      `It cannot be read: ${problemName(problem)}.`,
      'hublease refuses such a target: it could prove nothing.',
      { readable: false },
    );
    return false;
  }
  place.before = new Set(tokens.map(({ tokenId }) => tokenId));
  place.hidden = isComplete ? 0 : total - tokens.length;
  const former = tokens.filter((token) => run.ledger.isOfOtherRun(token)).length;
  const noTime = tokens.filter(({ createdAtMs }) => createdAtMs === null).length;
  const noLabel = tokens.filter(({ label }) => label === '').length;
  const notes = [
    ...(place.hidden > 0 ? [`${place.hidden} more are counted that no page shows`] : []),
    ...(noTime > 0 ? [`${noTime} without a creation time`] : []),
    ...(noLabel > 0 ? [`${noLabel} without a label`] : []),
    ...(former > 0 ? [`${former} of former live checks: delete them on the web page`] : []),
  ];
  run.answers.add(
    place.name,
    'list-before',
    `${count(tokens.length, 'token')}${notes.length === 0 ? '' : `; ${notes.join('; ')}`}.`,
    place.hidden > 0
      ? 'hublease treats such a list as incomplete: a lost create is never proven absent (listing_incomplete).'
      : 'Nothing: the list can be read.',
    { readable: true, tokens: tokens.length, hidden: place.hidden, withoutTime: noTime, withoutLabel: noLabel },
  );
  return true;
}
