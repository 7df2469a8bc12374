import * as z from 'zod';
import type { PageRequest } from '../../core/ports/pages.ts';
import { LeaseStatus, Name, PAGE_LIMIT_DEFAULT, PAGE_QUERY, Principal, switchFor } from '../fields.ts';
import { given } from '../given.ts';

const Live = switchFor(
  '`true` also shows what Docker Hub says of the token: whether it is active, and when it was last used. `live.asOf` says when it was asked.',
);

/** The query of one lease. */
export const LiveQuery = z.strictObject({ live: Live });

/** Narrows a list of leases. */
const LEASE_FILTER = {
  secret: Name.meta({
    description: 'Throwaway tokens that verified a target stand under `verification`, a name that no secret can have.',
  }).exactOptional(),
  status: LeaseStatus.exactOptional(),
};

/** The query of a caller's own leases. */
export const OwnLeasesQuery = z.strictObject({ ...LEASE_FILTER, live: Live, ...PAGE_QUERY });

/** The query of everybody's leases. */
export const AllLeasesQuery = z.strictObject({
  ...LEASE_FILTER,
  caller: Principal.exactOptional(),
  live: Live,
  ...PAGE_QUERY,
});

/** The query of the list of targets. */
export const TargetsQuery = z.strictObject({ prefix: Name.exactOptional(), ...PAGE_QUERY });

/** The query of the list of dynamic secrets. */
export const SecretsQuery = z.strictObject({
  prefix: Name.exactOptional(),
  target: Name.exactOptional(),
  ...PAGE_QUERY,
});

/** Parts a list's query into its filter, its paging, and whether Docker Hub is asked too. */
export function listOrder<Q extends { readonly limit?: string; readonly nextToken?: string; readonly live?: string }>(
  query: Q,
): { filter: Omit<Q, 'limit' | 'nextToken' | 'live'>; page: PageRequest; live: boolean } {
  const { limit, nextToken, live, ...filter } = query;
  const page = given({ limit: limit === undefined ? PAGE_LIMIT_DEFAULT : Number(limit), nextToken });
  return { filter, page, live: live === 'true' };
}
