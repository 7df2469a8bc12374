import { MARK_CHARACTERS } from '../../core/hub/label.ts';
import type { HubFault, HubRefusal } from '../../core/model/failure.ts';
import { AGAIN, instant, type Outsides } from './outside.ts';

/** Problems with Docker Hub, and with the logins there. */
export const HUB_PROBLEMS = {
  hub_refused: (failure) => ({
    status: 502,
    title: 'Docker Hub refused',
    detail: `Docker Hub refused to serve target "${failure.target}": ${REFUSAL_TEXT[failure.code]} No token was handed out. Ask the owner of the target.`,
  }),
  expiry_refused: (failure) => ({
    status: 502,
    title: 'Docker Hub does not keep the expiry of the token',
    detail: `Docker Hub refused the expiry time that it was asked for on target "${failure.target}", or did not keep it. No token was handed out. Its owner should ${verifyHint(failure.target)}. Where Docker Hub keeps no expiry at all, the owner can PUT the target with allowUnprovenExpiry true.`,
  }),
  label_refused: (failure) => ({
    status: 502,
    title: 'Docker Hub does not keep the label of the token',
    detail: `Docker Hub refused, cut or changed the label that hublease finds its tokens by, on target "${failure.target}". hublease needs ${MARK_CHARACTERS} characters that come back unchanged. No token was handed out. Its owner should ${verifyHint(failure.target)}.`,
  }),
  list_lags: (failure) => ({
    status: 502,
    title: 'The list of tokens at Docker Hub lags too far behind',
    detail: `A new token of target "${failure.target}" was not listed within 15 minutes, so hublease could not find a token whose create got no answer. No token was handed out, and none is made until a verification passes. Its owner should ${verifyHint(failure.target)}.`,
  }),
  hub_unavailable: (failure) => ({
    status: 503,
    title: 'Docker Hub did not answer as it should',
    detail: `${FAULT_TEXT[failure.code]} No token was handed out. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  hub_throttled: (failure) => ({
    status: 503,
    title: 'Docker Hub asked to wait',
    detail: `Docker Hub limits the rate of requests for now. No token was handed out. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  login_blocked: (failure) => ({
    status: 503,
    title: 'Logins of the target are paused',
    detail: `Docker Hub refused the stored credential of target "${failure.target}", and hublease does not try it again before ${instant(failure.reopensAtMs)}, because Docker Hub locks a user name after repeated failures. Its owner should PUT a working credential.`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  credential_unavailable: (failure) => ({
    status: 503,
    title: 'The credential of the target could not be read',
    detail: failure.isUnderFormerKey
      ? `The stored credential of target "${failure.target}" is encrypted under a former key of this installation. Its operator should name that key in formerEncryptionKeys.`
      : `The stored credential of target "${failure.target}" could not be read. ${AGAIN} If it lasts, its owner should PUT the credential again.`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
} satisfies Partial<Outsides>;

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

function verifyHint(target: string): string {
  return `verify the target: POST /v1/admin/targets/${target} with {"action":"verify"}`;
}
