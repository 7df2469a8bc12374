/** The edge in front of the API: it answers in place of a route, or changes a route's answer. */

import { type Answer, invalid, isApi, json, type RouteName } from '../answer.ts';
import { challengePage, DEFAULT_RETRY_AFTER_SECONDS, serverError } from '../faults.ts';
import type { Hub } from '../hub.ts';
import { refused } from '../refusals.ts';
import type { FakeHubSettings } from '../settings.ts';
import { throttled } from '../throttle.ts';

const LOGIN_ROUTES: readonly RouteName[] = ['auth-token', 'users-login', '2fa-login'];

/** The answer in place of a route's own. The request is not applied then. Undefined: the request reaches the route. */
export function answerInstead(hub: Hub, route: RouteName): Answer | undefined {
  const { settings } = hub;
  if (!isApi(route)) return undefined;
  if (settings.apiChallenge) return challengePage(200);
  if (LOGIN_ROUTES.includes(route)) return loginChallenge(settings.loginChallenge);
  if (settings.routesGone) return refused(settings, 404, 'page not found');
  const deleteFails = settings.deleteErrorStatus !== null && route.endsWith('-delete');
  return deleteFails ? serverError(settings.deleteErrorStatus) : undefined;
}

/** The answer as the caller sees it. A create that the edge sent twice shows the refusal of the second one. */
export function answerOfEdge(hub: Hub, route: RouteName, answer: Answer): Answer {
  const { edgeRetryStatus, retryAfterForm } = hub.settings;
  if (edgeRetryStatus === null || !route.endsWith('-create') || answer.status >= 300) return answer;
  switch (edgeRetryStatus) {
    case 400:
      return invalid({ [route === 'pat-create' ? 'token_label' : 'label']: ['must be unique'] });
    case 409:
      return refused(hub.settings, 409, 'an access token with this label exists');
    case 429:
      return throttled(hub.nowMs(), DEFAULT_RETRY_AFTER_SECONDS, retryAfterForm);
  }
}

/** An answer of the API under the content type that is switched on. */
export function withContentType({ contentType }: FakeHubSettings, route: RouteName, answer: Answer): Answer {
  const isJson = answer.headers['content-type'] === 'application/json';
  if (contentType === 'json' || !isJson || !isApi(route)) return answer;
  return { ...answer, headers: { ...answer.headers, 'content-type': 'text/plain; charset=utf-8' } };
}

function loginChallenge(kind: FakeHubSettings['loginChallenge']): Answer | undefined {
  switch (kind) {
    case 'none':
      return undefined;
    case 'captcha-400':
      return json(400, { recaptcha_response: ['This field is required.'] });
    case 'challenge-403':
      return challengePage(403);
  }
}
