import { fail } from '../model/failure.ts';
import type { Credential } from '../model/target.ts';
import type { HubSession } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import type { SessionRecord } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';

/** A session this close to its end is renewed by the first process that notices. The others continue to use it. */
export const REFRESH_MS = 120_000;
/** A session that lives for less than twice as long is renewed after this share of its life, so that not every call logs in. */
const REFRESH_SHARE = 0.5;
/** Longer than a login with two factors takes, so that a claim expires only after a crash. */
const CLAIM_MS = 45_000;
/** How long to wait for another process' login. Together with the create, it stays within the time of one API call. */
export const WAIT_MS = 8_000;
/** A TOTP code is good for one login within its step. Source: RFC 6238 section 5.2. */
export const TOTP_STEP_MS = 30_000;
/** Other processes write a record only to record a low rate or a refused session. */
const MAX_WRITERS = 4;

type Ports = Pick<RevokePorts, 'sessions' | 'sealer' | 'clock' | 'ids'>;

/**
 * Claims the login. Records the TOTP step with the claim, so that no code is used twice, even after a crash. If this step's code
 * is already used, waits for the next step.
 */
export async function claim(
  ports: Ports,
  targetName: string,
  record: SessionRecord | undefined,
  credential: Credential,
  nowMs: number,
): Promise<SessionRecord | undefined> {
  let totpStep = record?.totpStep;
  if (credential.totpSecret !== undefined) {
    totpStep = Math.max(Math.floor(nowMs / TOTP_STEP_MS), (record?.totpStep ?? -1) + 1);
    const waitMs = totpStep * TOTP_STEP_MS - nowMs;
    if (waitMs > WAIT_MS) throw fail({ tag: 'busy', retryAfterSeconds: Math.ceil(waitMs / 1_000) });
    if (waitMs > 0) await ports.clock.sleep(waitMs);
  }
  const base = record ?? { target: targetName, version: 0 };
  const claimed = next(ports, base, { claimUntilMs: ports.clock.nowMs() + CLAIM_MS, totpStep });
  return (await stored(ports.sessions.write(claimed))) === 'written' ? claimed : undefined;
}

/** Shares a session with the other processes, and releases the claim. */
export async function share(
  ports: Ports,
  claimed: SessionRecord,
  credentialVersion: string,
  session: HubSession,
): Promise<void> {
  try {
    const lifeMs = session.expiresAtMs - ports.clock.nowMs();
    const isShort = lifeMs * REFRESH_SHARE < REFRESH_MS;
    const sealedBearer = await ports.sealer.seal(session.bearer, sealContext(claimed.target));
    await writeOver(ports, claimed, {
      sealedBearer,
      account: session.account,
      expiresAtMs: session.expiresAtMs,
      refreshAtMs: isShort ? session.expiresAtMs - Math.floor(lifeMs * REFRESH_SHARE) : undefined,
      credentialVersion,
      breakerUntilMs: undefined,
      refusals: undefined,
      claimUntilMs: undefined,
      loginAfterMs: undefined,
      edgeLogins: undefined,
      loginFault: undefined,
      provenVersion: credentialVersion,
    });
  } catch {
    // A session that could not be stored still serves this call. The next call logs in again without waiting for the claim.
    await release(ports, claimed).catch(() => undefined);
  }
}

/** Releases the claim, and records any reason why others must not log in. */
export async function release(
  ports: Ports,
  claimed: SessionRecord,
  change: Partial<SessionRecord> = {},
): Promise<void> {
  await stored(writeOver(ports, claimed, { ...change, claimUntilMs: undefined }));
}

/** Writes the result of a login. Retries after conflicting writes, as long as this process still holds the claim. */
async function writeOver(
  ports: Ports,
  claimed: SessionRecord,
  change: { [K in keyof SessionRecord]?: SessionRecord[K] | undefined },
): Promise<void> {
  let record = claimed;
  for (let writers = 0; writers < MAX_WRITERS; writers++) {
    if ((await ports.sessions.write(next(ports, record, change))) === 'written') return;
    const latest = await ports.sessions.read(claimed.target);
    if (latest === undefined || latest.claimUntilMs !== claimed.claimUntilMs) return;
    record = latest;
  }
}

/** The record with a change and the next version. Members that are undefined in the change are removed. */
export function next(
  ports: Ports,
  record: Omit<SessionRecord, 'opId'>,
  change: { [K in keyof SessionRecord]?: SessionRecord[K] | undefined },
): SessionRecord {
  const merged = { ...record, ...change, version: record.version + 1, opId: ports.ids.opId() };
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== undefined),
  ) as unknown as SessionRecord;
}

/** The context with which a session is sealed. */
export function sealContext(targetName: string): string {
  return `session:${targetName}`;
}
