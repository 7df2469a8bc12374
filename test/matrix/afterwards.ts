import type { FakeHubSettings } from '../../fake-hub/server.ts';
import { VARIATIONS, type VariationName } from '../../fake-hub/variations.ts';
import { attestLease } from '../../functions/core/ending/attest.ts';
import { dismissTokens } from '../../functions/core/ending/dismiss.ts';
import { ORIGIN } from '../core/world.ts';
import { TARGET } from './orders.ts';
import { change } from './scenario.ts';
import type { Step } from './steps.ts';
import { HOUR_MS, type MatrixWorld } from './world.ts';

/** As the runbook has it: once nothing else can end a lease, an admin vouches for it. */
export async function attestAll(world: MatrixWorld): Promise<void> {
  await world.pass(3 * HOUR_MS);
  for (const { id } of world.openLeases) {
    await world.run(attestLease(world.portsOf('admin'), ORIGIN, id, 'the account was closed'));
  }
}

/** As the runbook has it: an admin looks at the tokens that keep a lease open, and knows whose they are. */
export async function dismissBlockers(world: MatrixWorld, steps: readonly Step[]): Promise<void> {
  const lost = steps.find(({ name }) => name === 'lost')?.leaseId as string;
  const blockers = world.leases.rows.get(lost)?.blockedBy ?? [];
  const foreign = world.hub.control.tokens().filter(({ id, foreign }) => foreign && blockers.includes(id));
  if (foreign.length === 0) throw new Error('nothing blocks the lost lease');
  const tokenIds = foreign.map(({ id }) => id);
  await world.run(dismissTokens(world.portsOf('admin'), ORIGIN, TARGET, tokenIds));
}

/** Docker Hub is as documented again after three hours. */
export function comeBack(name: VariationName): (world: MatrixWorld) => Promise<void> {
  const usual = {
    lostRole: false,
    routesGone: false,
    apiChallenge: false,
    loginChallenge: 'none',
    contentType: 'json',
  } as const;
  const settings = Object.fromEntries(
    Object.entries(usual).filter(([setting]) => setting in VARIATIONS[name].settings),
  ) as Partial<FakeHubSettings>;
  return async (world) => {
    await world.pass(3 * HOUR_MS);
    await change(world, { settings });
  };
}
