/** Which tokens can be seen, and in which order. */

import type { Hub } from '../hub.ts';
import type { TokenKind, TokenRow } from '../tokens/token-row.ts';

/** An account's tokens as its list shows them. */
export function listedTokens(hub: Hub, kind: TokenKind, account: string): readonly TokenRow[] {
  const { listLagMs, listOrder } = hub.settings;
  const rows = hub.tokens.of(kind, account).filter((row) => isPast(row.createdAtMs, listLagMs, hub.nowMs()));
  return listOrder === 'oldest' ? rows.reverse() : rows;
}

/** Whether a GET of the token finds it. */
export function canBeRead(hub: Hub, row: TokenRow): boolean {
  return isPast(row.createdAtMs, hub.settings.getLagMs, hub.nowMs());
}

/** Whether the lag is over. Without a lag it always is, also where the clock was set back. */
function isPast(createdAtMs: number, lagMs: number, nowMs: number): boolean {
  return lagMs === 0 || createdAtMs + lagMs <= nowMs;
}
