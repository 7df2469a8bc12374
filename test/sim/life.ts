import type { Fault } from './faults.ts';
import type { Plan } from './plan.ts';

/** One lease's whole life: minted, renewed, revoked by its owner, swept, beside tokens of others on several pages. */
export const LIFE: Plan = {
  seed: 11,
  startMs: 1_798_761_600_000,
  installations: ['a'],
  targets: [{ name: 'bot', username: 'acme-bot', secret: 'ci/push', renewable: true, maxActive: 1 }],
  secondFactor: [],
  pageSize: 5,
  listLagMs: 3_000,
  settleMs: 5_000,
  hubSkewMs: 0,
  hubExpires: false,
  listsExpired: false,
  schedulerWindowMs: 20,
  intensities: {},
  faultPlace: 'everywhere',
  // The mint, the renewal, the revocation, one sweep between and one after, and the first attempts after faults in these.
  faultsEndMs: 400_000,
  happenings: [
    { atMs: 0, does: 'human_create', username: 'acme-bot', look: 'plain' },
    { atMs: 0, does: 'human_create', username: 'acme-bot', look: 'forged_mac' },
    { atMs: 0, does: 'human_create', username: 'acme-bot', look: 'other_account' },
    { atMs: 0, does: 'human_create', username: 'acme-bot', look: 'plain' },
    { atMs: 0, does: 'human_create', username: 'acme-bot', look: 'other_installation' },
    { atMs: 0, does: 'human_create', username: 'acme-bot', look: 'unknown_key' },
    { atMs: 10_000, does: 'mint', mint: 'm1', installation: 'a', secret: 'ci/push', ttlSeconds: 120 },
    { atMs: 70_000, does: 'renew', mint: 'm1', ttlSeconds: 180 },
    { atMs: 160_000, does: 'revoke', mint: 'm1' },
  ],
};

/** The life of which the pairs are, to tell one again. */
export function lifeWith(faults: readonly Fault[]): { readonly plan: Plan; readonly faults: readonly Fault[] } {
  return { plan: LIFE, faults };
}
