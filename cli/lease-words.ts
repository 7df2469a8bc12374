import type { Lease } from './pages.ts';

type Evidence = NonNullable<Lease['evidence']>;

/** Why a lease is still open, by the code of its last attempt. */
const WHY: Readonly<Record<string, string>> = {
  account_unreachable: 'Docker Hub denies access to the account of the target, so its answers prove nothing',
  busy: 'another process was logging in to Docker Hub',
  create_refused: 'Docker Hub refused to create the token, and the next two sweeps close the lease',
  credential_unavailable: 'the credential of the target could not be read',
  delete_pending: 'Docker Hub accepted the delete, but still shows the token',
  label_still_listed: 'Docker Hub still lists the token',
  list_lag_unknown: "it is not known yet how far Docker Hub's list lags",
  listing_incomplete: "Docker Hub's list was not complete",
  listings_differ: "two of Docker Hub's lists did not agree",
  login_blocked: "Docker Hub refuses the target's credential",
  hub_throttled: 'Docker Hub accepts no more requests for now',
  quiet_period: 'the token was not found, but Docker Hub may still list it',
  still_listed: 'Docker Hub still lists the token',
  store_unavailable: 'hublease could not reach its records',
  target_not_found: 'the target does not exist any more',
  unclear_token: 'Docker Hub lists a token that may belong to this lease, but its label does not prove it',
  wrong_account: 'the target now belongs to another account',
};

/** Why a lease is still open, in words; undefined if no attempt has failed. */
export function whyOpen({ lastError }: Pick<Lease, 'lastError'>): string | undefined {
  if (lastError === undefined) return undefined;
  const [kind = '', code] = lastError.split(':');
  if (kind === 'hub_unavailable') return `Docker Hub failed (${code})`;
  if (kind === 'hub_refused') return `Docker Hub refused (${code})`;
  return Object.hasOwn(WHY, kind) ? WHY[kind] : lastError;
}

/** Whether an admin closed a lease without proof. */
export function isAttested({ evidence }: Pick<Lease, 'evidence'>): boolean {
  return evidence?.kind === 'attested';
}

/** The evidence that the token is gone, in words. An attestation says that it proves nothing. */
export function evidenceWords(evidence: Evidence): string {
  switch (evidence.kind) {
    case 'deleted':
      return deletedWords(evidence);
    case 'absent':
      return `absent: two complete lists did not contain it (${evidence.firstListingAt} and ${evidence.secondListingAt}, ${evidence.tokensListed} tokens)${removedWords(evidence.removedTokenIds)}`;
    case 'expired':
      return `expired: Docker Hub's clock showed ${evidence.hubDate}, after the expiry that Docker Hub reported (${evidence.hubExpiresAt})`;
    case 'attested':
      return `closed without proof at ${evidence.at} by ${evidence.by}: ${evidence.reason}`;
  }
}

function deletedWords({ at, httpStatus, confirmedBy }: Extract<Evidence, { kind: 'deleted' }>): string {
  const answered = `deleted: Docker Hub answered ${httpStatus}`;
  if (confirmedBy === 'gone') return `${answered}, and no longer has or lists the token (${at})`;
  return confirmedBy === 'inactive' ? `${answered}, and shows the token as inactive (${at})` : `${answered} (${at})`;
}

function removedWords(removedTokenIds: readonly string[]): string {
  return removedTokenIds.length === 0 ? '' : `, after hublease deleted ${removedTokenIds.join(' ')}`;
}
