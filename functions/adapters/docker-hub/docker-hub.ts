import type { DockerHub, HubReply, HubSession, HubWindow, TokenPlace } from '../../core/ports/docker-hub.ts';
import {
  ANSWER_MAX_BYTES,
  faultReply,
  type HubAnswer,
  type HubOptions,
  type HubRequest,
  hubExchange,
  LIST_MAX_BYTES,
  withDeadline,
} from './http.ts';
import { logIn } from './login.ts';
import { problemOf } from './problem.ts';
import { decodePage, decodeToken, tokenPath, tokensPath } from './tokens.ts';

/**
 * How long a reading of Docker Hub's clock is reused. Thousands of leases may wait for their end by that clock, and each may wait
 * this much longer. A time that has passed once stays passed.
 */
const DATE_SERVES_MS = 30_000;
/** Far more than any account's tokens. A higher page number or size is a bug in hublease. */
const PAGE_MAX = 10_000;

/**
 * Docker Hub over HTTP, without the create, which is in `create.ts`. Routes and fields: Docker Hub API reference. Sends each
 * request exactly once. The caller decides about retries.
 *
 * @throws Error for an origin that a credential may not be sent to. Methods reject only for an id, organization or page that does
 *   not belong into a path, before anything is sent.
 */
export function dockerHub(options: HubOptions): DockerHub {
  const exchange = hubExchange(options);

  async function call<T>(
    request: HubRequest,
    session: HubSession,
    read: (answer: HubAnswer) => T | undefined,
  ): Promise<HubReply<T>> {
    const sent = { ...request, bearer: session.bearer };
    const reply = await withDeadline(options.timeoutMs, (deadline) => exchange(sent, deadline));
    if (!reply.ok) return reply;
    const { meta } = reply;
    const problem = problemOf(reply.value, options.nowMs(), 'other');
    if (problem !== undefined) return { ok: false, problem, meta };
    const value = read(reply.value);
    return value === undefined ? faultReply('malformed', meta) : { ok: true, value, meta };
  }

  async function askDate(): Promise<HubReply<null>> {
    // A refused request costs Docker Hub least, and its answer never comes from a cache. Every answer has the date.
    const request = {
      method: 'GET',
      path: '/v2/access-tokens',
      maxBytes: ANSWER_MAX_BYTES,
      expects: 'status',
    } as const;
    const reply = await withDeadline(options.timeoutMs, (deadline) => exchange(request, deadline));
    if (reply.meta.hubDateMs !== undefined) return { ok: true, value: null, meta: reply.meta };
    return reply.ok ? faultReply('malformed', reply.meta) : reply;
  }

  let reading: { readonly atMs: number; readonly reply: Promise<HubReply<null>> } | undefined;

  return {
    login: (credential, route, nowMs) =>
      withDeadline(options.timeoutMs, (deadline) =>
        logIn(exchange, credential, route, { totpAtMs: nowMs, nowMs: options.nowMs }, deadline),
      ),

    listTokens: async (session, place, window) =>
      call(
        { method: 'GET', path: pagePath(place, window), maxBytes: LIST_MAX_BYTES, expects: 'json' },
        session,
        (answer) => decodePage(answer.json, place),
      ),

    getToken: async (session, place, tokenId) =>
      call(
        { method: 'GET', path: tokenPath(place, tokenId), maxBytes: ANSWER_MAX_BYTES, expects: 'json' },
        session,
        (answer) => {
          const token = decodeToken(answer.json, place);
          return token?.tokenId.toLowerCase() === tokenId.toLowerCase() ? token : undefined;
        },
      ),

    deleteToken: async (session, place, tokenId) =>
      call(
        { method: 'DELETE', path: tokenPath(place, tokenId), maxBytes: ANSWER_MAX_BYTES, expects: 'status' },
        session,
        (answer) => ({ httpStatus: answer.status }),
      ),

    readDate() {
      const nowMs = options.nowMs();
      const isFresh = reading !== undefined && nowMs >= reading.atMs && nowMs < reading.atMs + DATE_SERVES_MS;
      if (reading !== undefined && isFresh) return reading.reply;
      const begun = { atMs: nowMs, reply: askDate() };
      reading = begun;
      begun.reply.then(({ ok }) => {
        if (!ok && reading === begun) reading = undefined;
      });
      return begun.reply;
    },
  };
}

function pagePath(place: TokenPlace, { page, pageSize }: HubWindow): string {
  for (const number of [page, pageSize]) {
    if (!Number.isInteger(number) || number < 1 || number > PAGE_MAX)
      throw new Error('not the number or size of a page');
  }
  return `${tokensPath(place)}?page=${page}&page_size=${pageSize}`;
}
