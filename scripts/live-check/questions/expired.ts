import { findListed } from '../listing.ts';
import type { Place } from '../place.ts';
import { tidy } from '../removal.ts';
import type { Run } from '../run.ts';
import { settle } from '../settle.ts';
import { watch } from '../watch.ts';
import { refusal, seenText } from '../words.ts';
import type { ExpiryTrial } from './expiry.ts';

/** Docker Hub tells its time in whole seconds. */
const MARGIN_MS = 2_000;
const NOTHING = 'Nothing: unknown as before.';

/** Waits for a token to expire, and looks at what is left of it. */
export async function askExpired(run: Run, place: Place, trial: ExpiryTrial | undefined): Promise<void> {
  const tokenId = trial?.made.tokenId;
  const value = trial?.made.value;
  if (trial === undefined || tokenId === undefined || value === undefined) {
    run.answers.add(place.name, 'expired', 'No expiry is kept, so none could be waited for.', NOTHING);
    return;
  }
  const waitMs = trial.askedMs - run.line.hubNowMs() + MARGIN_MS;
  if (waitMs > run.patienceMs) {
    run.answers.add(place.name, 'expired', 'The shortest expiry is too far ahead to wait for.', NOTHING);
    return;
  }
  await run.line.sleep(waitMs);
  const exchange = async () => (await run.registry.exchange({ username: place.username, token: value })).status === 401;
  const sinceMs = run.line.nowMs() - (run.line.hubNowMs() - trial.askedMs);
  const { refused } = await watch(run.line, { refused: exchange }, { maxMs: run.patienceMs, sinceMs });
  const isSettled = await settle(run, place, [trial.made]);
  const read = await run.api.get(place, tokenId);
  const listed = (await findListed(run, place, tokenId)) !== undefined;
  const shown = read.ok ? `200, is_active ${read.value.isActive}` : refusal(read);
  const list = listed ? 'The list shows it.' : isSettled ? 'The list lacks it.' : 'The list lags too far to tell.';
  run.answers.add(
    place.name,
    'expired',
    `GET answers ${shown}. ${list} auth.docker.io refuses it: ${seenText(refused, 'its expiry').toLowerCase()}.`,
    refused.atMs === null
      ? 'An expiry does not end a token: it must not count as evidence.'
      : listed || !isSettled
        ? 'hublease deletes expired tokens of its own, since they stay listed (and hold a place in an organization).'
        : 'Nothing: an expired token leaves the list, and holds no place.',
    {
      listed: listed || isSettled ? listed : null,
      refusedAfterMs: refused.atMs,
      acceptedAfterMs: refused.notYetAtMs ?? null,
    },
  );
  await tidy(run, place, [trial.made]);
}
