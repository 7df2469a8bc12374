import type { Lease } from './pages.ts';

type Evidence = NonNullable<Lease['evidence']>;

/** Why a lease is still open, by the code of its last attempt. */
const WHY: Readonly<Record<string, string>> = {
  account_unreachable: 'Docker Hub denies the target its account, so that its answers prove nothing',
  busy: 'others were logging in to Docker Hub',
  create_refused: 'Docker Hub refused to create the token, and the lists of two sweeps close the lease',
  credential_unavailable: 'the credential of the target could not be read',
  delete_pending: 'Docker Hub has accepted the delete and still shows the token',
  label_still_listed: 'Docker Hub still lists the token',
  list_lag_unknown: "how far Docker Hub's list lags is not known yet",
  listing_incomplete: "Docker Hub's list was not complete",
  listings_differ: "two of Docker Hub's lists did not agree",
  login_blocked: "Docker Hub refuses the target's credential",
  hub_throttled: 'Docker Hub takes no more requests for now',
  quiet_period: 'the token is not found, and Docker Hub may still come to list it',
  still_listed: 'Docker Hub still lists the token',
  store_unavailable: 'hublease could not reach its records',
  target_not_found: 'its target is gone',
  unclear_token: 'Docker Hub lists a token that may be of this lease, and its label does not prove it',
  wrong_account: 'its target now belongs to another account',
};

/** Why a lease is still open, in words; undefined where no attempt has failed. */
export function whyOpen({ lastError }: Pick<Lease, 'lastError'>): string | undefined {
  if (lastError === undefined) return undefined;
  const [kind = '', code] = lastError.split(':');
  if (kind === 'hub_unavailable') return `Docker Hub did not answer as it should (${code})`;
  if (kind === 'hub_refused') return `Docker Hub refused (${code})`;
  return Object.hasOwn(WHY, kind) ? WHY[kind] : lastError;
}

/** Whether a lease was closed on an admin's word, which proves nothing. */
export function isAttested({ evidence }: Pick<Lease, 'evidence'>): boolean {
  return evidence?.kind === 'attested';
}

/** What proves that the token is gone, in words. An attestation says that it proves nothing. */
export function evidenceWords(evidence: Evidence): string {
  switch (evidence.kind) {
    case 'deleted':
      return deletedWords(evidence);
    case 'absent':
      return `absent: two complete lists lacked it (${evidence.firstListingAt} and ${evidence.secondListingAt}, ${evidence.tokensListed} tokens)${removedWords(evidence.removedTokenIds)}`;
    case 'expired':
      return `expired: Docker Hub's clock stood at ${evidence.hubDate}, past ${evidence.hubExpiresAt}, the expiry that it reported itself`;
    case 'attested':
      return `closed at ${evidence.at} on the word of ${evidence.by}: ${evidence.reason}`;
  }
}

function deletedWords({ at, httpStatus, confirmedBy }: Extract<Evidence, { kind: 'deleted' }>): string {
  const answered = `deleted: Docker Hub answered ${httpStatus}`;
  if (confirmedBy === 'gone') return `${answered}, and neither has the token nor lists it (${at})`;
  return confirmedBy === 'inactive' ? `${answered}, and shows the token as inactive (${at})` : `${answered} (${at})`;
}

function removedWords(removedTokenIds: readonly string[]): string {
  return removedTokenIds.length === 0 ? '' : `, after ${removedTokenIds.join(' ')} had been deleted`;
}
