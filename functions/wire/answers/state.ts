import * as z from 'zod';
import type { TargetState } from '../../core/hub/target-state.ts';
import { given } from '../given.ts';
import { Time, time } from './shared.ts';

const Count = z.int().min(0);

/** What use has taught about a target's Docker Hub, as the GET of one target shows it. */
export const StateAnswer = z
  .strictObject({
    mintsRefused: z
      .strictObject({
        code: z.enum(['expiry_refused', 'label_refused', 'list_lags']),
        since: Time,
        triedAt: Time.meta({ description: 'When a sweep last tried to verify the target. It tries at most hourly.' }),
      })
      .exactOptional()
      .meta({ description: 'Why no lease is given until a verification passes.' }),
    pendingVerification: z
      .strictObject({ leaseId: z.string(), tokenId: z.string(), since: Time })
      .exactOptional()
      .meta({ description: 'The token of a verification that is not listed yet. Sweeps look for it.' }),
    listLagSeconds: Count.exactOptional().meta({
      description: 'Largest delay that was measured between a create and the list.',
    }),
    listLagsBeyondSeconds: Count.exactOptional().meta({
      description: 'A living token of this age was missing from the list, so that the list lags further.',
    }),
    listingProblem: z
      .strictObject({ code: z.string(), since: Time })
      .exactOptional()
      .meta({ description: 'Why the list of tokens cannot be used. `account_unreachable`: Docker Hub denies access.' }),
    cap: z
      .strictObject({ tokens: Count, at: Time })
      .exactOptional()
      .meta({ description: 'Docker Hub took no more tokens when the account had this many. Believed for 24 hours.' }),
    places: z
      .strictObject({
        at: Time,
        tokens: Count,
        foreign: Count.meta({ description: 'Not of this installation.' }),
        expired: Count.meta({ description: 'Expired or inactive: they count all the same.' }),
      })
      .exactOptional()
      .meta({ description: 'What an organization has, as last listed.' }),
  })
  .meta({ description: 'What use has taught about Docker Hub. Only where one target is shown.' });

/** How a target stands, as admins see it. */
export function stateAnswer(state: TargetState): z.output<typeof StateAnswer> {
  const { refusal, pendingVerification: pending, listLagMs, listLagsBeyondMs, listing, cap, places } = state;
  return given({
    mintsRefused: refusal && {
      code: refusal.code,
      since: time(refusal.sinceMs),
      triedAt: time(refusal.triedAtMs),
    },
    pendingVerification: pending && {
      leaseId: pending.leaseId,
      tokenId: pending.tokenId,
      since: time(pending.createdAtMs),
    },
    listLagSeconds: listLagMs === undefined ? undefined : Math.ceil(listLagMs / 1_000),
    listLagsBeyondSeconds: listLagsBeyondMs === undefined ? undefined : Math.floor(listLagsBeyondMs / 1_000),
    listingProblem: listing && { code: listing.code, since: time(listing.sinceMs) },
    cap: cap && { tokens: cap.tokens, at: time(cap.atMs) },
    places: places && {
      at: time(places.atMs),
      tokens: places.tokens,
      foreign: places.foreign,
      expired: places.expired,
    },
  });
}
