import { MARK_CHARACTERS } from '../hub/label.ts';
import type { MintingLease } from '../model/lease.ts';
import type { ClippedEnds } from '../model/lease-transitions.ts';
import type { CreatedToken } from '../ports/docker-hub.ts';
import type { MintRefusal } from '../ports/sessions.ts';
import type { Grant } from './grant.ts';

/** Docker Hub may round an expiry to whole seconds. */
const ROUNDING_MS = 1_000;

/** What Docker Hub's answer to a create means for its lease. */
export type EchoVerdict =
  | {
      readonly refusal: Exclude<MintRefusal, 'list_lags'>;
      /** The next mint of the target would fail, too. False if only the caller's own label was changed. */
      readonly isOfTarget: boolean;
    }
  | {
      /** When Docker Hub ends the token, if that is before the lease's end. */ readonly clippedMs?: number;
    };

const EXPIRY_REFUSED = { refusal: 'expiry_refused', isOfTarget: true } as const;

/**
 * Compares Docker Hub's answer to a create with the request. With a changed label, the token could not be found by its label
 * later. With no expiry, or a later one than the verification saw, Docker Hub would not end the token in time.
 */
export function judgeEcho(
  { target, isVerification }: Pick<Grant, 'target' | 'isVerification'>,
  intent: MintingLease,
  created: CreatedToken,
  bounds: { readonly nowMs: number; readonly minTtlSeconds: number },
): EchoVerdict {
  if (created.label !== intent.hubLabel) {
    const isMarkKept = created.label?.startsWith(intent.hubLabel.slice(0, MARK_CHARACTERS)) === true;
    return { refusal: 'label_refused', isOfTarget: !isMarkKept };
  }
  const { expiresAtMs } = created;
  const isTrusted = isVerification === true || target.allowUnprovenExpiry === true;
  if (expiresAtMs === null) return isTrusted ? {} : EXPIRY_REFUSED;
  const slackMs = (target.verification?.expirySlackSeconds ?? 0) * 1_000 + ROUNDING_MS;
  const latestMs = (intent.hubExpiresAtMs ?? Number.POSITIVE_INFINITY) + slackMs;
  if (expiresAtMs > latestMs && !isTrusted) return EXPIRY_REFUSED;
  if (expiresAtMs >= intent.maxExpiresAtMs) return {};
  const isTooShort = expiresAtMs < Math.min(intent.expiresAtMs, bounds.nowMs + bounds.minTtlSeconds * 1_000);
  return isTooShort ? EXPIRY_REFUSED : { clippedMs: expiresAtMs };
}

/** The ends of a lease whose token Docker Hub ends at `clippedMs`. */
export function clip(
  { expiresAtMs, maxExpiresAtMs }: Pick<ClippedEnds, 'expiresAtMs' | 'maxExpiresAtMs'>,
  clippedMs: number,
): ClippedEnds {
  return {
    expiresAtMs: Math.min(expiresAtMs, clippedMs),
    maxExpiresAtMs: Math.min(maxExpiresAtMs, clippedMs),
    expiryClipped: true,
  };
}
