import { removeToken } from '../ending/removal.ts';
import { reopenLease, revokeLease } from '../ending/revoke.ts';
import { isListedAlive } from '../ending/suspects.ts';
import { readLabel } from '../hub/label.ts';
import { type Listing, listAll } from '../hub/listing.ts';
import { doRevocationsWait, reservedUntilMs, yieldToRevocation } from '../hub/rate.ts';
import { withSession } from '../hub/session.ts';
import { noteToken } from '../leases/note-token.ts';
import { auditIds } from '../model/audit-event.ts';
import { isOpen, type Lease, type OpenLease, type RevokedLease, type RevokingLease } from '../model/lease.ts';
import { hubAccountOf, type Target } from '../model/target.ts';
import type { HubToken, TokenPlace } from '../ports/docker-hub.ts';
import type { SweepPorts } from '../ports/needs.ts';
import { learnFromListing, noteListing } from './learn.ts';
import { endRefusedCreates } from './refused-creates.ts';

/**
 * After this many failures to delete expired tokens of ended leases, a sweep leaves the rest. There may be many, and each costs
 * requests.
 */
const MAX_UNDELETED = 2;

/** The findings of one reconciliation of a target's account. */
export interface Reconciliation {
  /** Tokens of this installation on the account. */
  readonly ours: number;
  /** Tokens whose lease was lost. The lease is recorded again and revoked. */
  readonly orphans: number;
  /** Leases that were `revoked` while their token lived. */
  readonly reopened: number;
  /** Extra tokens of a lease, and tokens left over after its end. They are deleted. */
  readonly strays: number;
  /** Whether every page was read, and every token on it was checked. */
  readonly complete: boolean;
  /** The time was up before that. */
  readonly outOfTime?: true;
}

/**
 * Compares a target's tokens on Docker Hub with the leases, and corrects differences. Only touches tokens whose label has this
 * installation's MAC for this account. Revocations that wait for Docker Hub's requests go first. The same listing is also used to
 * learn facts and to end the leases of refused creates.
 *
 * @param open the target's open leases.
 * @param untilMs begin no further page and no further token after this time.
 * @throws as `openSession`, and any error of the lease store; repeat later.
 */
export async function reconcile(
  ports: SweepPorts,
  target: Target,
  open: readonly Lease[],
  untilMs: number = Number.POSITIVE_INFINITY,
): Promise<Reconciliation> {
  const hubAccount = hubAccountOf(target);
  const place: TokenPlace = target.kind === 'org' ? { kind: 'oat', organization: hubAccount } : { kind: 'pat' };
  await yieldToRevocation(ports, target);
  // For a large account, the listing alone would use up all requests.
  const isOver = () => ports.clock.nowMs() >= untilMs;
  const enough = async () => !isOver() && (await reservedUntilMs(ports, target)) === undefined;
  const listing = await listAll(ports, target, place, 'look', enough);
  await noteListing(ports, target, listing);
  const found = { ours: 0, orphans: 0, reopened: 0, strays: 0 };
  let undeleted = 0;
  let isCut = false;
  for (const token of expiredLast(ports, listing)) {
    const leaseId = readLabel(ports.labels, token.label, hubAccount);
    if (leaseId === undefined) continue;
    if (isOver()) {
      isCut = true;
      break;
    }
    found.ours += 1;
    const isLeft = undeleted >= MAX_UNDELETED && !isListedAlive(token, listing.hubDateMs);
    const verdict = await settleToken(ports, target, place, token, {
      leaseId,
      isLeft,
      listedAtMs: listing.startedAtMs,
    });
    if (verdict === 'undeleted') undeleted += 1;
    else if (verdict !== 'covered') found[verdict] += 1;
  }
  if (listing.complete) {
    await learnFromListing(ports, target, place, listing, open);
    // If few requests are allowed, the first listing always leaves too few for this one.
    const mayGoOn = async () => !isOver() && !(await doRevocationsWait(ports, target));
    await endRefusedCreates(ports, target, listing, open, mayGoOn);
  }
  const isOutOfTime = isCut || (listing.interrupted === true && isOver());
  return { ...found, complete: listing.complete && !isCut, ...(isOutOfTime && { outOfTime: true }) };
}

type Verdict = 'covered' | 'orphans' | 'reopened' | 'strays' | 'undeleted';

/**
 * The listed tokens. Expired ones come last, and each time a different one of them is first, so that none prevents the deletion
 * of the others.
 */
function expiredLast({ labels }: Pick<SweepPorts, 'labels'>, listing: Listing): readonly HubToken[] {
  const { tokens, hubDateMs, startedAtMs } = listing;
  const alive = tokens.filter((token) => isListedAlive(token, hubDateMs));
  const expired = tokens.filter((token) => !isListedAlive(token, hubDateMs));
  const first = Number.parseInt(labels.sha256(String(startedAtMs)).slice(0, 8), 16) % Math.max(1, expired.length);
  return [...alive, ...expired.slice(first), ...expired.slice(0, first)];
}

