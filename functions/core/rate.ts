import { fail } from './failure.ts';
import { retryAfterSeconds } from './hub-problem.ts';
import type { HubMeta, RevokePorts } from './ports.ts';
import { stored } from './stored.ts';
import type { Target } from './target.ts';

/** Requests that are kept for revoking: below this mint gives way. Docker Hub does not publish its limit per minute. */
const RESERVED_REQUESTS = 10;
/** Docker Hub counts by the minute; a later reset is not believed. */
const LONGEST_WINDOW_MS = 120_000;

type Ports = Pick<RevokePorts, 'sessions' | 'clock' | 'ids'>;

/** Remembers that an account's requests run low: once per window, for every process. Best effort. */
export async function noteRate(ports: Ports, targetName: string, meta: HubMeta): Promise<void> {
  const { rateRemaining, rateResetAtMs } = meta;
  if (rateRemaining === undefined || rateResetAtMs === undefined || rateRemaining > RESERVED_REQUESTS) return;
  try {
    const record = await ports.sessions.read(targetName);
    if (record === undefined || record.rateResetAtMs === rateResetAtMs) return;
    const noted = { ...record, rateRemaining, rateResetAtMs, version: record.version + 1, opId: ports.ids.opId() };
    await ports.sessions.write(noted);
  } catch {
    // The next answer says it again.
  }
}

/**
 * Revoking goes before minting when Docker Hub's requests run low.
 *
 * @throws Failed `hub_throttled` until they are replenished, `store_unavailable`.
 */
export async function yieldToRevocation(ports: Ports, target: Target): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const { rateResetAtMs = 0 } = (await stored(ports.sessions.read(target.name))) ?? {};
  if (rateResetAtMs <= nowMs || rateResetAtMs > nowMs + LONGEST_WINDOW_MS) return;
  throw fail({ tag: 'hub_throttled', retryAfterSeconds: retryAfterSeconds(rateResetAtMs, nowMs) });
}
