import { callerLabelMax, LABEL_MAX_CHARACTERS, MARK_CHARACTERS } from '../../../functions/core/hub/label.ts';
import type { MadeToken } from '../ledger.ts';
import { findListed } from '../listing.ts';
import type { Place } from '../place.ts';
import { tidy } from '../removal.ts';
import type { Run } from '../run.ts';
import { settle } from '../settle.ts';
import { count, refusal } from '../words.ts';

/** Every kind of character that hublease's mark has, in both cases. */
const FILLING = 'Aa0:zZ9.-_';
/** The documented length, so that only a Docker Hub that differs costs more creates than one. */
const MAX_CREATES = 8;

/** What became of a label: how many of its characters came back in each place, and whether in the same case. */
interface Kept {
  readonly characters: number;
  readonly isCaseKept: boolean;
}

/** Finds the longest label that 201, GET and list give back unchanged. */
export async function askLabels(run: Run, place: Place): Promise<void> {
  let fits = run.ledger.mark.length;
  let tooLong = LABEL_MAX_CHARACTERS + 1;
  let isCaseKept = true;
  const beyond = new Set<string>();
  for (let creates = 0, length = LABEL_MAX_CHARACTERS; creates < MAX_CREATES && fits < tooLong - 1; creates++) {
    const tried = await tryLength(run, place, length);
    if ('problem' in tried) {
      beyond.add(tried.problem);
      // Any other refusal says nothing of the length.
      if (!tried.isInvalid) break;
      tooLong = length;
    } else {
      isCaseKept &&= tried.isCaseKept;
      fits = Math.max(fits, tried.characters);
      if (tried.characters < length) {
        tooLong = Math.max(fits, tried.characters) + 1;
        beyond.add('cut without a word');
      }
    }
    length = Math.floor((fits + tooLong) / 2);
  }
  const longer = beyond.size === 0 ? '' : ` Longer ones: ${[...beyond].join('; ')}.`;
  run.answers.add(
    place.name,
    'label',
    `${fits} characters${isCaseKept ? '' : ', in lower case'}.${longer}`,
    changeOf(fits, isCaseKept),
    { maxCharacters: fits, caseKept: isCaseKept },
  );
}

async function tryLength(
  run: Run,
  place: Place,
  length: number,
): Promise<Kept | { readonly problem: string; readonly isInvalid: boolean }> {
  const label = `${run.ledger.mark} ${FILLING.repeat(LABEL_MAX_CHARACTERS)}`.slice(0, length);
  const { made, reply } = await run.api.create(place, 'label', { label });
  if (!reply.ok) return { problem: refusal(reply), isInvalid: reply.problem.tag === 'invalid' };
  const shown = [reply.value.label ?? '', ...(await readBack(run, place, made))];
  await tidy(run, place, [made]);
  const kept = shown.map((each) => keptOf(label, each));
  return {
    characters: Math.min(...kept.map(({ characters }) => characters)),
    isCaseKept: kept.every((each) => each.isCaseKept),
  };
}

/** The label in GET and in the list, where they show the token. */
async function readBack(run: Run, place: Place, made: MadeToken): Promise<readonly string[]> {
  const { tokenId } = made;
  if (tokenId === undefined || !(await settle(run, place, [made]))) return [];
  const read = await run.api.get(place, tokenId);
  const listed = await findListed(run, place, tokenId);
  return [...(read.ok ? [read.value.label] : []), ...(listed === undefined ? [] : [listed.label])];
}

function keptOf(sent: string, shown: string): Kept {
  let characters = 0;
  while (characters < sent.length && sent[characters]?.toLowerCase() === shown[characters]?.toLowerCase()) characters++;
  return { characters, isCaseKept: sent.slice(0, characters) === shown.slice(0, characters) };
}

function changeOf(characters: number, isCaseKept: boolean): string {
  if (!isCaseKept || characters < MARK_CHARACTERS) {
    return `hublease refuses such a target (label_refused): its mark has ${MARK_CHARACTERS} characters in both cases.`;
  }
  if (characters >= LABEL_MAX_CHARACTERS) return 'Nothing: labels are kept as documented.';
  // A verification tries the documented length and the mark alone, nothing between.
  const wasted = callerLabelMax(characters);
  const though = wasted === 0 ? '' : `, though ${count(wasted, 'character')} would fit`;
  return `A verification keeps labelMaxCharacters ${MARK_CHARACTERS}: callers' labels are left out${though}.`;
}
