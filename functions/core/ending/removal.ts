import { failureOf } from '../hub/hub-problem.ts';
import { listAll } from '../hub/listing.ts';
import { type Delay, delayOf } from '../hub/retry.ts';
import { withSession } from '../hub/session.ts';
import type { Lease } from '../model/lease.ts';
import type { Target } from '../model/target.ts';
import type { HubProblem, HubToken, TokenPlace } from '../ports/docker-hub.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { listedByMs } from './absence.ts';

/** The only status that means that a token is gone. Source: Docker Hub API reference. */
const GONE_STATUS = 204;
/** How long to wait before the second check of a delete that was only accepted. */
const ACCEPTED_DELETE_PAUSE_MS = 2_000;

/** The result of an attempt to delete a token. */
export type Removal =
  | { readonly gone: true; readonly httpStatus: number; readonly confirmedBy?: 'gone' | 'inactive' }
  | ({ readonly gone: false /** The token as Docker Hub still shows it. */; readonly seen?: HubToken } & Delay);

/**
 * Deletes one token and returns whether it is gone. A 204 is proof. After any other 2xx, the token is read at once and again 2 s
 * later. A refusal may mean that the token was already gone, so the token is read once. A 404 counts only if the account's list
 * answers in the same attempt, is complete and lacks the id. The reason: a user without the role gets 404 for everything.
 *
 * @param unlisted the token's lease, if the token was never seen in the list. A list that lags also lacks the token, so a 404
 *   counts only when the token must already be listed.
 * @throws as `openSession`.
 */
export async function removeToken(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  tokenId: string,
  unlisted?: Lease,
): Promise<Removal> {
  const seek = (httpStatus: number) => look(ports, target, place, { tokenId, httpStatus, unlisted });
  const reply = await withSession(ports, target, (session) => ports.hub.deleteToken(session, place, tokenId), 'revoke');
  if (reply.ok) {
    const { httpStatus } = reply.value;
    if (httpStatus === GONE_STATUS) return { gone: true, httpStatus };
    const first = await seek(httpStatus);
    if (first.gone || first.code !== 'delete_pending') return first;
    await ports.clock.sleep(ACCEPTED_DELETE_PAUSE_MS);
    return seek(httpStatus);
  }
  const { problem, meta } = reply;
  if (!mayMeanGone(problem)) return { gone: false, ...problemDelay(ports, target, problem) };
  const seen = await seek(meta.httpStatus ?? 404);
  if (seen.gone || seen.code !== 'delete_pending') return seen;
  const { waiting: _, ...still } = seen;
  return { ...still, ...problemDelay(ports, target, problem) };
}

/** Statuses that some services return for missing things. Then the token must be read to find out. */
function mayMeanGone({ tag }: HubProblem): boolean {
  return tag === 'not_found' || tag === 'forbidden' || tag === 'invalid';
}

/** A token whose delete answered `httpStatus`. */
interface Deleted {
  readonly tokenId: string;
  readonly httpStatus: number;
  readonly unlisted: Lease | undefined;
}

async function look(ports: RevokePorts, target: Target, place: TokenPlace, deleted: Deleted): Promise<Removal> {
  const { tokenId, httpStatus } = deleted;
  const reply = await withSession(ports, target, (session) => ports.hub.getToken(session, place, tokenId), 'revoke');
  if (reply.ok) {
    if (!reply.value.isActive) return { gone: true, httpStatus, confirmedBy: 'inactive' };
    return { gone: false, code: 'delete_pending', waiting: true, seen: reply.value };
  }
  const { problem } = reply;
  if (problem.tag === 'forbidden') return { gone: false, code: 'account_unreachable' };
  if (problem.tag !== 'not_found') return { gone: false, ...problemDelay(ports, target, problem) };
  return confirmByList(ports, target, place, deleted);
}

async function confirmByList(
  ports: RevokePorts,
  target: Target,
  place: TokenPlace,
  { tokenId, httpStatus, unlisted }: Deleted,
): Promise<Removal> {
  const { tokens, complete, problem, startedAtMs } = await listAll(ports, target, place, 'revoke');
  const listed = tokens.find((token) => token.tokenId === tokenId);
  if (listed !== undefined && !listed.isActive) return { gone: true, httpStatus, confirmedBy: 'inactive' };
  if (listed !== undefined) return { gone: false, code: 'still_listed', waiting: true, seen: listed };
  if (problem?.tag === 'not_found' || problem?.tag === 'forbidden') return { gone: false, code: 'account_unreachable' };
  if (problem !== undefined) return { gone: false, ...problemDelay(ports, target, problem) };
  if (!complete) return { gone: false, code: 'listing_incomplete' };
  const retryAtMs = unlisted === undefined ? startedAtMs : await listedByMs(ports, target, unlisted);
  if (startedAtMs < retryAtMs) return { gone: false, code: 'quiet_period', waiting: true, retryAtMs };
  return { gone: true, httpStatus, confirmedBy: 'gone' };
}

function problemDelay(ports: RevokePorts, target: Target, problem: HubProblem): Delay {
  const nowMs = ports.clock.nowMs();
  return delayOf(failureOf(problem, target.name, nowMs), nowMs);
}
