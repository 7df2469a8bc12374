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

/** Pause between two looks at what Docker Hub has yet to do. */
const POLL_MS = 500;
/** With what one more call may take, an answer still comes within the 20 s that an API call may work. */
const BUDGET_MS = 11_000;
/** Of that, what is kept for the delete. */
const DELETE_MS = 4_000;
const USER_AGENT_START = 'hublease/';

/** A credential that is not the current one yet, as it was staged. */
export interface StagedCredential {
  readonly credential: Credential;
  readonly version: string;
}

/**
 * What a verification still waits for when its time is up: a token that can be read back, that stands in the list, or that is
 * gone after its delete. `login`: no token was made yet.
 */
export type VerificationStep = 'login' | 'read' | 'list' | 'delete';

/** What was learned, and what Docker Hub has yet to do. */
export interface Verified {
  readonly verification: Verification;
  readonly pending?: VerificationStep;
}

/**
 * Finds out what only the live service can tell: mints a token that can read public repositories only, through the same
 * recorded path as any lease, reads it back, waits for it in the list, deletes it and checks that it is gone. What Docker Hub
 * keeps of the label and of the expiry is compared with what was sent, wherever it shows them.
 *
 * @param target as it is to be stored, with its session already shared.
 * @param staged what to log in with should that session end; the credential in force when left out.
 * @returns undefined when time ran out before a token was made: ask again. A token that is not shown in time is left for the
 *   sweep to look for, and then the list serves no proof until it is found.
 * @throws Failed: all of `mintGrant`; `expiry_refused` or `label_refused` when Docker Hub keeps too little of what it is asked;
 *   `hub_unavailable` when the token could not be read back or outlived its delete.
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
      // Nobody waits for this token any more.
      await settled(revokeLease(seen, made.lease.id, { trigger: 'asked', reason: 'verified', origin }));
      labels = labels.filter(({ labelMaxCharacters }) => labelMaxCharacters < made.labelMaxCharacters);
      // A create may be answered with the label as it was sent, and every later look shows what was kept of it.
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

/** Leaves a token that Docker Hub does not show yet to the listings of the sweep. */
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
 * What the token shows.
 *
 * @throws Failed `label_refused`, `expiry_refused` where that is too little to mint by.
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

/** Whether the token was shown as made by hublease, wherever its maker was shown. */
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

/** The token as Docker Hub shows it; undefined when it showed none in time. @throws Failed for any other answer. */
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
 * Deletes the token; undefined when Docker Hub has not done so in time.
 *
 * @returns the status of the delete, and what else the last answer said.
 * @throws Failed `hub_unavailable` when Docker Hub says that the token is gone and still shows it.
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
    // Sooner than the revoker would come again, another try would only be refused again.
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
