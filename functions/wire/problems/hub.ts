import { MARK_CHARACTERS } from '../../core/hub/label.ts';
import type { HubFault, HubRefusal } from '../../core/model/failure.ts';
import { AGAIN, instant, type Outsides } from './outside.ts';

/** Problems with Docker Hub, and with the logins there. */
export const HUB_PROBLEMS = {
  hub_refused: (failure) => ({
    status: 502,
    title: 'Docker Hub refused the request',
    detail: `Docker Hub refused a request for target "${failure.target}": ${REFUSAL_TEXT[failure.code]} No token was returned. Ask the owner of the target.`,
  }),
  expiry_refused: (failure) => ({
    status: 502,
    title: 'Docker Hub does not keep the expiry of the token',
    detail: `Docker Hub refused or changed the expiry of a token of target "${failure.target}". No token was returned. ${verifyHint(failure.target)} If Docker Hub keeps no expiry at all, the owner can PUT the target with allowUnprovenExpiry true.`,
  }),
  label_refused: (failure) => ({
    status: 502,
    title: 'Docker Hub does not keep the label of the token',
    detail: `Docker Hub refused, cut or changed the label of a token of target "${failure.target}". hublease finds its tokens by this label, and needs ${MARK_CHARACTERS} characters that come back unchanged. No token was returned. ${verifyHint(failure.target)}`,
  }),
  list_lags: (failure) => ({
    status: 502,
    title: "Docker Hub's list of tokens lags too far behind",
    detail: `Docker Hub did not list a new token of target "${failure.target}" within 15 minutes. So hublease could not find a token whose create got no answer. No token was returned, and none is made until a verification passes. ${verifyHint(failure.target)}`,
  }),
  hub_unavailable: (failure) => ({
    status: 503,
    title: 'Docker Hub is not available',
    detail: `${FAULT_TEXT[failure.code]} No token was returned. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  hub_throttled: (failure) => ({
    status: 503,
    title: 'Docker Hub limits requests',
    detail: `Docker Hub is limiting the rate of requests. No token was returned. ${AGAIN}`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  login_blocked: (failure) => ({
    status: 503,
    title: 'Logins of the target are paused',
    detail: `Docker Hub refused the stored credential of target "${failure.target}". hublease does not try it again before ${instant(failure.reopensAtMs)}, because Docker Hub locks a user name after repeated failures. The owner of the target should PUT a working credential.`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
  credential_unavailable: (failure) => ({
    status: 503,
    title: 'The credential of the target could not be read',
    detail: failure.isUnderFormerKey
      ? `The stored credential of target "${failure.target}" is encrypted under a former key of this installation. The operator should add that key to formerEncryptionKeys.`
      : `The stored credential of target "${failure.target}" could not be read. ${AGAIN} If it keeps failing, the owner of the target should PUT the credential again.`,
    retryAfterSeconds: failure.retryAfterSeconds,
  }),
} satisfies Partial<Outsides>;

const REFUSAL_TEXT: Record<HubRefusal, string> = {
  bad_request: 'it says that the request is malformed.',
  plan: "the account's plan does not include such a token.",
  forbidden: 'the account may not create tokens, or its credential no longer works.',
  account_not_found: 'it does not know the account.',
  access_token_session: 'the stored credential is an access token, and access tokens cannot create others.',
  wrong_account: 'the stored credential no longer belongs to the account of the target.',
};

const FAULT_TEXT: Record<HubFault, string> = {
  timeout: 'Docker Hub did not answer in time.',
  connection: 'The connection to Docker Hub failed.',
  server_error: 'Docker Hub answered with a server error.',
  edge: 'A server in front of Docker Hub answered instead.',
  malformed: 'Docker Hub answered in a format that hublease does not know.',
  too_large: 'The answer of Docker Hub is larger than hublease accepts.',
  redirected: 'Docker Hub sent a redirect, which hublease never follows.',
  session_refused: 'Docker Hub ended the session of the target.',
};

function verifyHint(target: string): string {
  return `The owner of the target should verify it: POST /v1/admin/targets/${target} with {"action":"verify"}.`;
}
