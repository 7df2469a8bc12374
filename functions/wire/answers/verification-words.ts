import type { VerificationStep } from '../../core/catalog/verify.ts';
import { callerLabelMax, LABEL_MAX_CHARACTERS } from '../../core/hub/label.ts';
import type { Verification } from '../../core/model/target.ts';

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
/** The one status by which Docker Hub documents a delete. */
const DELETED_STATUS = 204;

const SWEEPS_LOOK =
  'Sweeps look for it: it is listed within 15 minutes, or no more leases are given. Until then no lease whose create got no answer can be proven absent.';

/** What a pending verification waits for, and what to do. */
export const STEP_TEXT: Readonly<Record<VerificationStep, string>> = {
  login: 'Docker Hub has not taken the token of the verification yet. Ask for the verification again.',
  read: `The token is made, but Docker Hub does not show it yet. ${SWEEPS_LOOK}`,
  list: `The token is made, but Docker Hub does not list it yet. ${SWEEPS_LOOK}`,
  delete:
    'Docker Hub has accepted the delete of the token and not done it yet. hublease goes on by itself. Ask for the verification again later.',
};

/** Where a Docker Hub is less exact than its documentation, and what follows. */
export function verificationWarnings(verification: Verification): string[] {
  const { expirySlackSeconds = 0, expiryMinSeconds = 0, expiryUnproven } = verification;
  const { labelMaxCharacters = LABEL_MAX_CHARACTERS, creatorUserAgentKept, deleteStatus } = verification;
  const warnings: string[] = [];
  if (expirySlackSeconds > 0) {
    warnings.push(
      `Docker Hub ends tokens up to ${spanOf(expirySlackSeconds)} later than asked. A token whose delete fails lives up to ${spanOf(expirySlackSeconds)} longer than its lease.`,
    );
  }
  if (expiryMinSeconds > 0) {
    warnings.push(
      `Docker Hub gives no token less than ${spanOf(expiryMinSeconds)}. A token whose delete fails lives at least that long.`,
    );
  }
  if (expiryUnproven === true) {
    warnings.push(
      'Docker Hub keeps no expiry that can be relied on, and allowUnprovenExpiry accepts that. A token whose delete fails may live on.',
    );
  }
  if (labelMaxCharacters < LABEL_MAX_CHARACTERS) {
    const most = callerLabelMax(labelMaxCharacters);
    const left = most === 0 ? 'no label of their own' : `at most ${most} characters of label`;
    warnings.push(`Docker Hub keeps ${labelMaxCharacters} characters of a label. Callers can give ${left}.`);
  }
  if (creatorUserAgentKept === false) {
    warnings.push(
      'Docker Hub does not say that hublease made a token. A token that somebody else makes meanwhile can keep a lease open whose create got no answer.',
    );
  }
  if (deleteStatus !== undefined && deleteStatus !== DELETED_STATUS) {
    warnings.push(`Docker Hub answers a delete with ${deleteStatus}. Each revocation looks at the token again.`);
  }
  return warnings;
}

function spanOf(seconds: number): string {
  if (seconds === DAY_SECONDS) return 'a day';
  if (seconds === HOUR_SECONDS) return 'an hour';
  return seconds === MINUTE_SECONDS ? 'a minute' : `${seconds} seconds`;
}
