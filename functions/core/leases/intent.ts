import { capOf } from '../hub/facts.ts';
import { writeLabel } from '../hub/label.ts';
import type { Origin } from '../model/caller.ts';
import { fail } from '../model/failure.ts';
import type { MintingLease } from '../model/lease.ts';
import { expiryToAskMs, hubAccountOf } from '../model/target.ts';
import type { MintPorts } from '../ports/needs.ts';
import type { HubFacts } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';
import type { Grant } from './grant.ts';
import { type Asker, quotaReached } from './quota.ts';
import type { PendingReplay } from './replay.ts';

/** The grant with a lower quota, if Docker Hub allows fewer tokens than the target's quota. */
export function withCap(grant: Grant, facts: HubFacts, nowMs: number): Grant {
  const cap = capOf(facts, nowMs);
  if (cap === undefined) return grant;
  const counter = `target:${grant.target.name}`;
  const quotas = grant.quotas.map((claim) =>
    claim.counter === counter ? { ...claim, most: Math.min(claim.most, cap) } : claim,
  );
  return { ...grant, quotas };
}

/** The lease as it is recorded before its token is created. */
export function newLease(ports: MintPorts, origin: Origin, grant: Grant): MintingLease {
  const nowMs = ports.clock.nowMs();
  const id = ports.ids.leaseId(nowMs);
  const { target, label } = grant;
  const hubAccount = hubAccountOf(target);
  const expiresAtMs = nowMs + grant.ttlSeconds * 1_000;
  const maxExpiresAtMs = nowMs + grant.maxTtlSeconds * 1_000;
  const mintByMs = nowMs + ports.limits.mintWindowMs;
  return {
    schema: 1,
    id,
    status: 'minting',
    version: 1,
    opId: ports.ids.opId(),
    secret: grant.secretName,
    target: target.name,
    hubAccount,
    kind: target.kind === 'org' ? 'oat' : 'pat',
    ...(grant.scope !== undefined && { scope: grant.scope }),
    ...(grant.resources !== undefined && { resources: grant.resources }),
    caller: origin.caller.arn,
    ...(origin.caller.id !== undefined && { callerId: origin.caller.id }),
    ...(label !== undefined && { label }),
    ...(grant.reason !== undefined && { reason: grant.reason }),
    hubLabel: writeLabel(ports.labels, id, hubAccount, label),
    requestId: origin.requestId,
    issuedAtMs: nowMs,
    expiresAtMs,
    maxExpiresAtMs,
    hubExpiresAtMs: expiryToAskMs(target, maxExpiresAtMs, nowMs),
    renewable: grant.renewable,
    ...(grant.quotas.length > 0 && { counters: grant.quotas.map(({ counter }) => counter) }),
    mintByMs,
    attempts: 0,
    // If this process dies, the lease becomes due when its create can no longer be sent, or at its end.
    dueAtMs: Math.min(mintByMs, expiresAtMs),
  };
}

/**
 * Records the lease, its quotas and its Idempotency-Key in one write.
 *
 * @throws Failed `quota_reached`; `in_flight` if another request with the same key was first; `store_unavailable`.
 */
export async function recordIntent(
  ports: MintPorts,
  origin: Origin,
  lease: MintingLease,
  grant: Grant,
  replay: PendingReplay | undefined,
): Promise<void> {
  const outcome = await stored(
    ports.leases.create(lease, {
      ...(grant.quotas.length > 0 && { quotas: grant.quotas }),
      ...(replay !== undefined && { replay: { ...replay, leaseId: lease.id } }),
    }),
  );
  if (typeof outcome === 'object') {
    throw await stored(quotaReached(ports, grant.quotas, outcome.full, askerOf(origin, grant)));
  }
  if (outcome === 'written') return;
  // Another request with the same key was first. It cannot be the lease's id, because ids are never used twice.
  throw replay === undefined
    ? fail({ tag: 'store_unavailable', retryAfterSeconds: 1 })
    : fail({ tag: 'in_flight', retryAfterSeconds: 2 });
}

/** Verifications are requested by admins and by the sweep. */
export function askerOf(origin: Origin, grant: Grant): Asker {
  return grant.isVerification === true ? 'admin' : origin.caller;
}
