import { placeOf } from '../ending/evidence.ts';
import type { MintingLease } from '../model/lease.ts';
import type { CreatedToken, HubReply, HubSession } from '../ports/docker-hub.ts';
import type { MintPorts } from '../ports/needs.ts';

/** Our clock and Docker Hub's further apart than this is worth an alarm: expiry is reckoned by both. */
const CLOCK_SKEW_MS = 5_000;

/** Sends the create, unless this process slept so long that the quiet period no longer covers it. */
export async function post(
  ports: MintPorts,
  intent: MintingLease,
  session: HubSession,
): Promise<HubReply<CreatedToken>> {
  if (ports.clock.nowMs() > intent.mintByMs) {
    return { ok: false, problem: { tag: 'fault', code: 'timeout' }, meta: {} };
  }
  const order = {
    label: intent.hubLabel,
    expiresAtMs: intent.hubExpiresAtMs,
    ...(intent.scope !== undefined && { scope: intent.scope }),
    ...(intent.resources !== undefined && { resources: intent.resources }),
  };
  try {
    return await ports.minter.createToken(session, placeOf(intent), order);
  } catch {
    return { ok: false, problem: { tag: 'fault', code: 'connection' }, meta: {} };
  }
}

/** Writes down a difference between our clock and Docker Hub's that is worth an alarm. */
export async function noteClock(ports: MintPorts, intent: MintingLease, posted: HubReply<CreatedToken>): Promise<void> {
  const { hubDateMs } = posted.meta;
  if (hubDateMs === undefined) return;
  const skewMs = hubDateMs - ports.clock.nowMs();
  if (Math.abs(skewMs) <= CLOCK_SKEW_MS) return;
  await ports.audit.record({
    event: 'clock.skewed',
    atMs: ports.clock.nowMs(),
    target: intent.target,
    detail: { skewMs },
  });
}
