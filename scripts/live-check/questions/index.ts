import { type Place, personalPlace } from '../place.ts';
import { tidy } from '../removal.ts';
import type { Run } from '../run.ts';
import { Stopped } from '../stop.ts';
import { askDelete } from './deleted-token.ts';
import { askDevice } from './device.ts';
import { askExpired } from './expired.ts';
import { askExpiry, shortestKept } from './expiry.ts';
import { askLabels } from './labels.ts';
import { askLimits } from './limits.ts';
import { askListBefore } from './list-before.ts';
import { askLogins } from './logins.ts';
import { askNewToken } from './new-token.ts';
import { askCap, askResources } from './organization.ts';
import { askPages } from './pages.ts';
import { askPatch } from './patch.ts';
import { askTokenSession } from './token-session.ts';
import { askTwins } from './twins.ts';

/** What the owner asks for besides the usual. */
export interface Wishes {
  readonly deviceSession?: string;
  readonly mayMakeMany: boolean;
  readonly mayReachCap: boolean;
}

/**
 * Asks everything.
 *
 * @param places the personal one first.
 * @throws Stopped where no more should be asked.
 */
export async function askAll(run: Run, places: readonly Place[], wishes: Wishes): Promise<void> {
  await askLogins(run);
  const personal = places.find(({ name }) => name === 'personal') ?? personalPlace(run.sessions.credential.username);
  await askLimits(run, personal);
  for (const place of places) {
    const isReadable = await askListBefore(run, place);
    if (isReadable) await askPlace(run, place, wishes);
    else if (place.name === 'personal') throw new Stopped({ kind: 'list_unusable' });
  }
  if (wishes.deviceSession !== undefined) await askDevice(run, personal, wishes.deviceSession);
}

async function askPlace(run: Run, place: Place, wishes: Wishes): Promise<void> {
  const first = await askNewToken(run, place);
  if (first === undefined) return;
  if (place.name === 'personal') await askTokenSession(run, place, first);
  await askDelete(run, place, first);
  await askLabels(run, place);
  const trials = await askExpiry(run, place);
  await askExpired(run, place, shortestKept(trials));
  await tidy(
    run,
    place,
    trials.map(({ made }) => made),
  );
  const twins = await askTwins(run, place);
  const many = await askPages(run, place, wishes.mayMakeMany && place.name === 'personal');
  if (place.name === 'personal') await askPatch(run, place, twins.at(0));
  await tidy(run, place, [...twins, ...many]);
  if (place.name === 'organization') await askResources(run, place);
  if (place.name === 'organization' && wishes.mayReachCap) await askCap(run, place);
}
