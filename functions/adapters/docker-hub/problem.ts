import type { HubProblem } from '../../core/ports/docker-hub.ts';
import type { HubAnswer } from './http.ts';
import { property } from './json.ts';
import { readRetryAtMs } from './meta.ts';

/** Docker Hub locks a user name for 10 to 15 minutes after bad logins. Source: docker/hub-feedback issues 2201 and 2217. */
const LOCKOUT_DEFAULT_MS = 600_000;

/** A session that was opened with an access token may not manage tokens. Source: docker/hub-feedback issues 2478 and 2438. */
const SAYS_ACCESS_TOKEN =
  /^(?=.*\b(?:personal|organization) access token\b)(?=.*(?:not allowed|forbidden|issued|denied))/is;
/** Source: README of the PyPI client `pydockerhubapi`, an answer of 2022. */
const SAYS_PLAN = /\b(?:current|your) plan\b|\bpaid (?:plan|subscription)\b/i;
/** Docker does not document the answer if an organization has reached its token limit. */
const SAYS_LIMIT = /\b(?:maximum|limit|quota|too many|exceed(?:s|ed)?)\b/i;
/** Words that name another limit than the number of tokens. */
const SAYS_OTHER_LIMIT = /\b(?:rate|requests?|expir\w*|labels?|description|characters?|length|page_?\w*)\b/i;
/** An intermittent refusal of good passwords. Source: docker/hub-feedback issue 1694. */
const SAYS_TRY_AGAIN = /failed to generate login session|try again later/i;

/** Errors have one or two sentences. More text is not read, so that it costs no time. */
const WORDS_MAX_CHARACTERS = 2_000;

/** The fields that hublease sends. Other names in an answer are not repeated: they might hold anything. */
const SENT_FIELDS = ['token_label', 'label', 'scopes', 'resources', 'expires_at'] as const;

/** Request Timeout, Conflict, Too Early: the request may have been carried out all the same, and may be retried. */
const UNDECIDED_STATUSES = [408, 409, 425];

/** The kind of request. Only answers to a create mention plans and the maximum number of tokens. */
export type HubCall = 'login' | 'create' | 'other';

/**
 * Classifies an answer to a login or token call if its status is not 2xx, or if it is an HTML page. Undefined for any other 2xx.
 *
 * A 4xx is Docker Hub's own answer only as JSON, a 401 also without a body. Anything else comes from a proxy in front of it, such
 * as the edge's `error code: 1010` with 403. A 404 of that kind must never prove that a token is gone.
 */
export function problemOf(answer: HubAnswer, nowMs: number, call: HubCall): HubProblem | undefined {
  const { status, form } = answer;
  if (status === 429) return throttled(answer, nowMs);
  if (status >= 500) return { tag: 'fault', code: status === 503 && form !== 'json' ? 'edge' : 'server_error' };
  if (status >= 300 && status < 400) return { tag: 'fault', code: 'redirected' };
  if (form === 'html' || (status === 403 && form !== 'json')) return { tag: 'fault', code: 'edge' };
  if (status >= 200 && status < 300) return undefined;
  const isVerdict = form === 'json' || (form === 'none' && status === 401);
  if (status < 400 || !isVerdict) return { tag: 'fault', code: 'malformed' };
  if (call === 'login') return loginVerdict(answer, nowMs);
  return (call === 'create' ? createVerdict(answer) : undefined) ?? verdict(answer);
}

function loginVerdict(answer: HubAnswer, nowMs: number): HubProblem {
  if (saysLockedOut(answer)) return throttled(answer, nowMs);
  // hublease always sends the same form of request, so a 400 comes from a step before the login, for example a captcha.
  if (answer.status === 400) return { tag: 'fault', code: 'edge' };
  if (answer.status !== 401) return verdict(answer);
  return SAYS_TRY_AGAIN.test(wordsOf(answer.json))
    ? { tag: 'fault', code: 'server_error' }
    : { tag: 'credential_refused' };
}

function verdict({ status, json }: HubAnswer): HubProblem {
  if (status === 401) return { tag: 'session_refused' };
  if (status === 404) return { tag: 'not_found' };
  if (UNDECIDED_STATUSES.includes(status)) return { tag: 'fault', code: 'server_error' };
  if (status !== 403) return { tag: 'invalid', fields: fieldsOf(json) };
  return { tag: SAYS_ACCESS_TOKEN.test(wordsOf(json)) ? 'access_token_session' : 'forbidden' };
}

/** Reasons for which only a create is refused; undefined for all others. A named field counts more than words. */
function createVerdict({ status, json }: HubAnswer): HubProblem | undefined {
  if (status === 401 || status === 404 || fieldsOf(json).length > 0) return undefined;
  const words = wordsOf(json);
  // Words that name both mean the number of tokens that the plan includes.
  if (SAYS_LIMIT.test(words) && !SAYS_OTHER_LIMIT.test(words)) return { tag: 'cap_reached' };
  return SAYS_PLAN.test(words) ? { tag: 'plan' } : undefined;
}

function throttled(answer: HubAnswer, nowMs: number): HubProblem {
  // A locked user name is not free again when the next minute begins.
  if (!saysLockedOut(answer)) return { tag: 'throttled', retryAtMs: readRetryAtMs(answer.headers, nowMs) };
  const { 'x-ratelimit-reset': _, ...headers } = answer.headers;
  return { tag: 'throttled', retryAtMs: readRetryAtMs(headers, nowMs, LOCKOUT_DEFAULT_MS) };
}

function saysLockedOut(answer: HubAnswer): boolean {
  return /too many failed login|\b(?:account|user) (?:is |has been )?(?:temporarily )?locked\b/i.test(
    wordsOf(answer.json),
  );
}

/**
 * The fields that a 400 names. Its form is `{fields: {NAME: […]}, text}`. `expires_at` also counts if only the text names it.
 * `fields` may also contain errors of Docker Hub's database. These may name a column, and show nothing about our request.
 */
function fieldsOf(json: unknown): readonly string[] {
  const fields = property(json, 'fields');
  const named = SENT_FIELDS.filter((name) => property(fields, name) !== undefined);
  const isAboutOthers = typeof fields === 'object' && fields !== null && Object.keys(fields).length > 0;
  if (named.length > 0 || isAboutOthers) return named;
  return /expires_?at/i.test(wordsOf(json)) ? ['expires_at'] : [];
}

/** The text of an error. Docker Hub's routes put it into different members. */
function wordsOf(json: unknown): string {
  return ['detail', 'message', 'text']
    .map((name) => property(json, name))
    .filter((words) => typeof words === 'string')
    .map((words) => words.slice(0, WORDS_MAX_CHARACTERS))
    .join('\n');
}
