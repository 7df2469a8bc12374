import { placeOf } from '../ending/evidence.ts';
import { settled } from '../ending/give-up.ts';
import { revokeLease } from '../ending/revoke.ts';
import { noteFacts } from '../hub/facts.ts';
import { failureOf } from '../hub/hub-problem.ts';
import { listAll } from '../hub/listing.ts';
import { withSession } from '../hub/session.ts';
import type { Origin } from '../model/caller.ts';
import { Failed, fail } from '../model/failure.ts';
import type { ActiveLease } from '../model/lease.ts';
import type { Credential, Target, Verification } from '../model/target.ts';
import type { HubToken } from '../ports/docker-hub.ts';
import type { VerifyPorts } from '../ports/needs.ts';
import { stored } from '../ports/stored.ts';
import { mintThrowaway, THROWAWAY_LABELS, type Throwaway } from './throwaway.ts';
import { type ExpiryFacts, expiryFactsOf } from './verified-expiry.ts';

/** Pause between two checks whether Docker Hub has finished a step. */
const POLL_MS = 500;
/** Plus the time of one more call, this stays within the 20 s of an API call. */
const BUDGET_MS = 11_000;
/** The part of that time that is reserved for the delete. */
const DELETE_MS = 4_000;
const USER_AGENT_START = 'hublease/';

/** A staged credential, which is not current yet. */
export interface StagedCredential {
  readonly credential: Credential;
  readonly version: string;
}

/**
 * The step that a verification still waits for when its time is up: the token can be read, is listed, or is gone after its
 * delete. `login`: no token was made yet.
 */
export type VerificationStep = 'login' | 'read' | 'list' | 'delete';

/** The results, and the step that Docker Hub has not finished. */
export interface Verified {
  readonly verification: Verification;
  readonly pending?: VerificationStep;
}

/**
 * Learns facts that only the live service can show. Mints a token that can read only public repositories, recorded like any
 * lease. Then reads it, waits until it is listed, deletes it and checks that it is gone. Compares label and expiry with the
 * request wherever Docker Hub shows them.
 *
 * @param target as it is to be stored, with its session already shared.
 * @param staged the credential for a login if that session ends. Default: the current one.
 * @returns undefined if time ran out before a token was made; call again. If the token is not listed in time, the sweep looks for
 *   it, and until then the list gives no proof.
 * @throws Failed: all of `mintGrant`; `expiry_refused` or `label_refused` if Docker Hub keeps too little of the request;
 *   `hub_unavailable` if the token could not be read, or lived on after its delete.
 */
export async function verifyByToken(
  ports: VerifyPorts,
  origin: Origin,
  target: Target,
  staged?: StagedCredential,
): Promise<Verified | undefined> {
  const untilMs = ports.clock.nowMs() + BUDGET_MS;
  const inPlace =
    staged === undefined ? ports : { ...ports, credentials: { ...ports.credentials, read: async () => staged } };
  const seen = { ...inPlace, catalog: { ...inPlace.catalog, getTarget: async () => target } };
  let labels = THROWAWAY_LABELS;
  for (;;) {
    const made = await mintThrowaway(inPlace, origin, target, labels, untilMs);
    if (made === undefined) return undefined;
    try {
      return await observe(seen, origin, target, made, untilMs);
    } catch (error) {
      // Nothing waits for this token any more.
      await settled(revokeLease(seen, made.lease.id, { trigger: 'asked', reason: 'verified', origin }));
      labels = labels.filter(({ labelMaxCharacters }) => labelMaxCharacters < made.labelMaxCharacters);
      // The answer to the create may repeat the requested label. Only later reads show the stored one.
      const isLabel = error instanceof Failed && error.failure.tag === 'label_refused';
      if (!isLabel || labels.length === 0) throw error;
    }
  }
}

async function observe(
  ports: VerifyPorts,
  origin: Origin,
  target: Target,
  made: Throwaway,
  untilMs: number,
): Promise<Verified> {
  const { lease } = made;
  const read = await waitForRead(ports, target, lease, untilMs - DELETE_MS);
  const byRead = learn(ports, target, made, read === undefined ? [] : [read]);
  if (read === undefined) return notShown(ports, lease, byRead, 'read');
  const listed = await waitForList(ports, target, lease, untilMs - DELETE_MS);
  if (listed === undefined) return notShown(ports, lease, byRead, 'list');
  const learned = learn(ports, target, made, [read, listed]);
  const verification = { ...learned, listDelayMs: ports.clock.nowMs() - lease.issuedAtMs };
  const removed = await remove(ports, origin, target, lease, untilMs);
  if (removed === undefined) return { verification, pending: 'delete' };
  return { verification: { ...verification, ...removed } };
}

/** Leaves a token that is not listed yet to the sweep's listings. */
async function notShown(
  ports: VerifyPorts,
  { id: leaseId, target, tokenId, issuedAtMs: createdAtMs }: ActiveLease,
  verification: Verification,
  pending: VerificationStep,
): Promise<Verified> {
  await noteFacts(ports, target, () => ({
    pendingVerification: { leaseId, tokenId, createdAtMs },
  }));
  return { verification, pending };
}

