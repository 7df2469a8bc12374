import type { HubReply } from '../../../functions/core/ports/docker-hub.ts';
import { findListed } from '../listing.ts';
import type { Place } from '../place.ts';
import type { RegistryBearer } from '../registry.ts';
import { noteDelete } from '../removal.ts';
import type { Run } from '../run.ts';
import { Stopped } from '../stop.ts';
import { type Probe, type Seen, watch } from '../watch.ts';
import { refusal, seenText } from '../words.ts';
import type { FirstToken } from './new-token.ts';

/** A bearer is signed and checked without asking back, so it may live to its own end, and a little longer. */
const BEARER_MARGIN_MS = 60_000;
const MAX_TRIES = 3;
const RETRY_PAUSE_MS = 5_000;
const NO_PROBE: Seen = { atMs: null };

/**
 * Deletes the first token, and watches how long it works in each place.
 *
 * @throws Stopped when it does not go: then no more tokens may be made.
 */
export async function askDelete(run: Run, place: Place, first: FirstToken): Promise<void> {
  const { made, tokenId, value } = first;
  const holder = { username: place.username, token: value };
  const bearer = first.isExchanged ? (await run.registry.exchange(holder, true)).given : undefined;
  const deleted = await deleteOnce(run, place, tokenId);
  noteDelete(made, deleted);
  answerStatus(run, place, deleted);
  if (!deleted.ok) throw new Stopped({ kind: 'delete_fails' });
  const sinceMs = run.line.nowMs();
  const gone = await watchToken(run, place, first, sinceMs);
  if (gone.get.atMs === null && made.goneBy === undefined) throw new Stopped({ kind: 'delete_fails' });
  if (bearer !== undefined) await watchBearer(run, place, bearer, sinceMs);
  await askDeleteAgain(run, place, tokenId);
}

/** Repeats a DELETE that had no usable answer. */
async function deleteOnce(run: Run, place: Place, tokenId: string) {
  let deleted = await run.api.delete(place, tokenId);
  for (let tries = 1; tries < MAX_TRIES && !deleted.ok && deleted.problem.tag === 'fault'; tries++) {
    await run.line.sleep(RETRY_PAUSE_MS);
    deleted = await run.api.delete(place, tokenId);
  }
  return deleted;
}

function answerStatus(run: Run, place: Place, deleted: HubReply<{ readonly httpStatus: number }>): void {
  const { httpStatus = null } = deleted.meta;
  run.answers.add(
    place.name,
    'delete-status',
    deleted.ok ? `Status ${httpStatus}.` : `It fails: ${refusal(deleted)}.`,
    httpStatus === 204
      ? 'Nothing: a 204 is evidence (deleted).'
      : deleted.ok
        ? 'hublease believes only a later GET (delete_pending until then).'
        : 'A lease stays open until its token goes or is past its reported expiry.',
    { status: httpStatus },
  );
}

async function watchToken(run: Run, place: Place, first: FirstToken, sinceMs: number) {
  const { tokenId, value } = first;
  let shown = '';
  const probes: Record<string, Probe> = {
    get: async () => {
      const reply = await run.api.get(place, tokenId);
      shown = reply.ok ? `200, ${reply.value.isActive ? 'active' : 'inactive'}` : refusal(reply);
      return reply.ok ? !reply.value.isActive : reply.meta.httpStatus === 404 || reply.meta.httpStatus === 410;
    },
    list: async () => (await findListed(run, place, tokenId))?.isActive !== true,
  };
  if (first.isExchanged) {
    probes.registry = async () => {
      const { status } = await run.registry.exchange({ username: place.username, token: value });
      return status === 401;
    };
  }
  const bounds = { maxMs: run.patienceMs, sinceMs };
  const { get = NO_PROBE, list = NO_PROBE, registry } = await watch(run.line, probes, bounds);
  run.answers.add(
    place.name,
    'delete-get',
    `${seenText(get, 'DELETE')}. Last answer: ${shown}.`,
    /\(not_found\)|inactive/.test(shown)
      ? 'Nothing: after a 2xx other than 204 that is evidence (confirmedBy gone or inactive).'
      : get.atMs === null
        ? 'A lease stays open until its token goes or is past its reported expiry.'
        : 'hublease cannot read that answer as gone: only a 204 to DELETE is evidence.',
    { afterMs: get.atMs, notYetAfterMs: get.notYetAtMs ?? null },
  );
  run.answers.add(
    place.name,
    'delete-list',
    `${seenText(list, 'DELETE')}.`,
    'hublease opens a revoked lease again only for a token that is listed active.',
    { afterMs: list.atMs, notYetAfterMs: list.notYetAtMs ?? null },
  );
  if (registry !== undefined) answerRegistry(run, place, registry);
  return { get };
}

function answerRegistry(run: Run, place: Place, registry: Seen): void {
  run.answers.add(
    place.name,
    'registry-stop',
    `${seenText(registry, 'DELETE')}.`,
    registry.notYetAtMs === undefined
      ? 'Nothing: a revoked lease gets no new bearer.'
      : 'docs/docker-hub.md states this delay beside the life of a bearer: a revoked token works that much longer.',
    { afterMs: registry.atMs, notYetAfterMs: registry.notYetAtMs ?? null },
  );
}

async function watchBearer(run: Run, place: Place, bearer: RegistryBearer, sinceMs: number): Promise<void> {
  const { lifeSeconds, refreshToken } = bearer;
  const maxMs = Math.min(run.patienceMs, lifeSeconds * 1_000 + BEARER_MARGIN_MS);
  const probes: Record<string, Probe> = { bearer: async () => (await run.registry.ping(bearer.bearer)) === 401 };
  if (refreshToken !== undefined) {
    probes.refresh = async () => (await run.registry.refresh(refreshToken)).status !== 200;
  }
  const { bearer: used = NO_PROBE, refresh } = await watch(run.line, probes, { maxMs, sinceMs });
  run.answers.add(
    place.name,
    'bearer-after',
    `${seenText(used, 'DELETE')}. It was issued for ${lifeSeconds} s.`,
    used.notYetAtMs === undefined && (used.atMs ?? Number.POSITIVE_INFINITY) < lifeSeconds * 1_000
      ? 'A bearer ends with its token: the 5 minutes of docs/docker-hub.md can go.'
      : 'The time that a bearer outlives its token, stated in docs/docker-hub.md.',
    { afterMs: used.atMs, notYetAfterMs: used.notYetAtMs ?? null, issuedForSeconds: lifeSeconds },
  );
  const worksOn = refresh !== undefined && refresh.notYetAtMs !== undefined;
  run.answers.add(
    place.name,
    'refresh-after',
    refresh === undefined ? 'auth.docker.io gives none.' : `${seenText(refresh, 'DELETE')}.`,
    worksOn
      ? 'A client that took a refresh token outlives its lease: the README must say so.'
      : 'Nothing: no refresh token outlives a lease.',
    { given: refresh !== undefined, afterMs: refresh?.atMs ?? null, notYetAfterMs: refresh?.notYetAtMs ?? null },
  );
}

async function askDeleteAgain(run: Run, place: Place, tokenId: string): Promise<void> {
  const again = await run.api.delete(place, tokenId);
  run.answers.add(
    place.name,
    'delete-gone',
    again.ok ? `Status ${again.value.httpStatus}.` : `${refusal(again)}.`,
    !again.ok && again.problem.tag === 'not_found'
      ? 'Nothing: with a complete list that lacks the id this is evidence.'
      : 'hublease looks at the token by GET and by list before it believes that it is gone.',
    { status: again.meta.httpStatus ?? null, json: again.meta.isJson === true },
  );
}
