/** What a DELETE does, and when. A late delete happens when the fake is next asked after its time; no timer runs. */

import { type Answer, empty } from '../answer.ts';
import type { Hub } from '../hub.ts';
import type { TokenRow } from '../tokens/token-row.ts';

/** Answers the DELETE of an existing token. The settings say whether it goes now, later or never. */
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

/** Deletes the tokens whose time has come. Call it before anything that reads tokens. */
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
