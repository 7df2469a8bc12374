import type { Failure } from '../../core/model/failure.ts';
import type { Outsides } from './outside.ts';

/** Problems with targets and dynamic secrets. */
export const CATALOG_PROBLEMS = {
  secret_not_found: (failure) => ({
    status: 404,
    title: 'There is no such dynamic secret',
    detail: `There is no dynamic secret "${failure.secret}". GET /v1/whoami lists the secrets that the caller may lease from.`,
  }),
  target_not_found: (failure) => ({
    status: 404,
    title: 'There is no such target',
    detail: `There is no target "${failure.target}". Create it with PUT /v1/admin/targets/${failure.target}.`,
  }),
  scope_needs_user_target: (failure) => ({
    status: 422,
    title: 'A scope needs a target of kind user',
    detail: `"${failure.target}" is an organization. Its tokens take resources, not a scope. Replace scope with resources.`,
  }),
  resources_need_org_target: (failure) => ({
    status: 422,
    title: 'Resources need a target of kind org',
    detail: `"${failure.target}" is a user. The tokens of a user reach everything that the user reaches, and cannot be limited to repositories. Replace resources or namespace with scope.`,
  }),
  access_token_as_credential: () => ({
    status: 422,
    title: 'An access token cannot be the credential of a target',
    detail:
      'Docker Hub does not let access tokens create other tokens. Give the password of the account. If two-factor authentication is on, also give its TOTP secret.',
    field: 'credential.password',
  }),
  credential_refused: (failure) => ({
    status: 422,
    title: 'Docker Hub refused the credential',
    detail: `${SECOND_FACTOR_TEXT[failure.secondFactor](failure.username)} Check it before you try again: Docker Hub locks a user name after repeated failures.`,
    field: failure.secondFactor === 'needed' ? 'credential.totpSecret' : 'credential.password',
  }),
  wrong_account: (failure) => ({
    status: 422,
    title: 'The target belongs to another account',
    detail: `This target belongs to account "${failure.expected}". The request is for account "${failure.got}", or its credential belongs to that account. The account of a target never changes, so that its leases stay revocable. Use "${failure.expected}", or delete the target and create it again.`,
  }),
  precondition_failed: (failure) => ({
    status: 412,
    title: 'The version does not match If-Match',
    detail:
      failure.version === 0
        ? `There is no "${failure.name}" to replace. To create it, leave If-Match out.`
        : `"${failure.name}" is at version ${failure.version}. Read it again, and send the change with the current ETag.`,
  }),
  version_conflict: (failure) => ({
    status: 409,
    title: 'Another request changed it at the same time',
    detail: `Another request changed "${failure.name}" while this request ran. This request changed nothing. Read it again, then repeat the request.`,
  }),
  draining: (failure) => ({
    status: 409,
    title: 'It is being deleted',
    detail: `"${failure.name}" is draining: it gives no more leases, and is deleted when its open leases have ended. Only the credential of a target can still be changed.`,
  }),
  open_leases: (failure) => ({
    status: 409,
    title: 'It has open leases',
    detail: `"${failure.name}" has ${failure.count} open leases. Wait until they have ended, or repeat the request with ?force=true. It then gives no more leases, and is deleted when the open ones have ended.`,
  }),
  target_in_use: (failure) => ({
    status: 409,
    title: 'Dynamic secrets use the target',
    detail: `"${failure.target}" is used by ${someOf(failure.secrets)}. First delete these dynamic secrets, or give them another target.`,
  }),
  delete_protected: (failure) => ({
    status: 409,
    title: 'The dynamic secret is protected from deletion',
    detail: `"${failure.secret}" has deleteProtection. First PUT it with deleteProtection false.`,
  }),
  managed_by_cdk: (failure) => ({
    status: 409,
    title: 'A CDK stack manages it',
    detail: `"${failure.name}" is defined in a CDK stack, which would undo this change. Change the stack and deploy it.`,
  }),
} satisfies Partial<Outsides>;

const SECOND_FACTOR_TEXT: Record<
  Extract<Failure, { tag: 'credential_refused' }>['secondFactor'],
  (username: string) => string
> = {
  needed: (username) =>
    `Docker Hub asks for a second factor of "${username}". If it got one, it did not accept it. Give the TOTP secret in credential.totpSecret.`,
  possible: (username) =>
    `Docker Hub did not accept the login of "${username}". Either the password is wrong, or the account has two-factor authentication. If it has, give its TOTP secret in credential.totpSecret.`,
  no: (username) => `Docker Hub did not accept the password of "${username}".`,
};

const SECRETS_NAMED_MAX = 5;

function someOf(secrets: readonly string[]): string {
  const named = secrets.slice(0, SECRETS_NAMED_MAX).map((secret) => `"${secret}"`);
  const more = secrets.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}
