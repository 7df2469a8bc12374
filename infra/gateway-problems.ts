import { ResponseType } from 'aws-cdk-lib/aws-apigateway';

/** What API Gateway itself answers, in the form that the functions' problems have. */
export interface GatewayProblem {
  readonly type: ResponseType;
  readonly status: number;
  /** Stable; what programs should branch on. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly retryAfterSeconds?: number;
}

const SIGN = 'Sign it with the credentials of an IAM role or user (Signature Version 4, service execute-api).';
const OPERATOR = 'The operator of hublease finds the cause by the requestId.';
const UNCERTAIN =
  'If a token was being minted, it is recorded, was not handed out and is revoked. Send the request again.';

const MISCONFIGURED = {
  status: 500,
  code: 'gateway_misconfigured',
  title: 'The API is set up wrongly',
  detail: `API Gateway could not handle the request. ${OPERATOR}`,
} as const;

const BAD_REQUEST = {
  status: 400,
  code: 'bad_request',
  title: 'The request cannot be read',
  detail: 'API Gateway did not understand the request. GET /v1/openapi.json describes what each route takes.',
} as const;

/**
 * One problem for every kind of answer that API Gateway gives on its own, those that this API never causes included. The texts
 * are fixed: API Gateway's own quote the request, its session token too.
 * Source: API Gateway Developer Guide, "Gateway response types".
 */
export const GATEWAY_PROBLEMS: readonly GatewayProblem[] = [
  {
    type: ResponseType.ACCESS_DENIED,
    status: 403,
    code: 'access_denied',
    title: 'IAM does not let the caller do this',
    detail:
      'The principal that signed the request may not call this method on this path. Its policies need execute-api:Invoke for it; a principal of another account must also be among the consumers of this installation, and never reaches /v1/admin.',
  },
  { type: ResponseType.API_CONFIGURATION_ERROR, ...MISCONFIGURED },
  { type: ResponseType.AUTHORIZER_CONFIGURATION_ERROR, ...MISCONFIGURED },
  { type: ResponseType.AUTHORIZER_FAILURE, ...MISCONFIGURED },
  { type: ResponseType.BAD_REQUEST_BODY, ...BAD_REQUEST },
  { type: ResponseType.BAD_REQUEST_PARAMETERS, ...BAD_REQUEST },
  { type: ResponseType.DEFAULT_4XX, ...BAD_REQUEST },
  {
    type: ResponseType.DEFAULT_5XX,
    status: 500,
    code: 'internal',
    title: 'hublease failed',
    detail: `Something in hublease went wrong. ${UNCERTAIN} ${OPERATOR}`,
  },
  {
    type: ResponseType.EXPIRED_TOKEN,
    status: 403,
    code: 'expired_token',
    title: 'The credentials have expired',
    detail: 'The session token of the request is no longer valid. Get fresh credentials and sign again.',
  },
  {
    type: ResponseType.INTEGRATION_FAILURE,
    status: 504,
    code: 'no_answer',
    title: 'hublease did not answer',
    detail: UNCERTAIN,
    retryAfterSeconds: 5,
  },
  {
    type: ResponseType.INTEGRATION_TIMEOUT,
    status: 504,
    code: 'no_answer',
    title: 'hublease did not answer in time',
    detail: UNCERTAIN,
    retryAfterSeconds: 5,
  },
  {
    type: ResponseType.INVALID_API_KEY,
    status: 403,
    code: 'invalid_api_key',
    title: 'API keys are not used here',
    detail: `The request carries an API key that is not valid. ${SIGN}`,
  },
  {
    type: ResponseType.INVALID_SIGNATURE,
    status: 403,
    code: 'signature_mismatch',
    title: 'The signature does not match the request',
    detail:
      "Check the secret access key, the region, the service name execute-api and the machine's clock, and that nothing on the way changed the method, path, query, signed headers or body.",
  },
  {
    type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
    status: 403,
    code: 'missing_authentication_token',
    title: 'The request is not signed, or there is no such route',
    detail: `Every path of this API begins with /v1/ and takes signed requests only. ${SIGN}`,
  },
  {
    type: ResponseType.QUOTA_EXCEEDED,
    status: 429,
    code: 'throttled',
    title: 'Too many requests',
    detail: 'The usage quota is used up. Send the request again after the time in Retry-After.',
    retryAfterSeconds: 60,
  },
  {
    type: ResponseType.REQUEST_TOO_LARGE,
    status: 413,
    code: 'body_too_large',
    title: 'The request is too large',
    detail: 'A body may have at most 16 KiB.',
  },
  {
    type: ResponseType.RESOURCE_NOT_FOUND,
    status: 404,
    code: 'route_not_found',
    title: 'There is no such route',
    detail: 'Nothing answers on this path. GET /v1/openapi.json lists the routes.',
  },
  {
    type: ResponseType.THROTTLED,
    status: 429,
    code: 'throttled',
    title: 'Too many requests',
    detail: 'API Gateway limits the rate of requests. Send the request again after the time in Retry-After.',
    retryAfterSeconds: 1,
  },
  {
    type: ResponseType.UNAUTHORIZED,
    status: 401,
    code: 'unauthorized',
    title: 'The caller is not known',
    detail: SIGN,
  },
  {
    type: ResponseType.UNSUPPORTED_MEDIA_TYPE,
    status: 415,
    code: 'unsupported_media_type',
    title: 'The body is not JSON',
    detail: 'Send the body as application/json.',
  },
  {
    type: ResponseType.WAF_FILTERED,
    status: 403,
    code: 'blocked',
    title: 'A web application firewall blocked the request',
    detail: `A rule of AWS WAF in front of this API matched the request. ${OPERATOR}`,
  },
];

/** Headers of such an answer. API Gateway wants fixed values in single quotes. */
export function headersOf(problem: GatewayProblem): Record<string, string> {
  return {
    'content-type': "'application/problem+json'",
    'cache-control': "'no-store'",
    ...(problem.retryAfterSeconds !== undefined && { 'retry-after': `'${problem.retryAfterSeconds}'` }),
  };
}

/** Its body: JSON once API Gateway has filled in the request id, which is of its own making. */
export function bodyOf({ status, code, title, detail }: GatewayProblem): string {
  return JSON.stringify({
    type: `urn:hublease:problem:${code}`,
    title,
    status,
    detail,
    code,
    requestId: '$context.requestId',
  });
}
