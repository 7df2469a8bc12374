import * as z from 'zod';
import { MARK_CHARACTERS } from '../core/hub/label.ts';
import type { Failure, FailureTag, HubFault, HubRefusal } from '../core/model/failure.ts';

/** An RFC 9457 problem, as `application/problem+json`. */
export const Problem = z.strictObject({
  type: z.string().meta({ description: 'Stable URI of the kind of problem: urn:hublease:problem: and the code.' }),
  title: z.string(),
  status: z.int(),
  detail: z.string().meta({ description: 'What happened, to what, and what to do next.' }),
  code: z.string().meta({ description: 'Stable; what programs should branch on.' }),
  requestId: z.string().meta({ description: 'Finds the request in the logs of hublease.' }),
  field: z.string().exactOptional(),
  holders: z.array(z.string()).exactOptional().meta({
    description:
      'Callers that hold what a quota allows; some of them, where they are many. A caller is told of those of its own account, an admin of all.',
  }),
});
export type Problem = z.output<typeof Problem>;

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** What a failure looks like from outside. */
interface Outside {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly field?: string;
  readonly holders?: readonly string[];
  /** Methods for the `Allow` header, which a 405 must have. Source: RFC 9110, section 15.5.6. */
  readonly allowed?: readonly string[];
  readonly retryAfterSeconds?: number;
}

/** The longest wait that is worth telling anybody. */
const RETRY_AFTER_MAX_SECONDS = 86_400;

/** A problem with the headers that belong to it. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly problem: Problem;
}

/** Turns a failure into what the caller may read. Nothing of a caught error is in either. */
export function problemOf(failure: Failure, requestId: string): ProblemAnswer {
  const { status, title, detail, field, holders, allowed, retryAfterSeconds } = outside(failure);
  const code: FailureTag = failure.tag;
  return {
    status,
    headers: {
      'content-type': PROBLEM_CONTENT_TYPE,
      ...(allowed !== undefined && { allow: allowed.join(', ') }),
      ...(retryAfterSeconds !== undefined && { 'retry-after': wholeSeconds(retryAfterSeconds) }),
    },
    problem: {
      type: `urn:hublease:problem:${code}`,
      title,
      status,
      detail,
      code,
      requestId,
      ...(field !== undefined && { field }),
      ...(holders !== undefined && { holders: [...holders] }),
    },
  };
}

/** RFC 9110 section 10.2.3: a whole number; never 0, which invites a loop. */
function wholeSeconds(seconds: number): string {
  return String(Math.min(RETRY_AFTER_MAX_SECONDS, Math.max(1, Math.ceil(Number.isNaN(seconds) ? 1 : seconds))));
}

const AGAIN = 'Send the request again after the time in Retry-After.';

