import type { HubToken } from '../../../functions/core/ports/docker-hub.ts';
import type { CreateResult } from '../api.ts';
import type { MadeToken } from '../ledger.ts';
import { findListed } from '../listing.ts';
import { type FirstCreate, makeFirst } from '../orders.ts';
import type { Place } from '../place.ts';
import type { Holder, RegistryBearer } from '../registry.ts';
import type { Run } from '../run.ts';
import { type Probe, type Seen, watch } from '../watch.ts';
import { memberNames, refusal, seenText } from '../words.ts';

/** Refused exchanges may count as failed logins, so they are repeated at doubling intervals, and not often. */
const FIRST_EXCHANGE_PAUSE_MS = 1_000;
const MAX_EXCHANGES = 7;
/** What hublease waits at least before a list can prove that a token is absent, and the longest lag it takes. */
const QUIET_MS = 60_000;
const LAG_FACTOR = 3;
const MAX_LAG_MS = 900_000;

/** The first token of a place, which later questions delete. */
export interface FirstToken {
  readonly made: MadeToken;
  readonly tokenId: string;
  /** Secret. */
  readonly value: string;
  /** auth.docker.io gave a bearer for it. */
  readonly isExchanged: boolean;
}

/** Makes a token and follows it until everybody knows it. Undefined where none can be made here. */
export async function askNewToken(run: Run, place: Place): Promise<FirstToken | undefined> {
  const first = await makeFirst(run, place);
  const { made, reply } = first.result;
  if (!reply.ok) {
    answerRefused(run, place, first);
    return undefined;
  }
  const { tokenId, token: value } = reply.value;
  let listed: HubToken | undefined;
  const exchange = exchangeProbe(run, { username: place.username, token: value });
  const sinceMs = made.endedAtMs;
  const { get, list, registry } = await watch(
    run.line,
    {
      get: async () => (await run.api.get(place, tokenId)).ok,
      list: async () => {
        listed = await findListed(run, place, tokenId);
        return listed !== undefined;
      },
      registry: exchange.probe,
    },
    { maxMs: run.patienceMs, sinceMs },
  );
  await answerCreate(run, place, first);
  answerLags(run, place, { get, list });
  answerCreator(run, place, listed);
  const bearer = exchange.bearer();
  answerExchange(run, place, registry, bearer);
  return { made, tokenId, value, isExchanged: bearer !== undefined };
}

function exchangeProbe(
  run: Run,
  holder: Holder,
): { readonly probe: Probe; readonly bearer: () => RegistryBearer | undefined } {
  let bearer: RegistryBearer | undefined;
  let exchanges = 0;
  let pauseMs = FIRST_EXCHANGE_PAUSE_MS;
  let notBeforeMs = 0;
  const probe: Probe = async () => {
    if (exchanges >= MAX_EXCHANGES) return 'given-up';
    if (run.line.nowMs() < notBeforeMs) return 'skipped';
    const answer = await run.registry.exchange(holder, true);
    exchanges++;
    notBeforeMs = run.line.nowMs() + pauseMs;
    pauseMs *= 2;
    bearer = answer.given;
    return bearer !== undefined;
  };
  return { probe, bearer: () => bearer };
}

function earlierText({ result, refused }: FirstCreate): string {
  const before = refused.filter((each) => each !== result).map(({ reply }) => (reply.ok ? '' : refusal(reply)));
  return before.length === 0 ? '' : ` Before it: ${before.join('; ')}.`;
}

function answerRefused(run: Run, place: Place, first: FirstCreate): void {
  const { reply } = first.result;
  if (reply.ok) return;
  const change = CHANGES_OF_REFUSAL[reply.problem.tag] ?? 'hublease answers hub_refused.';
  run.answers.add(place.name, 'create', `No token: ${refusal(reply)}.${earlierText(first)}`, change, { made: false });
}

