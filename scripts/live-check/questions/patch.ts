import { property } from '../../../functions/adapters/docker-hub/json.ts';
import type { MadeToken } from '../ledger.ts';
import type { Place } from '../place.ts';
import type { Run } from '../run.ts';
import { refusal } from '../words.ts';

const WANTED = 'repo:read';

/** Sends a PATCH with other scopes to a token of this run, and reads it back. */
export async function askPatch(run: Run, place: Place, made: MadeToken | undefined): Promise<void> {
  if (made?.tokenId === undefined) return;
  const patched = await run.api.patch(place, made.tokenId, { scopes: [WANTED] });
  const read = await run.api.rawGet(place, made.tokenId);
  const scopes = read.ok ? property(read.value.json, 'scopes') : undefined;
  const isChanged = Array.isArray(scopes) && scopes.length === 1 && scopes[0] === WANTED;
  const status = patched.meta.httpStatus ?? null;
  run.answers.add(
    place.name,
    'patch-scopes',
    `${patched.ok ? `Status ${status}` : refusal(patched)}; the scopes are ${isChanged ? 'changed' : 'as before'}.`,
    isChanged
      ? 'A session of the account can widen a leased token: docs/docker-hub.md must say so.'
      : 'Nothing: a leased token keeps its scope.',
    { status, changed: isChanged },
  );
}
