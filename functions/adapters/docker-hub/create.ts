import type {
  CreatedToken,
  HubReply,
  HubSession,
  TokenMinter,
  TokenOrder,
  TokenPlace,
} from '../../core/ports/docker-hub.ts';
import {
  ANSWER_MAX_BYTES,
  faultReply,
  type HubAnswer,
  type HubOptions,
  type HubRequest,
  hubExchange,
  withDeadline,
} from './http.ts';
import { property } from './json.ts';
import { problemOf } from './problem.ts';
import { idField, instant, isTokenId, labelField, tokensPath } from './tokens.ts';

/** Tokens have about 40 characters, and never a space. */
const TOKEN = /^[\x21-\x7e]{1,512}$/;

/**
 * Creates tokens. In a separate file, so that a function that only revokes does not bundle it. Sends the request exactly once.
 *
 * @throws Error for an origin that a credential may not be sent to. `createToken` rejects only if the order is of another kind
 *   than its place, or if the organization is not allowed in a path. Then nothing was sent.
 */
export function tokenMinter(options: HubOptions): TokenMinter {
  const exchange = hubExchange(options);
  return {
    createToken: async (session, place, order) => {
      const request = createRequest(session, place, order);
      const reply = await withDeadline(options.timeoutMs, (deadline) => exchange(request, deadline));
      return reply.ok ? readCreated(reply.value, place, options.nowMs()) : reply;
    },
  };
}

/** @throws Error if the order is of another kind than its place, or if the organization is not allowed in a path. */
export function createRequest(session: HubSession, place: TokenPlace, order: TokenOrder): HubRequest {
  return {
    method: 'POST',
    path: tokensPath(place),
    bearer: session.bearer,
    body: createBody(place, order),
    maxBytes: ANSWER_MAX_BYTES,
    expects: 'json',
  };
}

/** Reads the answer to a create. 201 is documented. Any 2xx with a token is accepted. */
export function readCreated(answer: HubAnswer, place: TokenPlace, nowMs: number): HubReply<CreatedToken> {
  const { json, meta } = answer;
  const problem = problemOf(answer, nowMs, 'create');
  if (problem !== undefined) return { ok: false, problem, meta };
  const tokenId = property(json, idField(place));
  const token = property(json, 'token');
  if (!isTokenId(tokenId) || typeof token !== 'string' || !TOKEN.test(token)) return faultReply('malformed', meta);
  const label = property(json, labelField(place));
  const echo = { ...(typeof label === 'string' && { label }), expiresAtMs: instant(property(json, 'expires_at')) };
  return { ok: true, value: { tokenId, token, ...echo }, meta };
}

function createBody(place: TokenPlace, order: TokenOrder): Readonly<Record<string, unknown>> {
  const expiry = order.expiresAtMs === null ? {} : { expires_at: rfc3339(order.expiresAtMs) };
  if (place.kind === 'pat') {
    if (order.scope === undefined) throw new Error('a personal access token needs a scope');
    return { token_label: order.label, scopes: [order.scope], ...expiry };
  }
  if (order.resources === undefined) throw new Error('an organization access token needs resources');
  return { label: order.label, resources: order.resources, ...expiry };
}

/** `YYYY-MM-DDTHH:MM:SSZ` for whole seconds, which Docker Hub returns as sent; else with milliseconds. */
function rfc3339(atMs: number): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}
