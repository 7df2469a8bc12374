import type { Target } from '../model/target.ts';
import type { HubMeta } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { SessionRecord } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';
import { noteInRecord } from './facts.ts';
import { believed, reservedUntil } from './rate.ts';

/** The fraction of Docker Hub's requests that callers' lookups may use. */
const LOOK_SHARE = 0.1;
/** Lookups per minute if Docker Hub does not state its limit. */
const UNSTATED_LOOKS_PER_MINUTE = 6;
const MINUTE_MS = 60_000;
/** The wait if not even one lookup per minute is allowed. */
const MAX_PAUSE_MS = 600_000;
/**
 * Lookups may be this far ahead of their pace. So if many requests are allowed, a list of leases is not limited to one lookup at
 * a time.
 */
const AHEAD_MS = 10_000;

type Ports = Pick<RevokePorts, 'sessions' | 'clock' | 'ids' | 'limits'>;

/** A permitted lookup, with the limit in the target's record. */
export interface Look {
  readonly rateLimit: number | undefined;
}

/**
 * Takes the right to look up one token of a target for a caller. The lookups of all processes share one pace, a tenth of Docker
 * Hub's limit. Revocations and mints go first. The pace is written before Docker Hub is asked, so that many lookups at once cost
 * no extra requests.
 *
 * @returns undefined if it is too early, another lookup was first, or requests are reserved for revocations.
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

/** Records the limit that Docker Hub stated with a lookup, if it has changed. Best effort. */
export async function noteLimit(ports: Ports, targetName: string, look: Look, { rateLimit }: HubMeta): Promise<void> {
  if (rateLimit === undefined || rateLimit === look.rateLimit) return;
  await noteInRecord(ports, targetName, (record) => (record.rateLimit === rateLimit ? {} : { rateLimit }));
}

function pauseBetweenLooksMs(rateLimit: number | undefined): number {
  const perMinute = rateLimit === undefined ? UNSTATED_LOOKS_PER_MINUTE : rateLimit * LOOK_SHARE;
  return Math.min(MAX_PAUSE_MS, Math.ceil(MINUTE_MS / perMinute));
}
