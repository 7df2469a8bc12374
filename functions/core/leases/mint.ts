import { placeOf } from '../ending/evidence.ts';
import { abandon, giveUp, leaveToSweep, settled } from '../ending/give-up.ts';
import { refuseMints } from '../hub/facts.ts';
import { noteRate, yieldToRevocation } from '../hub/rate.ts';
import { dropSession, openSession } from '../hub/session.ts';
import { auditIds, auditOrigin } from '../model/audit-event.ts';
import type { Origin } from '../model/caller.ts';
import { type Failed, type Failure, fail } from '../model/failure.ts';
import type { ActiveLease, MintingLease } from '../model/lease.ts';
import { activate } from '../model/lease-transitions.ts';
import { hubAccountOf, type Target } from '../model/target.ts';
import type { CreatedToken, HubSession } from '../ports/docker-hub.ts';
import type { MintPorts } from '../ports/needs.ts';
import { clip, judgeEcho } from './echo.ts';
import { decideGrant, type Grant, type MintOrder, readyTarget } from './grant.ts';
import { askerOf, newLease, recordIntent, withCap } from './intent.ts';
import { noteClock, post } from './post.ts';
import { isRefusedCleanly, refusalOf } from './refused-create.ts';
import { openReplay, type PendingReplay } from './replay.ts';

/** The only place where a token leaves core. It is returned once. */
export interface Minted {
  readonly lease: ActiveLease;
  readonly credential: {
    readonly registry: 'docker.io';
    readonly username: string;
  } & (
    | { readonly password: string }
    | { /** A compact JWE, for the owner of the secret's protection key. */ readonly sealed: string }
  );
}

/**
 * Mints one token: records the lease, creates the token once, records its id, and only then answers. A failure or crash in
 * between leaves a recorded lease that the revoker closes, never a token without a record. Not safe to repeat, because each call
 * makes a new lease.
 *
 * @throws Failed: all of `decideGrant`, `openReplay` and `openSession`; `quota_reached`; `hub_refused`, `expiry_refused`,
 *   `label_refused`, `list_lags`, `hub_unavailable`, `hub_throttled`; `store_unavailable` if the lease could not be recorded;
 *   `not_recorded` and `audit_unavailable` if the token was made and then deleted.
 */
export async function mint(ports: MintPorts, origin: Origin, order: MintOrder): Promise<Minted> {
  try {
    const grant = await decideGrant(ports, origin.caller, order);
    const replay = await openReplay(ports, origin, order);
    return await mintGrant(ports, origin, grant, replay);
  } catch (error) {
    await recordDenial(ports, origin, order, error);
    throw error;
  }
}

/**
 * Mints a granted token, or the throwaway token of a verification.
 *
 * @throws as {@link mint}, except for the failures of `decideGrant`.
 */
export async function mintGrant(
  ports: MintPorts,
  origin: Origin,
  grant: Grant,
  replay?: PendingReplay,
): Promise<Minted> {
  const { facts = {} } = (await yieldToRevocation(ports, grant.target)) ?? {};
  if (facts.refusal !== undefined && grant.isVerification !== true) {
    throw fail({ tag: facts.refusal.code, target: grant.target.name });
  }
  // Before the record. Without a session, no create would be sent, and the recorded lease would have to be closed.
  const session = await openSession(ports, grant.target, 'mint');
  const capped = withCap(grant, facts, ports.clock.nowMs());
  const lease = newLease(ports, origin, capped);
  await recordIntent(ports, origin, lease, capped, replay);
  return carryOut(ports, origin, capped, lease, session);
}

