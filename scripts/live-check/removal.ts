import type { HubReply } from '../../functions/core/ports/docker-hub.ts';
import type { MadeToken } from './ledger.ts';
import type { Place } from './place.ts';
import type { Run } from './run.ts';
import { watch } from './watch.ts';

/** How long a topic waits for its own tokens to go. The cleanup looks after the rest. */
const TIDY_MS = 120_000;
const GONE_STATUS = 204;

/** Deletes tokens that no question needs any more, so that few are alive at a time. */
export async function tidy(run: Run, place: Place, tokens: readonly (MadeToken | undefined)[]): Promise<void> {
  for (const made of tokens) {
    if (made?.tokenId === undefined || made.goneBy !== undefined) continue;
    const { tokenId } = made;
    const reply = await run.api.delete(place, tokenId);
    noteDelete(made, reply);
    if (made.goneBy !== undefined || !reply.ok) continue;
    await watch(run.line, { gone: () => isGone(run, place, tokenId) }, { maxMs: Math.min(TIDY_MS, run.patienceMs) });
  }
}

/** Only 204 is Docker Hub's own word that a token is gone. */
export function noteDelete(made: MadeToken, reply: HubReply<{ readonly httpStatus: number }>): void {
  if (!reply.ok) return;
  made.deleteAccepted = true;
  if (reply.value.httpStatus === GONE_STATUS) made.goneBy = 'deleted';
}

/** Whether GET shows the token no longer, or shows it inactive. */
export async function isGone({ api }: Run, place: Place, tokenId: string): Promise<boolean> {
  const reply = await api.get(place, tokenId);
  if (reply.ok) return !reply.value.isActive;
  return reply.meta.httpStatus === 404 || reply.meta.httpStatus === 410;
}