async function settleToken(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  token: HubToken,
  { leaseId, isLeft, listedAtMs }: { readonly leaseId: string; readonly isLeft: boolean; readonly listedAtMs: number },
): Promise<Verdict> {
  // Read after the listing. A lease is recorded before its token is created, so if a token has no lease, the lease was lost.
  const lease = await ports.leases.get(leaseId);
  if (lease === undefined) {
    await adopt(ports, target, token, leaseId);
    return 'orphans';
  }
  if (isOpen(lease)) return settleOpen(ports, target, place, token, lease);
  // A newer proof counts more than a listing that began before it. The next sweep checks again.
  const isProvenSince = lease.evidence.atMs > listedAtMs;
  return isLeft || isProvenSince ? 'covered' : settleRevoked(ports, target, place, token, lease);
}

async function settleOpen(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  token: HubToken,
  lease: OpenLease,
): Promise<Verdict> {
  const { tokenId } = token;
  if (lease.tokenId !== undefined && lease.tokenId !== tokenId) return deleteStray(ports, target, place, token, lease);
  if (lease.tokenId === undefined && lease.createRefused === true && token.isActive) {
    // Docker Hub refused this create, but made a token all the same.
    const reportedExpiresAtMs = token.expiresAtMs;
    await revokeLease(ports, lease.id, { trigger: 'asked', reason: 'mint_failed', tokenId, reportedExpiresAtMs });
    return 'covered';
  }
  // Any other lease without a recorded token id finds this token by its label when it is revoked.
  await noteToken(ports, lease, token);
  await takeUpAgain(ports, lease);
  return 'covered';
}

async function settleRevoked(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  token: HubToken,
  lease: RevokedLease,
): Promise<Verdict> {
  // After some deletes, the token stays listed forever, inactive.
  if (!token.isActive) return 'covered';
  // A list may lag behind a delete. Only reading the token shows that it lives.
  const reply = await withSession(
    ports,
    target,
    (session) => ports.hub.getToken(session, place, token.tokenId),
    'revoke',
  );
  if (!reply.ok || !reply.value.isActive) return 'covered';
  const hubNowMs = reply.meta.hubDateMs ?? ports.clock.nowMs();
  const { expiresAtMs } = reply.value;
  const ended = expiresAtMs !== null && expiresAtMs < hubNowMs;
  // Docker Hub still lists expired tokens, and counts them against an organization's limit.
  if (ended) return deleteStray(ports, target, place, token, lease);
  await reopenLease(ports, lease, { tokenId: token.tokenId, reportedExpiresAtMs: expiresAtMs });
  await revokeLease(ports, lease.id, { trigger: 'asked', reason: 'reopened' });
  return 'reopened';
}

/**
 * Docker Hub answers again. So revocations that failed because it did not answer are retried now. Their backoff may be a quarter
 * of an hour, while the token lives. A revocation that fails again waits longer.
 */
async function takeUpAgain(ports: SweepPorts, lease: OpenLease): Promise<void> {
  if (lease.status !== 'revoking' || lease.lastError?.startsWith('hub_unavailable') !== true) return;
  await revokeLease(ports, lease.id, { trigger: 'asked', reason: 'expired' });
}

async function deleteStray(
  ports: SweepPorts,
  target: Target,
  place: TokenPlace,
  token: HubToken,
  lease: Lease,
): Promise<'covered' | 'strays' | 'undeleted'> {
  if (!token.isActive) return 'covered';
  if (!(await removeToken(ports, target, place, token.tokenId)).gone) return 'undeleted';
  await ports.audit.record({
    event: 'token.stray_deleted',
    atMs: ports.clock.nowMs(),
    ...auditIds(lease),
    tokenId: token.tokenId,
  });
  return 'strays';
}

/** Records the lost lease again, as far as its token shows it, and revokes it. */
async function adopt(ports: SweepPorts, target: Target, token: HubToken, leaseId: string): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const endMs = token.expiresAtMs ?? nowMs;
  const createdAtMs = token.createdAtMs ?? nowMs;
  const orphan: RevokingLease = {
    schema: 1,
    id: leaseId,
    status: 'revoking',
    version: 1,
    opId: ports.ids.opId(),
    secret: 'orphan',
    target: target.name,
    hubAccount: hubAccountOf(target),
    kind: target.kind === 'org' ? 'oat' : 'pat',
    caller: 'unknown',
    hubLabel: token.label,
    requestId: 'sweep',
    issuedAtMs: createdAtMs,
    expiresAtMs: endMs,
    maxExpiresAtMs: endMs,
    hubExpiresAtMs: token.expiresAtMs,
    ...(token.expiresAtMs !== null && { hubReportedExpiresAtMs: token.expiresAtMs }),
    renewable: false,
    mintByMs: createdAtMs,
    tokenId: token.tokenId,
    attempts: 0,
    dueAtMs: nowMs,
    revokeReason: 'orphan',
    revokingSinceMs: nowMs,
  };
  // Another sweep was first, or the lease is not lost after all. Its row is then revoked like any other.
  if ((await ports.leases.create(orphan)) === 'conflict') return;
  await ports.audit.record({ event: 'lease.orphan_adopted', atMs: nowMs, ...auditIds(orphan) });
  await revokeLease(ports, leaseId, { trigger: 'asked', reason: 'orphan' });
}