/**
 * The facts that the token shows.
 *
 * @throws Failed `label_refused`, `expiry_refused` if Docker Hub keeps too little for mints.
 */
function learn(
  ports: VerifyPorts,
  target: Target,
  { lease, granularity, minSeconds, labelMaxCharacters }: Throwaway,
  seen: readonly HubToken[],
): Verification {
  const isLabelKept = seen.every(({ label }) => label === lease.hubLabel);
  if (!isLabelKept) throw fail({ tag: 'label_refused', target: target.name });
  const reported = [lease.hubReportedExpiresAtMs ?? null, ...seen.map(({ expiresAtMs }) => expiresAtMs)];
  const expiry: ExpiryFacts | undefined = expiryFactsOf(target, lease, reported);
  if (expiry === undefined) throw fail({ tag: 'expiry_refused', target: target.name });
  return {
    atMs: ports.clock.nowMs(),
    account: target.username,
    loginRoute: target.loginRoute,
    expiryGranularity: granularity,
    ...(minSeconds !== undefined && { expiryMinSeconds: minSeconds }),
    ...expiry,
    labelMaxCharacters,
    ...makerOf(target, seen),
  };
}

/** Whether Docker Hub showed hublease as the token's creator, wherever it showed a creator. */
function makerOf({ kind, username }: Target, seen: readonly HubToken[]): Pick<Verification, 'creatorUserAgentKept'> {
  if (kind === 'org') {
    const isOurs = seen.every(({ createdBy = username }) => createdBy.toLowerCase() === username);
    return isOurs ? {} : { creatorUserAgentKept: false };
  }
  const agents = seen.map(({ creatorUserAgent }) => creatorUserAgent).filter((agent) => agent !== undefined);
  return agents.length === 0
    ? {}
    : { creatorUserAgentKept: agents.every((agent) => agent.startsWith(USER_AGENT_START)) };
}

/** The token as Docker Hub shows it; undefined if it showed none in time. @throws Failed for any other answer. */
async function waitForRead(
  ports: VerifyPorts,
  target: Target,
  lease: ActiveLease,
  untilMs: number,
): Promise<HubToken | undefined> {
  for (;;) {
    const reply = await readBack(ports, target, lease);
    if (reply.ok) return reply.value;
    if (reply.problem.tag !== 'not_found') throw failureOf(reply.problem, target.name, ports.clock.nowMs());
    if (ports.clock.nowMs() >= untilMs) return undefined;
    await ports.clock.sleep(POLL_MS);
  }
}

async function waitForList(
  ports: VerifyPorts,
  target: Target,
  lease: ActiveLease,
  untilMs: number,
): Promise<HubToken | undefined> {
  for (;;) {
    const { tokens } = await listAll(ports, target, placeOf(lease), 'mint');
    const listed = tokens.find(({ tokenId }) => tokenId === lease.tokenId);
    if (listed !== undefined || ports.clock.nowMs() >= untilMs) return listed;
    await ports.clock.sleep(POLL_MS);
  }
}

/**
 * Deletes the token; undefined if Docker Hub has not done so in time.
 *
 * @returns the status of the delete, and the other facts of the last answer.
 * @throws Failed `hub_unavailable` if Docker Hub answers that the token is gone, but still shows it.
 */
async function remove(
  ports: VerifyPorts,
  origin: Origin,
  target: Target,
  lease: ActiveLease,
  untilMs: number,
): Promise<Pick<Verification, 'deleteStatus' | 'rateRemaining'> | undefined> {
  for (;;) {
    const order = { trigger: 'asked', reason: 'verified', origin, isListed: true } as const;
    const revocation = await stored(revokeLease(ports, lease.id, order));
    const { evidence, dueAtMs = 0 } = 'lease' in revocation ? revocation.lease : {};
    const isDeleted = evidence?.kind === 'deleted';
    const after = isDeleted ? await readBack(ports, target, lease) : undefined;
    if (isDeleted && !(after?.ok && after.value.isActive)) {
      const rateRemaining = after?.meta.rateRemaining;
      return { deleteStatus: evidence.httpStatus, ...(rateRemaining !== undefined && { rateRemaining }) };
    }
    // Do not retry before the revoker would, because an earlier retry would only be refused again.
    const againAtMs = Math.max(dueAtMs, ports.clock.nowMs() + POLL_MS);
    if (againAtMs > untilMs && isDeleted) {
      throw fail({ tag: 'hub_unavailable', code: 'malformed', retryAfterSeconds: 5 });
    }
    if (againAtMs > untilMs) return undefined;
    await ports.clock.sleep(againAtMs - ports.clock.nowMs());
  }
}

function readBack(ports: VerifyPorts, target: Target, lease: ActiveLease) {
  return withSession(ports, target, (session) => ports.hub.getToken(session, placeOf(lease), lease.tokenId), 'mint');
}
