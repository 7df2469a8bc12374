import { readFacts } from '../hub/facts.ts';
import { listAll } from '../hub/listing.ts';
import { type Delay, delayOf } from '../hub/retry.ts';
import { withSession } from '../hub/session.ts';
import { Failed } from '../model/failure.ts';
import type { Evidence, Lease, OpenLease } from '../model/lease.ts';
import type { ReportedExpiry } from '../model/lease-transitions.ts';
import { hubAccountOf, type Target } from '../model/target.ts';
import type { HubToken, TokenPlace } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import {
  agree,
  aliveTokensOf,
  blockersOf,
  EXPIRY_MARGIN_MS,
  gapIn,
  judgeAbsence,
  lagDoubt,
  quietUntilMs,
  tokensOf,
} from './absence.ts';
import { removeToken } from './removal.ts';

/** The findings of an attempt, with or without proof. */
interface Found extends ReportedExpiry {
  /** All tokens of the lease found by label and deleted so far. */
  readonly removedTokenIds: readonly string[];
}

/** No token of the lease lives. */
export interface Proven extends Found {
  readonly tag: 'proven';
  readonly evidence: Evidence;
}

/** There is no proof yet; `code` says why. */
export interface Unproven extends Found, Delay {
  readonly tag: 'unproven';
  /** Listed tokens that may be the lease's. */
  readonly blockedBy?: readonly string[];
}

/** The result of an attempt to prove a lease's end. */
export type Finding = Proven | Unproven;

/** The place on Docker Hub that holds a lease's token. */
export function placeOf(lease: Pick<Lease, 'kind' | 'hubAccount'>): TokenPlace {
  return lease.kind === 'oat' ? { kind: 'oat', organization: lease.hubAccount } : { kind: 'pat' };
}

/**
 * Deletes the lease's tokens on Docker Hub. Returns the proof that none of them lives, or why there is no proof yet.
 *
 * @param seen whether the token was seen in the account's list.
 */
export async function findEvidence(
  ports: RevokePorts,
  lease: OpenLease,
  seen: { readonly isListed?: boolean } = {},
): Promise<Finding> {
  const removedTokenIds = lease.removedTokenIds ?? [];
  try {
    const target = await ports.catalog.getTarget(lease.target);
    if (target === undefined) return { tag: 'unproven', code: 'target_not_found', removedTokenIds };
    // For another account, Docker Hub answers 404 to our ids and lists none of our labels, which proves nothing.
    if (hubAccountOf(target) !== lease.hubAccount) return { tag: 'unproven', code: 'wrong_account', removedTokenIds };
    if (lease.tokenId !== undefined)
      return { ...(await endById(ports, target, lease, lease.tokenId, seen.isListed === true)), removedTokenIds };
    return await endByLabel(ports, target, lease);
  } catch (error) {
    if (!(error instanceof Failed)) return { tag: 'unproven', code: 'store_unavailable', removedTokenIds };
    return { tag: 'unproven', ...delayOf(error, ports.clock.nowMs()), removedTokenIds };
  }
}

/**
 * The proof of last resort: Docker Hub's own clock is past the expiry that Docker Hub itself reported. The requested expiry
 * proves nothing, because Docker Hub may have kept another one, or none.
 */
export async function expiredEvidence(
  ports: RevokePorts,
  lease: OpenLease,
  { reportedExpiresAtMs, blockedBy }: Pick<Unproven, 'reportedExpiresAtMs' | 'blockedBy'>,
): Promise<Evidence | undefined> {
  const hubExpiresAtMs = reportedExpiresAtMs === undefined ? lease.hubReportedExpiresAtMs : reportedExpiresAtMs;
  if (hubExpiresAtMs === undefined || hubExpiresAtMs === null) return undefined;
  // Other listed tokens that may belong to the lease have their own expiry.
  if (blockedBy !== undefined || lease.blockedBy !== undefined) return undefined;
  const deadlineMs = hubExpiresAtMs + EXPIRY_MARGIN_MS;
  if (ports.clock.nowMs() <= deadlineMs) return undefined;
  const { hubDateMs } = (await ports.hub.readDate()).meta;
  if (hubDateMs === undefined || hubDateMs <= deadlineMs) return undefined;
  return { kind: 'expired', atMs: ports.clock.nowMs(), hubDateMs, hubExpiresAtMs };
}

