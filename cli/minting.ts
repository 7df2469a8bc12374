import type { AnswerOf } from '../functions/wire/operations.ts';
import { CommandFailed, EXIT } from './exit.ts';

export type Minted = AnswerOf<'mintLease'>['body'];

/** Options of a mint. An empty text counts as absent. */
export interface MintFlags {
  readonly ttl?: string | undefined;
  /** One scope, or several separated by commas. */
  readonly scope?: string | undefined;
  readonly label?: string | undefined;
  readonly reason?: string | undefined;
}

/** The body of a mint. */
export function mintBody({ ttl, scope, label, reason }: MintFlags): Readonly<Record<string, string>> {
  return {
    ...(ttl && { ttl: /^\d+$/.test(ttl) ? `${ttl}s` : ttl }),
    ...(scope && { [scope.includes(',') ? 'scopes' : 'scope']: scope }),
    ...(label && { label }),
    ...(reason && { reason }),
  };
}

/** The login in a mint's answer. @throws CommandFailed if the token is sealed, because nobody here can use it. */
export function openPassword({ lease, credential }: Minted): { readonly username: string; readonly password: string } {
  if ('password' in credential) return credential;
  throw new CommandFailed(
    EXIT.error,
    `the tokens of "${lease.secret}" are sealed for the owner of its protection key`,
    `Run "hublease lease ${lease.secret} -o json", and open the sealed token with that key.`,
  );
}
