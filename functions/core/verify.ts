import type { Origin } from './caller.ts';
import { placeOf } from './evidence.ts';
import { Failed, fail } from './failure.ts';
import type { Grant } from './grant.ts';
import type { Lease } from './lease.ts';
import { listAll } from './listing.ts';
import { mintGrant } from './mint.ts';
import type { AdminPorts, MintPorts } from './ports.ts';
import { revokeLease } from './revoke.ts';
import { withSession } from './session.ts';
import { stored } from './stored.ts';
import type { Credential, ExpiryGranularity, Target, Verification } from './target.ts';

/** What the throwaway token may live: long enough to be read back, short enough to be no loss. */
const TTL_SECONDS = 120;
const LADDER: readonly ExpiryGranularity[] = ['second', 'minute', 'hour', 'day'];
/** The list may lag behind a create. */
const LIST_POLL_MS = 500;
/** With what one more call may take, an answer still comes within the 20 s that an API call may work. */
const BUDGET_MS = 11_000;

/** A credential that is not the current one yet, as it was staged. */
export interface StagedCredential {
  readonly credential: Credential;
  readonly version: string;
}

/** What was learned by minting and deleting a token. */
export type TokenVerification = Verification & Required<Pick<Verification, 'expiryGranularity' | 'deleteStatus'>>;

/** Name under which the leases of verifications are recorded; no secret can have it. */
export const VERIFICATION_SECRET = 'verification';

/**
 * Finds out what only the live service can tell: mints a token that can read public repositories only, through the same
 * recorded path as any lease, reads it back, waits for it in the list, deletes it and checks that it is gone. Walks from the
 * finest to the coarsest expiry until one is accepted; this is the only place that sends a second create.
 *
 * @param target as it is to be stored, with its session already shared.
 * @param staged what to log in with should that session end; the credential in force when left out.
 * @returns what was learned; undefined when time ran out: the token is then revoked in the background, and the verification
 *   may be asked for again.
 * @throws Failed: all of `mintGrant`; `expiry_refused` when no expiry is accepted, or one is ignored; `hub_unavailable` when the
 *   token could not be read back or outlived its delete.
 */
export async function verifyByToken(
  ports: AdminPorts,
  origin: Origin,
  target: Target,
  staged?: StagedCredential,
): Promise<TokenVerification | undefined> {
  const untilMs = ports.clock.nowMs() + BUDGET_MS;
  const inPlace = withTarget(ports, target, staged);
  const made = await mintThrowaway(inPlace, origin, target, untilMs);
  if (made === undefined) return undefined;
  const { lease, granularity } = made;
  const createdAtMs = ports.clock.nowMs();
  await checkExpiry(inPlace, target, lease);
  const listDelayMs = await waitForList(inPlace, target, lease, createdAtMs, untilMs);
  const revocation = await stored(revokeLease(inPlace, lease.id, { trigger: 'asked', reason: 'verified', origin }));
  if (revocation.outcome !== 'revoked' || revocation.lease.evidence?.kind !== 'deleted') return undefined;
  const after = await readBack(inPlace, target, lease);
  if (after.ok) throw fail({ tag: 'hub_unavailable', code: 'malformed', retryAfterSeconds: 5 });
  return {
    atMs: ports.clock.nowMs(),
    account: target.username,
    loginRoute: target.loginRoute,
    expiryGranularity: granularity,
    deleteStatus: revocation.lease.evidence.httpStatus,
    ...(listDelayMs !== undefined && { listDelayMs }),
    ...(after.meta.rateRemaining !== undefined && { rateRemaining: after.meta.rateRemaining }),
  };
}

/**
 * The ports with the target and its credential as if they were stored already. Its backstop is the revocation queue: a verification's lease is
 * shorter than what a message can wait.
 */
function withTarget(ports: AdminPorts, target: Target, staged: StagedCredential | undefined): MintPorts & AdminPorts {
  return {
    ...ports,
    catalog: { ...ports.catalog, getTarget: async () => target },
    credentials: staged === undefined ? ports.credentials : { ...ports.credentials, read: async () => staged },
    backstop: {
      arm: (leaseId, atMs) => ports.queue.send(leaseId, Math.max(0, atMs - ports.clock.nowMs())),
    },
    tokenSealer: { seal: () => Promise.reject(new Error('a verification has no protection key')) },
  };
}

async function mintThrowaway(ports: MintPorts, origin: Origin, target: Target, untilMs: number) {
  let refusal: Failed | undefined;
  for (const granularity of LADDER) {
    if (ports.clock.nowMs() >= untilMs) return undefined;
    try {
      const grant = grantOf({ ...target, expiryGranularity: granularity });
      return { lease: (await mintGrant(ports, origin, grant)).lease, granularity };
    } catch (error) {
      if (!(error instanceof Failed) || error.failure.tag !== 'expiry_refused') throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/** The least that each kind of token can be given. */
function grantOf(target: Target): Grant {
  return {
    secretName: VERIFICATION_SECRET,
    target,
    ttlSeconds: TTL_SECONDS,
    maxTtlSeconds: TTL_SECONDS,
    renewable: false,
    label: 'verification',
    quotas: [],
    ...(target.kind === 'org'
      ? { resources: [{ type: 'TYPE_REPO', path: '*/*/public', scopes: ['scope-image-pull'] }] }
      : { scope: 'repo:public_read' }),
  };
}

/** Docker Hub's own expiry is the one thing that ends a token when all else fails, so its being ignored is no detail. */
async function checkExpiry(ports: AdminPorts, target: Target, lease: Lease): Promise<void> {
  const reply = await readBack(ports, target, lease);
  const expires = reply.ok && reply.value.expiresAtMs !== null;
  if (expires) return;
  await stored(revokeLease(ports, lease.id, { trigger: 'asked', reason: 'verified' }));
  if (reply.ok) throw fail({ tag: 'expiry_refused', target: target.name });
  throw fail({ tag: 'hub_unavailable', code: 'malformed', retryAfterSeconds: 5 });
}

async function waitForList(
  ports: AdminPorts,
  target: Target,
  lease: Lease,
  createdAtMs: number,
  untilMs: number,
): Promise<number | undefined> {
  while (ports.clock.nowMs() < untilMs) {
    const listing = await listAll(ports, target, placeOf(lease));
    if (listing.tokens.some((token) => token.tokenId === lease.tokenId)) return ports.clock.nowMs() - createdAtMs;
    await ports.clock.sleep(LIST_POLL_MS);
  }
  return undefined;
}

function readBack(ports: AdminPorts, target: Target, lease: Lease) {
  return withSession(ports, target, (session) => ports.hub.getToken(session, placeOf(lease), lease.tokenId as string));
}
