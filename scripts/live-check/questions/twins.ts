import type { HubToken } from '../../../functions/core/ports/docker-hub.ts';
import type { MadeToken } from '../ledger.ts';
import { listAll } from '../listing.ts';
import type { Place } from '../place.ts';
import type { Run } from '../run.ts';
import { settle } from '../settle.ts';
import { watch } from '../watch.ts';
import { refusal } from '../words.ts';

/** How long auth.docker.io is waited for before a token counts as not used. */
const USE_MS = 30_000;

/**
 * Makes two tokens under one label, and looks at the order of the list before and after one is used.
 *
 * @returns what it made, which further questions may use.
 */
export async function askTwins(run: Run, place: Place): Promise<readonly MadeToken[]> {
  const elder = await run.api.create(place, 'twin');
  const younger = await run.api.create(place, 'twin', { label: elder.made.label });
  const made = [elder.made, younger.made];
  if (elder.reply.ok) {
    run.answers.add(
      place.name,
      'label-taken',
      younger.reply.ok ? 'A second token is made under it.' : `It is refused: ${refusal(younger.reply)}.`,
      'Nothing: a label of hublease is never used twice.',
      { accepted: younger.reply.ok },
    );
  }
  if (!younger.reply.ok) made.push((await run.api.create(place, 'other')).made);
  await askOrder(run, place, made);
  return made;
}

async function askOrder(run: Run, place: Place, made: readonly MadeToken[]): Promise<void> {
  await settle(run, place, made);
  const before = await listAll(run, place);
  const order = orderOf(before.tokens);
  run.answers.add(place.name, 'order', `${order}.`, 'Nothing: hublease reads the whole list in any order.', {
    order,
    tokens: before.tokens.length,
  });
  const [elder] = made;
  const position = indexOf(before.tokens, elder);
  if (elder?.value === undefined || position < 0) return;
  if (!(await use(run, { username: place.username, token: elder.value }))) return;
  const after = await listAll(run, place);
  const moved = indexOf(after.tokens, elder) !== position;
  const isShown = (after.tokens.find(({ tokenId }) => tokenId === elder.tokenId)?.lastUsedAtMs ?? null) !== null;
  run.answers.add(
    place.name,
    'order-used',
    `The used token ${moved ? 'moves' : 'keeps its position'}; its last use is ${isShown ? 'shown' : 'not shown yet'}.`,
    moved
      ? 'Pages shift while tokens are used: that is why they overlap, and why a list is read twice.'
      : 'Nothing: a use does not move tokens between pages.',
    { moved, lastUsedShown: isShown },
  );
}

async function use(run: Run, holder: { readonly username: string; readonly token: string }): Promise<boolean> {
  const exchange = async () => (await run.registry.exchange(holder)).given !== undefined;
  const { used } = await watch(run.line, { used: exchange }, { maxMs: Math.min(USE_MS, run.patienceMs) });
  return used.atMs !== null;
}

function indexOf(tokens: readonly HubToken[], made: MadeToken | undefined): number {
  return tokens.findIndex(({ tokenId }) => tokenId === made?.tokenId);
}

function orderOf(tokens: readonly HubToken[]): string {
  const times = tokens.flatMap(({ createdAtMs }) => (createdAtMs === null ? [] : [createdAtMs]));
  if (times.length < 2) return 'Too few tokens to tell';
  const steps = times.slice(1).map((time, index) => time - (times[index] as number));
  if (steps.every((step) => step <= 0)) return 'Newest first';
  return steps.every((step) => step >= 0) ? 'Oldest first' : 'Neither newest nor oldest first';
}
