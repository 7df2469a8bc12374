import type { HubProblem } from '../core/ports.ts';
import type { HubAnswer } from './docker-hub-http.ts';
import { property } from './docker-hub-json.ts';
import { readRetryAtMs } from './docker-hub-meta.ts';

/** Docker Hub locks a user name for 10 to 15 minutes after bad logins. Source: docker/hub-feedback issues 2201 and 2217. */
const LOCKOUT_DEFAULT_MS = 600_000;

/** The fields that hublease sends. Other names in an answer are not repeated: they might hold anything. */
const SENT_FIELDS = ['token_label', 'label', 'scopes', 'resources', 'expires_at'] as const;

/**
 * What an answer to a login or token call means when its status is no 2xx, or it is an HTML page in place of an answer.
 * Undefined for any other 2xx.
 *
 * A 4xx is Docker Hub's own verdict only as JSON or without any body: anything else was written by what stands before it
 * (such as the edge's `error code: 1010` under 403), and a 404 of that kind must never prove that a token is gone.
 */
export function problemOf(answer: HubAnswer, nowMs: number, place: 'api' | 'login'): HubProblem | undefined {
  const { status, form } = answer;
  if (status === 429) return throttled(answer, nowMs);
  if (status >= 500) return { tag: 'fault', code: status === 503 && form !== 'json' ? 'edge' : 'server_error' };
  if (status >= 300 && status < 400) return { tag: 'fault', code: 'redirected' };
  if (form === 'html' || (status === 403 && form !== 'json')) return { tag: 'fault', code: 'edge' };
  if (status >= 200 && status < 300) return undefined;
  if (status < 400 || form === 'other') return { tag: 'fault', code: 'malformed' };
  if (place === 'login' && saysLockedOut(answer)) return throttled(answer, nowMs);
  return verdict(answer, place);
}

function verdict(answer: HubAnswer, place: 'api' | 'login'): HubProblem {
  switch (answer.status) {
    case 401:
      return place === 'login' ? { tag: 'credential_refused' } : { tag: 'session_refused' };
    case 403:
      return /token issued from (personal|organization) access token is not allowed/i.test(wordsOf(answer.json))
        ? { tag: 'access_token_session' }
        : { tag: 'forbidden' };
    case 404:
      return { tag: 'not_found' };
    default:
      return { tag: 'invalid', fields: fieldsOf(answer.json) };
  }
}

function throttled(answer: HubAnswer, nowMs: number): HubProblem {
  // A locked user name is not freed when the next minute's requests are.
  if (!saysLockedOut(answer)) return { tag: 'throttled', retryAtMs: readRetryAtMs(answer.headers, nowMs) };
  const { 'x-ratelimit-reset': _, ...headers } = answer.headers;
  return { tag: 'throttled', retryAtMs: readRetryAtMs(headers, nowMs, LOCKOUT_DEFAULT_MS) };
}

function saysLockedOut(answer: HubAnswer): boolean {
  return /too many failed login attempts/i.test(wordsOf(answer.json));
}

/** Fields named by a 400, which answers `{fields: {NAME: […]}, text}`; `expires_at` also where only the text names it. */
function fieldsOf(json: unknown): readonly string[] {
  const fields = property(json, 'fields');
  const named = SENT_FIELDS.filter((name) => property(fields, name) !== undefined);
  if (named.length > 0) return named;
  return /expires_?at/i.test(wordsOf(json)) ? ['expires_at'] : [];
}

/** The words of an error: Docker Hub's routes put them into different members. */
function wordsOf(json: unknown): string {
  return ['detail', 'message', 'text']
    .map((name) => property(json, name))
    .filter((words) => typeof words === 'string')
    .join('\n');
}
