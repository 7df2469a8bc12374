import * as z from 'zod';
import { fail } from '../../core/model/failure.ts';
import { CredentialBody, Description, HubAccount, MaxActive, switchFor, Tags, TokenIds } from '../fields.ts';
import { given } from '../given.ts';

/** What a credential comes with, on a target or on a secret. */
export const CREDENTIAL_FIELDS = {
  kind: z.enum(['user', 'org']),
  organization: HubAccount.meta({ description: 'On kind `org`.' }).exactOptional(),
  credential: CredentialBody.meta({ description: 'Of an owner or user; goes in and never comes out.' }).exactOptional(),
  loginRoute: z.enum(['auth-token', 'users-login']).exactOptional(),
  allowUnprovenExpiry: z
    .boolean()
    .meta({
      description:
        'Accept tokens whose expiry Docker Hub drops, moves by more than a day, or does not show. Then only a delete ends a token, so that one whose delete fails may live on.',
    })
    .exactOptional(),
};

/** The body of a target's PUT. */
export const TargetBody = z.strictObject({
  ...CREDENTIAL_FIELDS,
  description: Description.exactOptional(),
  tags: Tags.exactOptional(),
  maxActive: MaxActive.exactOptional(),
});

/** The query of a PUT that can bring a credential. */
export const VerifyQuery = z.strictObject({ verify: switchFor('`false` stores the credential without a login.') });

/** The query of the deletion of a target or secret. */
export const ForceQuery = z.strictObject({
  force: switchFor('`true` lets open leases run out first, and gives no more.'),
});

/** The body of what is done with a target as it is. */
export const TargetAction = z.strictObject({
  action: z.enum(['verify', 'dismiss']).meta({
    description: '`verify`: try the credential in force again. `dismiss`: the tokens are not of hublease.',
  }),
  tokenIds: TokenIds.exactOptional(),
});

/**
 * Reads what is to be done with a target.
 *
 * @throws Failed `invalid_field` `tokenIds` unless they are there exactly where tokens are dismissed.
 */
export function targetAction({
  action,
  tokenIds,
}: z.output<typeof TargetAction>):
  | { readonly action: 'verify' }
  | { readonly action: 'dismiss'; readonly tokenIds: readonly string[] } {
  if (action === 'dismiss') {
    if (tokenIds !== undefined) return { action, tokenIds };
    throw fail({ tag: 'invalid_field', field: 'tokenIds', problem: 'required with action "dismiss"' });
  }
  if (tokenIds === undefined) return { action };
  throw fail({ tag: 'invalid_field', field: 'tokenIds', problem: 'only allowed with action "dismiss"' });
}

/** Reads a target's PUT; it is verified unless the query says `verify=false`. */
export function targetOrder(
  name: string,
  body: z.output<typeof TargetBody>,
  query: { readonly verify?: 'true' | 'false' },
  headers: { readonly 'if-match'?: string } = {},
) {
  const { credential, ...rest } = body;
  return given({
    name,
    ...rest,
    credential: credential === undefined ? undefined : credentialOrder(credential),
    verify: query.verify !== 'false',
    ifVersion: ifVersion(headers['if-match']),
  });
}

/** Docker Hub compares user names in lower case; Base32 is written in upper case. */
export function credentialOrder({ username, password, totpSecret }: z.output<typeof CredentialBody>) {
  return given({ username: username.toLowerCase(), password, totpSecret: totpSecret?.toUpperCase() });
}

/** The version that an If-Match header names. */
export function ifVersion(ifMatch: string | undefined): number | 'any' | undefined {
  if (ifMatch === undefined) return undefined;
  return ifMatch === '*' ? 'any' : Number(ifMatch.slice(1, -1));
}
