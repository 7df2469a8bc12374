import type { Fault } from './faults.ts';
import type { Plan } from './plan.ts';

/** One lease's whole life: minted, renewed, revoked by its owner, swept, beside tokens of others on several pages. */
const LIFE: Plan = {
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

/**
 * A shorter one beside a Docker Hub that keeps an expiry for a day longer, is slow to show what it made, only accepts deletes, and
 * does not say who made a token.
 */
const ODD_LIFE: Plan = {
  ...LIFE,
  targets: LIFE.targets.map((target) => ({
    ...target,
    verified: { expirySlackSeconds: 86_400, deleteStatus: 202, listDelayMs: 24_000 },
  })),
  listLagMs: 30_000,
  habits: { expiry: 'raised', deletes: { answers: 202, takesMs: 1_000 }, getLagMs: 1_000, creator: 'missing' },
  faultsEndMs: 60_000,
  happenings: [
    { atMs: 0, does: 'human_create', username: 'acme-bot', look: 'plain' },
    { atMs: 0, does: 'human_create', username: 'acme-bot', look: 'forged_mac' },
    { atMs: 10_000, does: 'mint', mint: 'm1', installation: 'a', secret: 'ci/push', ttlSeconds: 120 },
    { atMs: 40_000, does: 'revoke', mint: 'm1' },
  ],
};

/** The lives that meet every pair of faults. */
export const LIVES = { usual: LIFE, odd: ODD_LIFE } as const;
export type LifeName = keyof typeof LIVES;

/** A life with faults, to tell it again. */
export function lifeWith(
  life: LifeName,
  faults: readonly Fault[],
): { readonly plan: Plan; readonly faults: readonly Fault[] } {
  return { plan: LIVES[life], faults };
}
