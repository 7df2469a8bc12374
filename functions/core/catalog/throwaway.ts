import { callerLabelMax, LABEL_MAX_CHARACTERS, MARK_CHARACTERS } from '../hub/label.ts';
import type { Grant } from '../leases/grant.ts';
import { mintGrant } from '../leases/mint.ts';
import type { Origin } from '../model/caller.ts';
import { Failed } from '../model/failure.ts';
import type { ActiveLease } from '../model/lease.ts';
import type { ExpiryGranularity, Target } from '../model/target.ts';
import type { MintPorts, VerifyPorts } from '../ports/needs.ts';

/** Lifetime of the throwaway token: long enough for a list that lags, short enough to do no harm. */
const TTL_SECONDS = 1_800;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

/** How long the token of a verification lives if nothing deletes it. */
export const THROWAWAY_LIFE_MS = TTL_SECONDS * 1_000;

/** The text after the mark in the label of a verification's token, if Docker Hub accepts more than the mark. */
export const VERIFICATION_LABEL = 'Verification, which is deleted at once';

/** The secret's name in leases of verifications. No real secret can have it. */
export const VERIFICATION_SECRET = 'verification';

/** The expiries to try for the token, finest first, until Docker Hub accepts one. */
const EXPIRIES: readonly { readonly granularity: ExpiryGranularity; readonly minSeconds?: number }[] = [
  { granularity: 'second' },
  { granularity: 'minute' },
  { granularity: 'hour' },
  { granularity: 'day' },
  { granularity: 'second', minSeconds: HOUR_SECONDS },
  { granularity: 'second', minSeconds: DAY_SECONDS },
  { granularity: 'day', minSeconds: DAY_SECONDS },
];

/** A label that a verification tries. */
export interface ThrowawayLabel {
  readonly labelMaxCharacters: number;
  /** The text after our mark. */
  readonly label?: string;
}

/** Longest first: the full documented length, then only our mark. */
export const THROWAWAY_LABELS: readonly ThrowawayLabel[] = [
  {
    labelMaxCharacters: LABEL_MAX_CHARACTERS,
    // Mixed case and the maximum length, to see whether the whole label comes back unchanged.
    label: VERIFICATION_LABEL.padEnd(callerLabelMax(LABEL_MAX_CHARACTERS), '.'),
  },
  { labelMaxCharacters: MARK_CHARACTERS },
];

/** A verification's token, with the expiry and label that Docker Hub accepted. */
export interface Throwaway {
  readonly lease: ActiveLease;
  readonly granularity: ExpiryGranularity;
  readonly minSeconds?: number;
  readonly labelMaxCharacters: number;
}

/**
 * Mints the token of a verification. Tries expiries from the finest to the coarsest, and labels from the longest to the shortest,
 * until Docker Hub accepts them. Only this function sends more than one create.
 *
 * @param labels the ones to try, longest first.
 * @returns undefined if time ran out.
 * @throws Failed: all of `mintGrant`; `expiry_refused` or `label_refused` if nothing is accepted.
 */
export async function mintThrowaway(
  ports: VerifyPorts,
  origin: Origin,
  target: Target,
  labels: readonly ThrowawayLabel[],
  untilMs: number,
): Promise<Throwaway | undefined> {
  let refusal: Failed | undefined;
  for (const label of labels) {
    for (const expiry of EXPIRIES) {
      if (ports.clock.nowMs() >= untilMs) return undefined;
      const asked = askFor(target, expiry);
      try {
        const { lease } = await mintGrant(withTarget(ports, asked), origin, grantOf(asked, label.label));
        return { lease, ...expiry, labelMaxCharacters: label.labelMaxCharacters };
      } catch (error) {
        if (!(error instanceof Failed) || !isAboutWhatWasAsked(error)) throw error;
        refusal = error;
        if (error.failure.tag === 'label_refused') break;
      }
    }
  }
  throw refusal;
}

/** A 400 with other text may also be about the expiry. */
function isAboutWhatWasAsked({ failure }: Failed): boolean {
  const { tag } = failure;
  return (
    tag === 'expiry_refused' || tag === 'label_refused' || (tag === 'hub_refused' && failure.code === 'bad_request')
  );
}

function askFor(target: Target, { granularity, minSeconds }: (typeof EXPIRIES)[number]): Target {
  const { atMs = 0, account = target.username, loginRoute = target.loginRoute } = target.verification ?? {};
  const { expiryMinSeconds: _, ...known } = target.verification ?? { atMs, account, loginRoute };
  return {
    ...target,
    expiryGranularity: granularity,
    verification: { ...known, ...(minSeconds !== undefined && { expiryMinSeconds: minSeconds }) },
  };
}

/**
 * The ports with the target as if it were already stored. The backstop is the revocation queue, which waits at most 15 minutes. A
 * message that comes early is sent again.
 */
function withTarget(ports: VerifyPorts, target: Target): MintPorts {
  return {
    ...ports,
    catalog: { ...ports.catalog, getTarget: async () => target },
    backstop: {
      arm: (leaseId, atMs) => {
        const waitMs = Math.max(0, atMs - ports.clock.nowMs());
        return ports.queue.send(leaseId, Math.min(waitMs, ports.limits.maxRetryMs));
      },
    },
    tokenSealer: { seal: () => Promise.reject(new Error('a verification has no protection key')) },
  };
}

/** The narrowest permissions of each kind of token. */
function grantOf(target: Target, label: string | undefined): Grant {
  return {
    secretName: VERIFICATION_SECRET,
    target,
    ttlSeconds: TTL_SECONDS,
    maxTtlSeconds: TTL_SECONDS,
    renewable: false,
    ...(label !== undefined && { label }),
    quotas: [],
    isVerification: true,
    ...(target.kind === 'org'
      ? { resources: [{ type: 'TYPE_REPO', path: '*/*/public', scopes: ['scope-image-pull'] }] }
      : { scope: 'repo:public_read' }),
  };
}
