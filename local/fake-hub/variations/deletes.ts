/** What a DELETE does, and when. Late deletes are decided by the clock when the fake is next asked; no timer runs. */

import { type Answer, empty } from '../answer.ts';
import type { Hub } from '../hub.ts';
import type { TokenRow } from '../tokens/token-row.ts';

/** Answers the DELETE of a token that is there, and deletes it now, later or never, as the settings have it. */
export function deleteToken(hub: Hub, row: TokenRow, by: string): Answer {
  const { deleteDelayMs, deleteStatus } = hub.settings;
  const nowMs = hub.nowMs();
  if (row.deletedAtMs === undefined && deleteDelayMs !== null) {
    if (deleteDelayMs === 0) end(hub, row, by, nowMs);
    // A second DELETE does not put the first one off.
    else if (row.leaving === undefined) hub.tokens.leave(row, { atMs: nowMs + deleteDelayMs, by });
  }
  return empty(deleteStatus);
}

/** Ends the tokens whose time has come. Must go before anything that reads tokens. */
export function settleDeletes(hub: Hub): void {
  const nowMs = hub.nowMs();
  for (const row of hub.tokens.leaving()) {
    if (row.leaving !== undefined && row.leaving.atMs <= nowMs) end(hub, row, row.leaving.by, row.leaving.atMs);
  }
}

function end(hub: Hub, row: TokenRow, by: string, atMs: number): void {
  if (hub.settings.deleteForm === 'soft') hub.tokens.retire(row, by, atMs);
  else hub.tokens.remove(row, by, atMs);
}
