import type { Failure } from '../../core/model/failure.ts';
import type { Outsides } from './outside.ts';

/** Problems with targets and dynamic secrets. */
export const CATALOG_PROBLEMS = {
  secret_not_found: (failure) => ({
    status: 404,
    title: 'There is no such dynamic secret',
    detail: `There is no dynamic secret "${failure.secret}". GET /v1/whoami lists those the caller may lease from.`,
  }),
  target_not_found: (failure) => ({
    status: 404,
    title: 'There is no such target',
    detail: `There is no target "${failure.target}". Create it with PUT /v1/admin/targets/${failure.target}.`,
  }),
  scope_needs_user_target: (failure) => ({
    status: 422,
    title: 'A scope needs a target of kind user',
    detail: `"${failure.target}" is an organization, whose tokens take resources. Give resources in place of scope.`,
  }),
  resources_need_org_target: (failure) => ({
    status: 422,
    title: 'Resources need a target of kind org',
    detail: `"${failure.target}" is a user, whose tokens reach all that the user does and cannot be limited to repositories. Give scope in place of resources or namespace.`,
  }),
  access_token_as_credential: () => ({
    status: 422,
    title: 'An access token cannot be the credential of a target',
    detail:
      'Docker Hub does not let a session that began with an access token create tokens. Give the password of the account, and its TOTP secret where two-factor authentication is on.',
    field: 'credential.password',
  }),
  credential_refused: (failure) => ({
    status: 422,
    title: 'Docker Hub refused the credential',
    detail: `${SECOND_FACTOR_TEXT[failure.secondFactor](failure.username)} Check it before another try: Docker Hub locks a user name after repeated failures.`,
    field: failure.secondFactor === 'needed' ? 'credential.totpSecret' : 'credential.password',
  }),
  wrong_account: (failure) => ({
    status: 422,
    title: 'It belongs to another account',
    detail: `This is the target of "${failure.expected}", and what was given is of "${failure.got}". The account of a target never changes, so that its leases stay revocable: give a credential of "${failure.expected}", or delete the target and make it anew.`,
  }),
  precondition_failed: (failure) => ({
    status: 412,
    title: 'It is not the version that If-Match names',
    detail:
      failure.version === 0
        ? `There is no "${failure.name}" to replace. Leave If-Match out to create it.`
        : `"${failure.name}" is at version ${failure.version}. Read it again, and send the change with its ETag.`,
  }),
  version_conflict: (failure) => ({
    status: 409,
    title: 'Somebody else changed it at the same time',
    detail: `"${failure.name}" was changed while this request ran, and this request changed nothing. Read it again and repeat the request.`,
  }),
  draining: (failure) => ({
    status: 409,
    title: 'It is being deleted',
    detail: `"${failure.name}" is draining: it gives no more leases and goes once its open leases have ended. Nothing of it can be changed any more, but for the credential of a target.`,
  }),
  open_leases: (failure) => ({
    status: 409,
    title: 'It has open leases',
    detail: `"${failure.name}" has ${failure.count} open leases. Wait until they have ended, or repeat with ?force=true: it then gives no more leases and goes once the open ones have ended.`,
  }),
  target_in_use: (failure) => ({
    status: 409,
    title: 'Dynamic secrets use the target',
    detail: `"${failure.target}" is used by ${someOf(failure.secrets)}. Delete these dynamic secrets or give them another target first.`,
  }),
  delete_protected: (failure) => ({
    status: 409,
    title: 'The dynamic secret is protected from deletion',
    detail: `"${failure.secret}" has deleteProtection. PUT it with deleteProtection false first.`,
  }),
  managed_by_cdk: (failure) => ({
    status: 409,
    title: 'A CDK stack owns it',
    detail: `"${failure.name}" is defined in a CDK stack, which would undo this change. Change the stack and deploy it.`,
  }),
} satisfies Partial<Outsides>;

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

const SECRETS_NAMED_MAX = 5;

function someOf(secrets: readonly string[]): string {
  const named = secrets.slice(0, SECRETS_NAMED_MAX).map((secret) => `"${secret}"`);
  const more = secrets.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}