async function endById(
  ports: RevokePorts,
  target: Target,
  lease: Lease,
  tokenId: string,
  isListed: boolean,
): Promise<Omit<Proven, keyof Found> | Omit<Unproven, 'removedTokenIds'>> {
  const removal = await removeToken(ports, target, placeOf(lease), tokenId, isListed ? undefined : lease);
  if (removal.gone) {
    const { gone: _, ...proof } = removal;
    return { tag: 'proven', evidence: { kind: 'deleted', atMs: ports.clock.nowMs(), ...proof } };
  }
  const { gone: _, seen, ...delay } = removal;
  const token = seen ?? (await lookForExpiry(ports, target, lease, tokenId));
  return { tag: 'unproven', ...delay, ...(token !== undefined && { reportedExpiresAtMs: token.expiresAtMs }) };
}

/**
 * Reads the expiry from Docker Hub again if it is the evidence that may end the lease. The answer to the create may only have
 * repeated the request.
 */
async function lookForExpiry(
  ports: RevokePorts,
  target: Target,
  lease: Lease,
  tokenId: string,
): Promise<HubToken | undefined> {
  const expiresAtMs = lease.hubReportedExpiresAtMs ?? lease.hubExpiresAtMs;
  if (expiresAtMs === null || ports.clock.nowMs() <= expiresAtMs) return undefined;
  const reply = await withSession(
    ports,
    target,
    (session) => ports.hub.getToken(session, placeOf(lease), tokenId),
    'revoke',
  );
  return reply.ok ? reply.value : undefined;
}

/** For a create whose answer was lost: the token's id is unknown, so only its label identifies it. */
async function endByLabel(ports: RevokePorts, target: Target, lease: Lease): Promise<Finding> {
  const place = placeOf(lease);
  const quietMs = quietUntilMs(lease, ports.limits, target, await readFacts(ports, target.name));
  const removed = new Set(lease.removedTokenIds);

  let first = await listAll(ports, target, place, 'revoke');
  const matches = tokensOf(ports, first, lease);
  const report = matches.length === 0 ? {} : { reportedExpiresAtMs: latestExpiry(matches) };
  const alive = aliveTokensOf(ports, first, lease);
  for (const { tokenId } of alive) {
    const removal = await removeToken(ports, target, place, tokenId);
    if (!removal.gone) {
      const { gone: _, seen: __, ...delay } = removal;
      return { tag: 'unproven', ...delay, ...report, removedTokenIds: [...removed] };
    }
    removed.add(tokenId);
  }
  const found = { ...report, removedTokenIds: [...removed] };
  const gap = gapIn(ports, target, first);
  if (first.startedAtMs < quietMs) {
    // An incomplete listing may have hidden a token. Search again before the quiet period ends, so that the token does not live
    // until then.
    const wait = { code: 'quiet_period', waiting: true, retryAtMs: quietMs };
    return { tag: 'unproven', ...(gap ?? wait), ...found };
  }
  if (gap !== undefined) return { tag: 'unproven', ...gap, ...found };
  const known = { ...lease, removedTokenIds: found.removedTokenIds };
  const doubt = await lagDoubt(ports, target);
  if (doubt !== undefined) {
    // A further listing does not help, and a person may recognise a token in this one.
    const blockedBy = blockersOf(ports, target, known, [first], quietMs);
    return { tag: 'unproven', ...doubt, ...found, ...(blockedBy !== undefined && { blockedBy }) };
  }
  if (alive.length > 0) first = await listAll(ports, target, place, 'revoke');
  const second = await listAll(ports, target, place, 'revoke');
  const secondGap = gapIn(ports, target, first) ?? gapIn(ports, target, second);
  if (secondGap !== undefined) return { tag: 'unproven', ...secondGap, ...found };
  if (!(await agree(ports, lease.hubAccount, first, second))) {
    return { tag: 'unproven', code: 'listings_differ', ...found };
  }
  return { ...judgeAbsence(ports, target, known, { first, second, quietUntilMs: quietMs }), ...found };
}

/** When the last of several tokens expires; null if one of them never expires. */
function latestExpiry(tokens: readonly HubToken[]): number | null {
  const expiriesMs = tokens.map(({ expiresAtMs }) => expiresAtMs).filter((atMs) => atMs !== null);
  return expiriesMs.length < tokens.length ? null : Math.max(...expiriesMs);
}