async function answerCreate(run: Run, place: Place, first: FirstCreate): Promise<void> {
  const { reply, members } = first.result;
  if (!reply.ok) return;
  const read = await run.api.rawGet(place, reply.value.tokenId);
  const readMembers = read.ok && read.value.status === 200 ? memberNames(read.value.json) : undefined;
  const compared =
    readMembers === undefined
      ? ''
      : ` Only in the create: ${without(members, readMembers)}; only in GET: ${without(readMembers, members)}.`;
  run.answers.add(
    place.name,
    'create',
    `Status ${reply.meta.httpStatus}; it takes ${orderText(first.result, place)}. Members: ${members.join(', ')}.${compared}${earlierText(first)}`,
    'Nothing: hublease takes any 2xx that holds a token and its id.',
    { made: true, status: reply.meta.httpStatus ?? null, idIsUuid: UUID.test(reply.value.tokenId) },
  );
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const CHANGES_OF_REFUSAL: Readonly<Record<string, string>> = {
  plan: "The account's plan includes no such token: hublease answers hub_refused (plan).",
  cap_reached: 'The account has all its tokens: hublease answers quota_reached.',
  access_token_session: 'The credential must be the password, not an access token.',
  forbidden: 'This account may not make tokens here: take another one for the target.',
};

function orderText({ made }: CreateResult, { order }: Place): string {
  const reach = order.scope ?? `resources ${order.resources?.map(({ path }) => path).join(', ')}`;
  return `${reach} with ${made.askedExpiresAtMs === null ? 'no expiry' : 'an expiry'}`;
}

function without(names: readonly string[], others: readonly string[]): string {
  return names.filter((name) => !others.includes(name)).join(', ') || 'none';
}

function answerLags(run: Run, place: Place, { get, list }: { readonly get: Seen; readonly list: Seen }): void {
  run.answers.add(
    place.name,
    'get-lag',
    `${seenText(get, 'the create')}.`,
    get.notYetAtMs === undefined
      ? 'Nothing: a verification reads its token at once.'
      : 'A verification waits for a GET that lags, within its own time.',
    { afterMs: get.atMs, notYetAfterMs: get.notYetAtMs ?? null },
  );
  const lagMs = lagOf(list);
  const getLagMs = lagOf(get);
  if (lagMs !== null) place.listLagMs = lagMs;
  if (getLagMs !== null) place.getLagMs = getLagMs;
  const isUsable = lagMs !== null && lagMs < MAX_LAG_MS;
  const quietSeconds = Math.max(QUIET_MS, LAG_FACTOR * (lagMs ?? 0)) / 1_000;
  run.answers.add(
    place.name,
    'list-lag',
    `${seenText(list, 'the create')}.`,
    isUsable
      ? `The quiet period of such a target is ${Math.ceil(quietSeconds)} s (listLagMs ${lagMs}).`
      : 'hublease refuses such a target as list_lags after 15 minutes.',
    { afterMs: list.atMs, notYetAfterMs: list.notYetAtMs ?? null },
  );
}

/** The first look comes some time after the create; what was seen then did not lag. */
function lagOf({ atMs, notYetAtMs }: Seen): number | null {
  return notYetAtMs === undefined ? (atMs === null ? null : 0) : atMs;
}

function answerCreator(run: Run, place: Place, listed: HubToken | undefined): void {
  const field = place.at.kind === 'pat' ? 'creator_ua' : 'created_by';
  const shown = place.at.kind === 'pat' ? listed?.creatorUserAgent : listed?.createdBy;
  const isOurs =
    place.at.kind === 'pat'
      ? shown?.includes(run.ledger.runId) === true
      : shown?.toLowerCase() === run.sessions.credential.username.toLowerCase();
  const said = shown === undefined ? 'is missing' : isOurs ? 'is as it was sent' : 'is something else';
  run.answers.add(
    place.name,
    'creator',
    listed === undefined ? 'The list never showed the token.' : `${field} ${said}.`,
    shown !== undefined && !isOurs
      ? 'hublease cannot tell its own tokens by it (creatorUserAgentKept is false).'
      : 'Where a label is unclear, hublease treats tokens without it, or with its own value, as possibly its own.',
    { kept: isOurs, missing: shown === undefined },
  );
}

function answerExchange(run: Run, place: Place, accepted: Seen, bearer: RegistryBearer | undefined): void {
  const life = bearer === undefined ? '' : ` Its bearer lives ${bearer.lifeSeconds} s.`;
  run.answers.add(
    place.name,
    'registry-start',
    `${seenText(accepted, 'the create')}.${life}`,
    accepted.notYetAtMs === undefined && accepted.atMs !== null
      ? 'Nothing: a leased token works at once.'
      : 'A client that uses a leased token at once must try again; docs/docker-hub.md states the lag.',
    { afterMs: accepted.atMs, notYetAfterMs: accepted.notYetAtMs ?? null, bearerSeconds: bearer?.lifeSeconds ?? null },
  );
}