function outside(failure: Failure): Outside {
  switch (failure.tag) {
    case 'invalid_field':
      return {
        status: 400,
        title: 'The request has a field that is not valid',
        detail: `${failure.field}: ${failure.problem}.`,
        field: failure.field,
      };
    case 'path_not_canonical':
      return {
        status: 400,
        title: 'The path is not in its one accepted form',
        detail:
          'Send the path plain: names in lower case and lease ids in upper case, "/" between segments, no percent-encoding, no empty or dot segment, no "/" at the end.',
      };
    case 'route_not_found':
      return {
        status: 404,
        title: 'There is no such route',
        detail: `Nothing answers ${methodName(failure.method)} on this path. GET /v1/openapi.json lists the routes.`,
      };
    case 'method_not_allowed':
      return {
        status: 405,
        title: 'The path does not have this method',
        detail: `This path does not take ${methodName(failure.method)}. Use one of: ${failure.allowed.join(', ')}.`,
        allowed: failure.allowed,
      };
    case 'caller_unknown':
      return {
        status: 403,
        title: 'The caller could not be made out',
        detail:
          'The request carries no IAM identity that hublease can read. Sign it with the credentials of an IAM role or user (Signature Version 4, service execute-api). A federated user of AWS STS has no unique id: use a role in its place.',
      };
    case 'caller_not_allowed':
      return {
        status: 403,
        title: 'The dynamic secret does not list the caller',
        detail: `${failure.caller}${failure.callerId === undefined ? '' : ` (${failure.callerId})`} may not lease from "${failure.secret}": it is not in its allow list. Ask the owner of the secret to add this role, or GET /v1/whoami for the secrets this caller may lease from.`,
      };
    case 'secret_not_found':
      return {
        status: 404,
        title: 'There is no such dynamic secret',
        detail: `There is no dynamic secret "${failure.secret}". GET /v1/whoami lists those the caller may lease from.`,
      };
    case 'target_not_found':
      return {
        status: 404,
        title: 'There is no such target',
        detail: `There is no target "${failure.target}". Create it with PUT /v1/admin/targets/${failure.target}.`,
      };
    case 'lease_not_found':
      return {
        status: 404,
        title: 'There is no such lease',
        detail: `The caller has no lease ${failure.leaseId}. GET /v1/leases lists its leases; those of other roles, and those revoked longer ago than the audit retention, are not shown.`,
      };
    case 'ttl_too_long':
      return {
        status: 422,
        title: 'The TTL is over the maximum',
        detail: `Asked for ${failure.ttlSeconds} s; this dynamic secret allows at most ${failure.maxTtlSeconds} s. Ask for less, or leave the TTL out.`,
      };
    case 'ttl_too_short':
      return {
        status: 422,
        title: 'The TTL is under the minimum',
        detail: `Asked for ${failure.ttlSeconds} s; this installation allows no less than ${failure.minTtlSeconds} s. Ask for more, or leave the TTL out.`,
      };
    case 'scope_needs_user_target':
      return {
        status: 422,
        title: 'A scope needs a target of kind user',
        detail: `"${failure.target}" is an organization, whose tokens take resources. Give resources in place of scope.`,
      };
    case 'resources_need_org_target':
      return {
        status: 422,
        title: 'Resources need a target of kind org',
        detail: `"${failure.target}" is a user, whose tokens reach all that the user does and cannot be limited to repositories. Give scope in place of resources or namespace.`,
      };
    case 'access_token_as_credential':
      return {
        status: 422,
        title: 'An access token cannot be the credential of a target',
        detail:
          'Docker Hub does not let a session that began with an access token create tokens. Give the password of the account, and its TOTP secret where two-factor authentication is on.',
        field: 'credential.password',
      };
    case 'credential_refused':
      return {
        status: 422,
        title: 'Docker Hub refused the credential',
        detail: `${SECOND_FACTOR_TEXT[failure.secondFactor](failure.username)} Check it before another try: Docker Hub locks a user name after repeated failures.`,
        field: failure.secondFactor === 'needed' ? 'credential.totpSecret' : 'credential.password',
      };
    case 'wrong_account':
      return {
        status: 422,
        title: 'It belongs to another account',
        detail: `This is the target of "${failure.expected}", and what was given is of "${failure.got}". The account of a target never changes, so that its leases stay revocable: give a credential of "${failure.expected}", or delete the target and make it anew.`,
      };
    case 'scope_too_wide':
      return {
        status: 422,
        title: 'More was asked for than the dynamic secret allows',
        detail: `Asked for ${shortened(failure.asked)}; this dynamic secret allows ${shortened(failure.allowed)}. Ask for that or less, or leave it out.`,
      };
    case 'not_renewable':
      return {
        status: 409,
        title: 'The lease is not renewable',
        detail: `Lease ${failure.leaseId} was taken from a dynamic secret that is not renewable. Take a new lease.`,
      };
    case 'idempotency_mismatch':
      return {
        status: 422,
        title: 'The Idempotency-Key belongs to another request',
        detail:
          'This caller used the same Idempotency-Key for a request that asked for something else, within the last 24 hours. Send a new key with a new request.',
      };
    case 'quota_reached':
      return {
        status: 429,
        title: 'A quota of open leases is used up',
        detail: `${quotaText(failure)} Revoke one that is no longer needed, or send the request again after the time in Retry-After, when the next one ends.`,
        holders: failure.holders,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'rate_limited':
      return {
        status: 429,
        title: 'Too many requests',
        detail: `${rateText(failure)} ${AGAIN}`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'lease_not_active':
      return {
        status: 409,
        title: 'The lease is not active',
        detail: `Lease ${failure.leaseId} is ${failure.status === 'active' ? 'at its end' : failure.status} and cannot be renewed. Take a new lease.`,
      };
    case 'in_flight':
      return {
        status: 409,
        title: 'An earlier request with this Idempotency-Key is not finished',
        detail: `What the earlier request got is being made, or not yet provably gone, and there are never two live tokens under one key. ${AGAIN}`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'precondition_failed':
      return {
        status: 412,
        title: 'It is not the version that If-Match names',
        detail:
          failure.version === 0
            ? `There is no "${failure.name}" to replace. Leave If-Match out to create it.`
            : `"${failure.name}" is at version ${failure.version}. Read it again, and send the change with its ETag.`,
      };
    case 'version_conflict':
      return {
        status: 409,
        title: 'Somebody else changed it at the same time',
        detail: `"${failure.name}" was changed while this request ran, and this request changed nothing. Read it again and repeat the request.`,
      };
    case 'draining':
      return {
        status: 409,
        title: 'It is being deleted',
        detail: `"${failure.name}" is draining: it gives no more leases and goes once its open leases have ended. Nothing of it can be changed any more, but for the credential of a target.`,
      };
    case 'open_leases':
      return {
        status: 409,
        title: 'It has open leases',
        detail: `"${failure.name}" has ${failure.count} open leases. Wait until they have ended, or repeat with ?force=true: it then gives no more leases and goes once the open ones have ended.`,
      };
    case 'target_in_use':
      return {
        status: 409,
        title: 'Dynamic secrets use the target',
        detail: `"${failure.target}" is used by ${someOf(failure.secrets)}. Delete these dynamic secrets or give them another target first.`,
      };
    case 'delete_protected':
      return {
        status: 409,
        title: 'The dynamic secret is protected from deletion',
        detail: `"${failure.secret}" has deleteProtection. PUT it with deleteProtection false first.`,
      };
    case 'managed_by_cdk':
      return {
        status: 409,
        title: 'A CDK stack owns it',
        detail: `"${failure.name}" is defined in a CDK stack, which would undo this change. Change the stack and deploy it.`,
      };
    case 'hub_refused':
      return {
        status: 502,
        title: 'Docker Hub refused',
        detail: `Docker Hub refused to serve target "${failure.target}": ${REFUSAL_TEXT[failure.code]} No token was handed out. Ask the owner of the target.`,
      };
    case 'expiry_refused':
      return {
        status: 502,
        title: 'Docker Hub does not keep the expiry of the token',
        detail: `Docker Hub refused the expiry time that it was asked for on target "${failure.target}", or did not keep it. No token was handed out. Its owner should ${verifyHint(failure.target)}. Where Docker Hub keeps no expiry at all, the owner can PUT the target with allowUnprovenExpiry true.`,
      };
    case 'label_refused':
      return {
        status: 502,
        title: 'Docker Hub does not keep the label of the token',
        detail: `Docker Hub refused, cut or changed the label that hublease finds its tokens by, on target "${failure.target}". hublease needs ${MARK_CHARACTERS} characters that come back unchanged. No token was handed out. Its owner should ${verifyHint(failure.target)}.`,
      };
    case 'list_lags':
      return {
        status: 502,
        title: 'The list of tokens at Docker Hub lags too far behind',
        detail: `A new token of target "${failure.target}" was not listed within 15 minutes, so hublease could not find a token whose create got no answer. No token was handed out, and none is made until a verification passes. Its owner should ${verifyHint(failure.target)}.`,
      };
    case 'attest_too_early':
      return {
        status: 409,
        title: 'The lease cannot be attested yet',
        detail: `Lease ${failure.leaseId} can be closed on your word after ${instant(failure.allowedAtMs)}, 5 minutes past the expiry that Docker Hub was asked for. Until then the token may be alive. Without attest the same request revokes it.`,
      };
    case 'hub_unavailable':
      return {
        status: 503,
        title: 'Docker Hub did not answer as it should',
        detail: `${FAULT_TEXT[failure.code]} No token was handed out. ${AGAIN}`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'hub_throttled':
      return {
        status: 503,
        title: 'Docker Hub asked to wait',
        detail: `Docker Hub limits the rate of requests for now. No token was handed out. ${AGAIN}`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'login_blocked':
      return {
        status: 503,
        title: 'Logins of the target are paused',
        detail: `Docker Hub refused the stored credential of target "${failure.target}", and hublease does not try it again before ${instant(failure.reopensAtMs)}, because Docker Hub locks a user name after repeated failures. Its owner should PUT a working credential.`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'store_unavailable':
      return {
        status: 503,
        title: 'The records could not be reached',
        detail: `hublease could not read or write its records. ${AGAIN}`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'credential_unavailable':
      return {
        status: 503,
        title: 'The credential of the target could not be read',
        detail: failure.isUnderFormerKey
          ? `The stored credential of target "${failure.target}" is encrypted under a former key of this installation. Its operator should name that key in formerEncryptionKeys.`
          : `The stored credential of target "${failure.target}" could not be read. ${AGAIN} If it lasts, its owner should PUT the credential again.`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'not_recorded':
      return {
        status: 503,
        title: 'The token was given up',
        detail: `A token was made for lease ${failure.leaseId}, but its record or its revocation on time could not be made sure, so it is being revoked and was not handed out. ${AGAIN}`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'audit_unavailable':
      return {
        status: 503,
        title: 'The audit log could not be written',
        detail: `A token was made for lease ${failure.leaseId}, but the audit log, which this installation requires, did not take the record of it. The token is being revoked and was not handed out. ${AGAIN}`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'busy':
      return {
        status: 503,
        title: 'Too much at once',
        detail: `hublease is busy with other requests for the same thing. ${AGAIN}`,
        retryAfterSeconds: failure.retryAfterSeconds,
      };
    case 'internal':
      return {
        status: 500,
        title: 'hublease failed',
        detail: 'Something in hublease went wrong. Its operator finds the cause in the logs by the requestId.',
      };
  }
}

const SECOND_FACTOR_TEXT: Record<
  Extract<Failure, { tag: 'credential_refused' }>['secondFactor'],
  (username: string) => string
> = {
  needed: (username) =>
    `Docker Hub wants a second factor of "${username}" and did not accept the one it got, if any. Give the TOTP secret in credential.totpSecret.`,
  possible: (username) =>
    `Docker Hub did not accept the login of "${username}". Either the password is wrong, or the account has two-factor authentication: then give its TOTP secret in credential.totpSecret.`,
  no: (username) => `Docker Hub did not accept the password of "${username}".`,
};

const REFUSAL_TEXT: Record<HubRefusal, string> = {
  bad_request: 'it calls the request malformed.',
  plan: "the account's plan does not include such a token.",
  forbidden: 'the account may not create tokens, or its credential no longer works.',
  account_not_found: 'it does not know the account.',
  access_token_session: 'the stored credential is an access token, with which none can be created.',
  wrong_account: 'the stored credential now belongs to another account than the one that the target was set up with.',
};

const FAULT_TEXT: Record<HubFault, string> = {
  timeout: 'Docker Hub did not answer in time.',
  connection: 'The connection to Docker Hub failed.',
  server_error: 'Docker Hub answered with an error of its own.',
  edge: 'Something in front of Docker Hub answered in its place.',
  malformed: 'Docker Hub answered in a form that hublease does not know.',
  too_large: 'Docker Hub answered with more than hublease accepts.',
  redirected: 'Docker Hub sent a redirect, which hublease never follows.',
  session_refused: 'Docker Hub ended the session of the target.',
};

const SECRETS_NAMED_MAX = 5;

function someOf(secrets: readonly string[]): string {
  const named = secrets.slice(0, SECRETS_NAMED_MAX).map((secret) => `"${secret}"`);
  const more = secrets.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

/** Both sides of a comparison of resources may be long; what is cut off is in the secret itself. */
const REACH_MAX_CHARACTERS = 400;

function shortened(reach: string): string {
  return reach.length > REACH_MAX_CHARACTERS ? `${reach.slice(0, REACH_MAX_CHARACTERS)}…` : reach;
}

/**
 * `secret:NAME` or `target:NAME`, as core counts. The places of a target are those of its account, and what Docker Hub counts there
 * is not only leases.
 */
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

function quotaText({ counter, most, holders }: Extract<Failure, { tag: 'quota_reached' }>): string {
  const [kind = '', name = ''] = counter.split(':');
  const held = holders.length === 0 ? '' : `held by ${someHolders(holders)}`;
  if (kind !== 'target') {
    return `Dynamic secret "${name}" may have ${most} open leases, and has them${held && `, ${held}`}.`;
  }
  return `Target "${name}" may have ${most} tokens at a time, and has them.${held && ` Its open leases are ${held}.`} On an organization Docker Hub also counts expired tokens and those of others: GET /v1/admin/targets/${name} shows how many.`;
}

function verifyHint(target: string): string {
  return `verify the target: POST /v1/admin/targets/${target} with {"action":"verify"}`;
}

const HOLDERS_NAMED_MAX = 3;

function someHolders(holders: readonly string[]): string {
  const more = holders.length - HOLDERS_NAMED_MAX;
  return `${holders.slice(0, HOLDERS_NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Whole seconds of UTC; what is no time at all says so rather than fail. */
function instant(atMs: number): string {
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString() : 'a later time';
}

/** The method is the caller's text: only what looks like one is repeated. */
function methodName(method: string): string {
  return /^[A-Z]{1,10}$/.test(method) ? method : 'this method';
}
