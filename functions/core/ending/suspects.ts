import type { Listing } from '../hub/listing.ts';
import type { Lease } from '../model/lease.ts';
import type { Target } from '../model/target.ts';
import type { HubToken } from '../ports/docker-hub.ts';

/** Maximum difference between Docker Hub's clock and ours, plus the time that a create takes. */
const TIME_MARGIN_MS = 60_000;
/** The beginning of every User-Agent of hublease. */
const USER_AGENT_START = 'hublease/';

/**
 * Listed tokens that may belong to a lease although their label does not prove it, because Docker Hub may have cut or changed the
 * label. Because of them, the lease cannot end as `absent`. They are never deleted, because without our MAC a token may belong to
 * somebody else.
 *
 * @param quietUntilMs the latest time at which the lease's create could be listed.
 */
export function suspectsOf(
  installation: string,
  target: Target,
  lease: Lease,
  { tokens, hubDateMs }: Listing,
  quietUntilMs: number,
): HubToken[] {
  return tokens.filter(
    (token) =>
      token.tokenId !== lease.tokenId &&
      lease.removedTokenIds?.includes(token.tokenId) !== true &&
      target.dismissedTokenIds?.includes(token.tokenId) !== true &&
      isOfThatTime(token, lease, quietUntilMs) &&
      mayBeByUs(token, target) &&
      isListedAlive(token, hubDateMs) &&
      !namesAnother(token.label, installation, lease.id),
  );
}

/** Whether a listed token can still be used, according to Docker Hub's own data and clock. */
export function isListedAlive({ isActive, expiresAtMs }: HubToken, hubDateMs: number | undefined): boolean {
  return isActive && (expiresAtMs === null || hubDateMs === undefined || expiresAtMs > hubDateMs);
}

/** A token without a creation time may be from any time. */
function isOfThatTime({ createdAtMs }: HubToken, { issuedAtMs }: Lease, quietUntilMs: number): boolean {
  if (createdAtMs === null) return true;
  return createdAtMs >= issuedAtMs - TIME_MARGIN_MS && createdAtMs <= quietUntilMs + TIME_MARGIN_MS;
}

/** The creator of a token only counts if a verification has seen which creator Docker Hub shows for our tokens. */
function mayBeByUs({ creatorUserAgent, createdBy }: HubToken, { kind, username, verification }: Target): boolean {
  if (kind === 'org') {
    const { labelMaxCharacters, listDelayMs, creatorUserAgentKept } = verification ?? {};
    const isShown = labelMaxCharacters !== undefined && listDelayMs !== undefined && creatorUserAgentKept !== false;
    return !isShown || createdBy === undefined || createdBy.toLowerCase() === username;
  }
  // A proxy may change the User-Agent.
  if (verification?.creatorUserAgentKept !== true) return true;
  return creatorUserAgent === undefined || creatorUserAgent.startsWith(USER_AGENT_START);
}

/** Whether the start of a label names another installation or another lease, ignoring case. */
function namesAnother(label: string, installation: string, leaseId: string): boolean {
  // A mark has no spaces. Text after a space may have been added later to a cut mark.
  const [start = ''] = label.split(' ', 1);
  const shown = start.toLowerCase();
  const own = `hl1:${installation}:${leaseId}`.toLowerCase();
  if (!shown.startsWith('hl1:')) return false;
  const length = Math.min(shown.length, own.length);
  return shown.slice(0, length) !== own.slice(0, length);
}
