/** What each status means. The problem itself has the code. */
export const PROBLEM_TEXT = {
  400: 'The request is not valid. `field` names the wrong field.',
  403: 'The signature is wrong, or the caller has no permission, or the allow list does not contain the caller.',
  404: 'It does not exist, or it does not belong to the caller.',
  405: 'The path does not accept this method. `Allow` lists the methods that it accepts.',
  408: 'The request did not arrive in time.',
  409: 'The current state does not allow it.',
  412: 'The version does not match `If-Match`.',
  413: 'The body is larger than 16 KiB.',
  422: 'The request is well-formed, but asks for something that is not allowed.',
  429: 'A quota or a rate limit is reached. Retry after the time in `Retry-After`.',
  431: 'There are too many headers, or they are too large.',
  500: 'hublease failed.',
  502: 'Docker Hub refused the request.',
  503: 'Retry after the time in `Retry-After`.',
} as const;

export type ProblemStatus = keyof typeof PROBLEM_TEXT;

/**
 * Problems of every operation. API Gateway and the embedded edition's front door answer 408, 413 and 431. API Gateway limits the
 * rate of every route, and hublease the rate of each caller, so every operation can answer 429.
 */
export const COMMON_PROBLEMS: readonly ProblemStatus[] = [400, 403, 408, 413, 429, 431, 500, 503];
