import type { RevokePorts } from '../ports/needs.ts';
import type { HubFacts } from '../ports/sessions.ts';
import { stored } from '../ports/stored.ts';
import { capOf } from './facts.ts';

/** Facts that hublease has learned about a target's Docker Hub, for admins. Contains nothing of the session itself. */
export type TargetState = Pick<
  HubFacts,
  'refusal' | 'pendingVerification' | 'listLagMs' | 'listLagsBeyondMs' | 'listing' | 'cap' | 'places'
>;

/**
 * The state of a target: why its mints are refused, whether a verification is pending, whether its list can be used, and how full
 * its account is. A token limit that is too old is left out.
 *
 * @throws Failed `store_unavailable`.
 */
export async function readTargetState(
  ports: Pick<RevokePorts, 'sessions' | 'clock'>,
  name: string,
): Promise<TargetState> {
  const facts = (await stored(ports.sessions.read(name)))?.facts ?? {};
  const { refusal, pendingVerification, listLagMs, listLagsBeyondMs, listing, cap, places } = facts;
  return {
    ...(refusal !== undefined && { refusal }),
    ...(pendingVerification !== undefined && { pendingVerification }),
    ...(listLagMs !== undefined && { listLagMs }),
    ...(listLagsBeyondMs !== undefined && { listLagsBeyondMs }),
    ...(listing !== undefined && { listing }),
    ...(cap !== undefined && capOf(facts, ports.clock.nowMs()) !== undefined && { cap }),
    ...(places !== undefined && { places }),
  };
}
