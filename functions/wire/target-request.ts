import * as z from 'zod';
import { CredentialBody, Description, HubAccount, MaxActive, Tags } from './fields.ts';
import { given } from './given.ts';

/** What a credential comes with, on a target or on a secret. */
export const CREDENTIAL_FIELDS = {
  kind: z.enum(['user', 'org']),
  organization: HubAccount.meta({ description: 'On kind `org`.' }).exactOptional(),
  credential: CredentialBody.meta({ description: 'Of an owner or user; goes in and never comes out.' }).exactOptional(),
  loginRoute: z.enum(['auth-token', 'users-login']).exactOptional(),
};

/** The body of a target's PUT. */
export const TargetBody = z.strictObject({
  ...CREDENTIAL_FIELDS,
  description: Description.exactOptional(),
  tags: Tags.exactOptional(),
  maxActive: MaxActive.exactOptional(),
});

/** The body of what is done with a target as it is. */
export const TargetAction = z.strictObject({ action: z.literal('verify') });

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
