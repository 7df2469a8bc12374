import type { Listing } from '../hub/listing.ts';
import type { Lease } from '../model/lease.ts';
import type { Target } from '../model/target.ts';
import type { HubToken } from '../ports/docker-hub.ts';

/** How far Docker Hub's clock and ours may be apart, and what a create takes on its way. */
const TIME_MARGIN_MS = 60_000;
/** What every User-Agent of hublease begins with. */
const USER_AGENT_START = 'hublease/';

/**
 * Listed tokens that may be a lease's although their label does not prove it: Docker Hub may have cut or changed the label. They
 * keep the lease from reading `absent`. Nothing else is ever done to them: without our MAC a token is not ours to delete.
 *
 * @param quietUntilMs when the lease's create could last have been listed.
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

/** Whether a listed token can still be used, by Docker Hub's own report and clock. */
export function isListedAlive({ isActive, expiresAtMs }: HubToken, hubDateMs: number | undefined): boolean {
  return isActive && (expiresAtMs === null || hubDateMs === undefined || expiresAtMs > hubDateMs);
}

/** A token that does not say when it was made may be of any time. */
function isOfThatTime({ createdAtMs }: HubToken, { issuedAtMs }: Lease, quietUntilMs: number): boolean {
  if (createdAtMs === null) return true;
  return createdAtMs >= issuedAtMs - TIME_MARGIN_MS && createdAtMs <= quietUntilMs + TIME_MARGIN_MS;
}

/** Who made a token tells it apart from ours only where a verification has seen how ours are shown. */
function mayBeByUs({ creatorUserAgent, createdBy }: HubToken, { kind, username, verification }: Target): boolean {
  if (kind === 'org') {
    const { labelMaxCharacters, listDelayMs, creatorUserAgentKept } = verification ?? {};
    const isShown = labelMaxCharacters !== undefined && listDelayMs !== undefined && creatorUserAgentKept !== false;
    return !isShown || createdBy === undefined || createdBy.toLowerCase() === username;
  }
  // Something on the way may change the User-Agent.
  if (verification?.creatorUserAgentKept !== true) return true;
  return creatorUserAgent === undefined || creatorUserAgent.startsWith(USER_AGENT_START);
}

/** Whether the readable start of a label names another installation or another lease, in whatever case. */
function namesAnother(label: string, installation: string, leaseId: string): boolean {
  // A mark has no spaces: somebody may have written more behind one that was cut.
  const [start = ''] = label.split(' ', 1);
  const shown = start.toLowerCase();
  const own = `hl1:${installation}:${leaseId}`.toLowerCase();
  if (!shown.startsWith('hl1:')) return false;
  const length = Math.min(shown.length, own.length);
  return shown.slice(0, length) !== own.slice(0, length);
}
