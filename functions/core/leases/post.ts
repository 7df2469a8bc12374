import { placeOf } from '../ending/evidence.ts';
import type { MintingLease } from '../model/lease.ts';
import type { CreatedToken, HubReply, HubSession } from '../ports/docker-hub.ts';
import type { MintPorts } from '../ports/needs.ts';

/** A larger difference between our clock and Docker Hub's raises an alarm, because expiries depend on both. */
const CLOCK_SKEW_MS = 5_000;

/** Sends the create, unless this process was frozen for so long that the quiet period no longer covers it. */
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

/** Records a difference between our clock and Docker Hub's that is large enough for an alarm. */
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
