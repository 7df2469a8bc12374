/** What each kind of refusal means; the codes are in the problem itself. */
export const PROBLEM_TEXT = {
  400: 'The request is not valid; `field` names what is wrong.',
  403: 'The signature, the permission or the allow list does not admit the caller.',
  404: "There is no such thing, or it is not the caller's.",
  405: 'The path does not have this method; `Allow` names those that it has.',
  408: 'The request did not arrive in time.',
  409: 'The state of the thing does not allow it now.',
  412: 'It is not the version that `If-Match` names.',
  413: 'The body is too large: it may have 16 KiB.',
  422: 'Well-formed, but more than is allowed.',
  429: 'A quota or a rate is used up; `Retry-After` says when to come again.',
  431: 'The headers are too many or too large.',
  500: 'hublease failed.',
  502: 'Docker Hub refused.',
  503: 'Try again after the time in `Retry-After`.',
} as const;

export type ProblemStatus = keyof typeof PROBLEM_TEXT;

/**
 * Problems of every operation. The doors answer 408, 413 and 431: API Gateway, and the embedded edition's own. API Gateway limits
 * the rate of every route, and hublease that of each caller, so 429 can come from all.
 */
export const COMMON_PROBLEMS: readonly ProblemStatus[] = [400, 403, 408, 413, 429, 431, 500, 503];
