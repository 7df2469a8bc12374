import type { Failure } from '../../core/model/failure.ts';
import { AGAIN, type Outsides } from './outside.ts';

/** Problems of a request itself, whatever it asks for. */
export const REQUEST_PROBLEMS = {
  invalid_field: (failure) => ({
    status: 400,
    title: 'The request has a field that is not valid',
    detail: `${failure.field}: ${failure.problem}.`,
    field: failure.field,
  }),
  path_not_canonical: () => ({
    status: 400,
    title: 'The path is not in its one accepted form',
    detail:
      'Send the path plain: names in lower case and lease ids in upper case, "/" between segments, no percent-encoding, no empty or dot segment, no "/" at the end.',
  }),
  route_not_found: (failure) => ({
    status: 404,
    title: 'There is no such route',
    detail: `Nothing answers ${methodName(failure.method)} on this path. GET /v1/openapi.json lists the routes.`,
  }),
  method_not_allowed: (failure) => ({
    status: 405,
    title: 'The path does not have this method',
    detail: `This path does not take ${methodName(failure.method)}. Use one of: ${failure.allowed.join(', ')}.`,
    allowed: failure.allowed,
  }),
  caller_unknown: () => ({
    status: 403,
    title: 'The caller could not be made out',
    detail:
      'The request carries no IAM identity that hublease can read. Sign it with the credentials of an IAM role or user (Signature Version 4, service execute-api). A federated user of AWS STS has no unique id: use a role in its place.',
  }),
  caller_not_allowed: (failure) => ({
    status: 403,
    title: 'The dynamic secret does not list the caller',
    detail: `${failure.caller}${failure.callerId === undefined ? '' : ` (${failure.callerId})`} may not lease from "${failure.secret}": it is not in its allow list. Ask the owner of the secret to add this role, or GET /v1/whoami for the secrets this caller may lease from.`,
  }),
  idempotency_mismatch: () => ({
    status: 422,
    title: 'The Idempotency-Key belongs to another request',
    detail:
      'This caller used the same Idempotency-Key for a request that asked for something else, within the last 24 hours. Send a new key with a new request.',
  }),
  in_flight: (failure) => ({
    status: 409,
    title: 'An earlier request with this Idempotency-Key is not finished',
    detail: `What the earlier request got is being made, or not yet provably gone, and there are never two live tokens under one key. ${AGAIN}`,
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
    title: 'The records could not be reached',
    detail: `hublease could not read or write its records. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  busy: (failure) => ({
    status: 503,
    title: 'Too much at once',
    detail: `hublease is busy with other requests for the same thing. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  internal: () => ({
    status: 500,
    title: 'hublease failed',
    detail: 'Something in hublease went wrong. Its operator finds the cause in the logs by the requestId.',
  }),
} satisfies Partial<Outsides>;

function rateText({ of, name }: Extract<Failure, { tag: 'rate_limited' }>): string {
  switch (of) {
    case 'caller':
      return `${name} asks more often than one caller may. A lease can be used until it ends, so that a job needs one request for it.`;
    case 'account':
      return `The callers of account ${name}, which the dynamic secret lists as a whole, mint more often than one account may.`;
    case 'secret':
      return `Dynamic secret "${name}" gives no more leases in this minute: its maxMintsPerMinute is reached.`;
  }
}

/** The method is the caller's text: only what looks like one is repeated. */
function methodName(method: string): string {
  return /^[A-Z]{1,10}$/.test(method) ? method : 'this method';
}