/** From here on, the revoker closes the lease after every failure. */
async function carryOut(
  ports: MintPorts,
  origin: Origin,
  grant: Grant,
  intent: MintingLease,
  session: HubSession,
): Promise<Minted> {
  let target: Target;
  try {
    // Read again after the record. So either a deletion of the target sees this lease, or this read sees the deletion.
    target = await readyTarget(ports, intent.target);
    // The target was deleted and created again for another account than the session's.
    if (hubAccountOf(target) !== intent.hubAccount) throw fail({ tag: 'draining', name: intent.target });
  } catch (error) {
    await abandon(ports, intent);
    throw error;
  }
  // All three run at the same time. A lost timer does no harm.
  const [posted, armed] = await Promise.all([
    post(ports, intent, session),
    settled(ports.backstop.arm(intent.id, intent.expiresAtMs)),
    ports.timer === undefined ? undefined : settled(ports.timer.arm(intent.id, intent.expiresAtMs)),
  ]);
  await noteClock(ports, intent, posted);
  await noteRate(ports, intent.target, posted, 'mint');
  if (!posted.ok) {
    if (posted.problem.tag === 'session_refused') await settled(dropSession(ports, intent.target, session));
    await (isRefusedCleanly(posted.problem, posted.meta) ? leaveToSweep(ports, intent) : abandon(ports, intent));
    throw await refusalOf(ports, target, placeOf(intent), posted, askerOf(origin, grant));
  }
  const verdict = judgeEcho({ ...grant, target }, intent, posted.value, {
    nowMs: ports.clock.nowMs(),
    minTtlSeconds: ports.limits.minTtlSeconds,
  });
  if ('refusal' in verdict) {
    await giveUp(ports, intent, posted.value);
    if (verdict.isOfTarget && grant.isVerification !== true) await refuseMints(ports, target, verdict.refusal);
    throw fail({ tag: verdict.refusal, target: target.name });
  }
  const secretPart = await forCaller(ports, grant, posted.value.token);
  const active = secretPart && (await recordToken(ports, intent, posted.value, verdict.clippedMs));
  if (secretPart === undefined || active === undefined || !armed) {
    await giveUp(ports, intent, posted.value);
    throw fail({ tag: 'not_recorded', leaseId: intent.id, retryAfterSeconds: 2 });
  }
  // The armed job runs later than the end that Docker Hub set. The row is due at the right time.
  if (active.expiryClipped) await settled(ports.backstop.arm(active.id, active.expiresAtMs));
  const granted = await ports.audit.record({
    event: 'lease.granted',
    atMs: ports.clock.nowMs(),
    ...auditIds(active),
    ...auditOrigin(origin),
    detail: { ttlSeconds: (active.expiresAtMs - active.issuedAtMs) / 1_000 },
  });
  // The token of a verification is returned to no caller.
  if (granted === 'lost' && ports.auditRequired === true && grant.isVerification !== true) {
    await giveUp(ports, active, posted.value);
    throw fail({ tag: 'audit_unavailable', leaseId: active.id, retryAfterSeconds: 2 });
  }
  return { lease: active, credential: { registry: 'docker.io', username: active.hubAccount, ...secretPart } };
}

/** The token in the form that the caller gets; undefined if it could not be sealed. */
async function forCaller(
  ports: MintPorts,
  { protectionJwk }: Grant,
  token: string,
): Promise<{ readonly password: string } | { readonly sealed: string } | undefined> {
  if (protectionJwk === undefined) return { password: token };
  return ports.tokenSealer.seal(token, protectionJwk).then(
    (sealed) => ({ sealed }),
    () => undefined,
  );
}

/** Records the token; undefined if another write changed the lease first, or if that is unknown. */
async function recordToken(
  ports: MintPorts,
  intent: MintingLease,
  created: CreatedToken,
  clippedMs: number | undefined,
): Promise<ActiveLease | undefined> {
  const active = activate(intent, ports.ids.opId(), {
    tokenId: created.tokenId,
    tokenSha256: ports.labels.sha256(created.token),
    reportedExpiresAtMs: created.expiresAtMs,
    clipped: clippedMs === undefined ? undefined : clip(intent, clippedMs),
  });
  try {
    return (await ports.leases.update(active)) === 'written' ? active : undefined;
  } catch {
    // The write may still have been applied. The row shows it.
    const latest = await ports.leases.get(intent.id).catch(() => undefined);
    return latest?.opId === active.opId ? active : undefined;
  }
}

async function recordDenial(ports: MintPorts, origin: Origin, order: MintOrder, error: unknown): Promise<void> {
  const failure: Failure = (error as Partial<Failed>).failure ?? { tag: 'internal' };
  // A caller in a loop must not fill the audit log.
  if (failure.tag === 'rate_limited' && !failure.isFirst) return;
  await ports.audit.record({
    event: failure.tag === 'caller_not_allowed' ? 'lease.denied' : 'lease.mint_failed',
    atMs: ports.clock.nowMs(),
    ...auditOrigin(origin),
    secret: order.secret,
    code: failure.tag,
    ...('leaseId' in failure && { leaseId: failure.leaseId }),
  });
}
