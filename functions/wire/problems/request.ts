import type { Failure } from '../../core/model/failure.ts';
import { AGAIN, type Outsides } from './outside.ts';

/** Problems that any request can have. */
export const REQUEST_PROBLEMS = {
  invalid_field: (failure) => ({
    status: 400,
    title: 'A field of the request is not valid',
    detail: `${failure.field}: ${failure.problem}.`,
    field: failure.field,
  }),
  path_not_canonical: () => ({
    status: 400,
    title: 'The path is not in the accepted form',
    detail:
      'A path has only one accepted form: names in lower case and lease ids in upper case, "/" between segments, no percent-encoding, no empty or dot segment, no "/" at the end.',
  }),
  route_not_found: (failure) => ({
    status: 404,
    title: 'There is no such route',
    detail: `No route answers ${methodName(failure.method)} on this path. GET /v1/openapi.json lists the routes.`,
  }),
  method_not_allowed: (failure) => ({
    status: 405,
    title: 'The path does not accept this method',
    detail: `This path does not accept ${methodName(failure.method)}. Use one of: ${failure.allowed.join(', ')}.`,
    allowed: failure.allowed,
  }),
  caller_unknown: () => ({
    status: 403,
    title: 'The caller could not be identified',
    detail:
      'The request carries no IAM identity that hublease can read. Sign it with the credentials of an IAM role or user (Signature Version 4, service execute-api). A federated user of AWS STS has no unique id. Use a role instead.',
  }),
  caller_not_allowed: (failure) => ({
    status: 403,
    title: 'The dynamic secret does not list the caller',
    detail: `${failure.caller}${failure.callerId === undefined ? '' : ` (${failure.callerId})`} may not lease from "${failure.secret}". The allow list of the secret does not contain this caller. Ask the owner of the secret to add the role. GET /v1/whoami lists the secrets that this caller may lease from.`,
  }),
  idempotency_mismatch: () => ({
    status: 422,
    title: 'The Idempotency-Key belongs to another request',
    detail:
      'Within the last 24 hours, this caller used the same Idempotency-Key for a request that asked for something else. Send a new key with a new request.',
  }),
  in_flight: (failure) => ({
    status: 409,
    title: 'An earlier request with this Idempotency-Key is not finished',
    detail: `The token of the earlier request is still being made, or is not yet proven to be gone. One key never has two live tokens. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  rate_limited: (failure) => ({
    status: 429,
    title: 'Too many requests',
    detail: `${rateText(failure)} ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  store_unavailable: (failure) => ({
    status: 503,
    title: 'The store is not available',
    detail: `hublease could not read or write its records. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  busy: (failure) => ({
    status: 503,
    title: 'hublease is busy',
    detail: `hublease is busy with other requests for the same target or lease. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  internal: () => ({
    status: 500,
    title: 'hublease failed',
    detail:
      'An unexpected error happened in hublease. The operator of hublease can find the cause in the logs by the requestId.',
  }),
} satisfies Partial<Outsides>;

function rateText({ of, name }: Extract<Failure, { tag: 'rate_limited' }>): string {
  switch (of) {
    case 'caller':
      return `${name} sends more requests than one caller may. A lease can be used until it ends, so a job needs only one.`;
    case 'account':
      return `The callers of account ${name} mint more often than one account may. They count together, because the dynamic secret lists the whole account.`;
    case 'secret':
      return `Dynamic secret "${name}" gives no more leases in this minute, because its maxMintsPerMinute is reached.`;
  }
}

/** The caller chose this text, so it is repeated only if it looks like a method. */
function methodName(method: string): string {
  return /^[A-Z]{1,10}$/.test(method) ? method : 'this method';
}
