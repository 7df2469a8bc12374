import type { Target } from '../model/target.ts';
import type { HubMeta } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { SessionRecord } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';
import { noteInRecord } from './facts.ts';
import { believed, reservedUntil } from './rate.ts';

/** The share of Docker Hub's requests that callers' looks may take. */
const LOOK_SHARE = 0.1;
/** Looks in a minute where Docker Hub does not state its limit. */
const UNSTATED_LOOKS_PER_MINUTE = 6;
const MINUTE_MS = 60_000;
/** Where there is not even one look a minute to give. */
const MAX_PAUSE_MS = 600_000;
/** Looks may come this far ahead of their pace, so that a list is not shown one lease at a time where requests are many. */
const AHEAD_MS = 10_000;

type Ports = Pick<RevokePorts, 'sessions' | 'clock' | 'ids' | 'limits'>;

/** A look that may be taken, with the limit that its target's record names. */
export interface Look {
  readonly rateLimit: number | undefined;
}

/**
 * Takes the right to look at one token of a target for a caller. Looks of all processes share one pace, which is a tenth of what
 * Docker Hub allows, and give way to revocations and mints. The pace is written before Docker Hub is asked, so that a crowd of looks
 * costs no request more.
 *
 * @returns undefined when it is too early, another look was first, or requests are kept for revocations.
 * @throws Failed `store_unavailable`.
 */
export async function takeLook(ports: Ports, target: Target): Promise<Look | undefined> {
  const known = await stored(ports.sessions.read(target.name));
  const nowMs = ports.clock.nowMs();
  if (reservedUntil(ports, known, nowMs) !== undefined) return undefined;
  const record: Omit<SessionRecord, 'opId'> = known ?? { target: target.name, version: 0 };
  const pauseMs = pauseBetweenLooksMs(record.rateLimit);
  const onTimeMs = believed(record.nextLookAtMs, nowMs, MAX_PAUSE_MS + AHEAD_MS) ?? nowMs;
  if (onTimeMs - nowMs > Math.max(0, AHEAD_MS - pauseMs)) return undefined;
  const moved = { ...record, version: record.version + 1, opId: ports.ids.opId(), nextLookAtMs: onTimeMs + pauseMs };
  const outcome = await stored(ports.sessions.write(moved));
  return outcome === 'written' ? { rateLimit: record.rateLimit } : undefined;
}

/** Remembers the limit that Docker Hub stated with a look, where it is another than before. Best effort. */
export async function noteLimit(ports: Ports, targetName: string, look: Look, { rateLimit }: HubMeta): Promise<void> {
  if (rateLimit === undefined || rateLimit === look.rateLimit) return;
  await noteInRecord(ports, targetName, (record) => (record.rateLimit === rateLimit ? {} : { rateLimit }));
}

function pauseBetweenLooksMs(rateLimit: number | undefined): number {
  const perMinute = rateLimit === undefined ? UNSTATED_LOOKS_PER_MINUTE : rateLimit * LOOK_SHARE;
  return Math.min(MAX_PAUSE_MS, Math.ceil(MINUTE_MS / perMinute));
}
