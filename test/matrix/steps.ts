import { revokeLease } from '../../functions/core/revoke.ts';
import type { FakeFault } from '../../local/fake-hub/server.ts';
import { ORIGIN } from '../core/world.ts';
import { type Ordered, order } from './orders.ts';
import { type MatrixWorld, MINUTE_MS } from './world.ts';

/** What is done to one lease. */
export type StepName = 'kept' | 'lost' | 'revoked' | 'failing' | 'undeletable';

export interface Step extends Ordered {
  readonly name: StepName;
}

const HOUR_SECONDS = 3_600;
const QUARTER_SECONDS = 900;
/** How long DELETE answers 500 for a lease that is revoked. */
const FAILING_MS = 10 * MINUTE_MS;
/** Longer than Docker Hub's own expiry and the margin behind it. */
const UNDELETABLE_MS = 25 * MINUTE_MS;

/** Does one thing to one lease. Time goes on as far as the step needs it, never to the lease's end. */
export async function take(world: MatrixWorld, name: StepName): Promise<Step> {
  const ordered = await takeStep(world, name);
  world.rule.check();
  return { name, ...ordered };
}

async function takeStep(world: MatrixWorld, name: StepName): Promise<Ordered> {
  switch (name) {
    case 'kept':
      return order(world, HOUR_SECONDS);
    case 'lost':
      return lose(world);
    case 'revoked': {
      const ordered = await order(world, HOUR_SECONDS);
      await revoke(world, ordered);
      return ordered;
    }
    case 'failing': {
      const ordered = await order(world, HOUR_SECONDS);
      await failDeletes(world, FAILING_MS, () => revoke(world, ordered));
      return ordered;
    }
    case 'undeletable': {
      const ordered = await order(world, QUARTER_SECONDS);
      await failDeletes(world, UNDELETABLE_MS, async () => undefined);
      return ordered;
    }
  }
}

/** Docker Hub makes the token, and its answer never comes. Nobody asks again. */
async function lose(world: MatrixWorld): Promise<Ordered> {
  world.hub.control.setFaults([{ route: `${world.place.kind}-create`, kind: 'reset-after', count: 1 }]);
  const ordered = await order(world, HOUR_SECONDS, false);
  world.hub.control.setFaults([]);
  return ordered;
}

async function revoke(world: MatrixWorld, { leaseId }: Ordered): Promise<void> {
  if (leaseId === undefined) return;
  const order = { trigger: 'asked', reason: 'caller', origin: ORIGIN } as const;
  await world.run(revokeLease(world.portsOf(leaseId), leaseId, order));
}

async function failDeletes(world: MatrixWorld, forMs: number, meanwhile: () => Promise<void>): Promise<void> {
  const fault: FakeFault = { route: `${world.place.kind}-delete`, kind: 'server-error' };
  world.hub.control.setFaults([fault]);
  await meanwhile();
  await world.pass(forMs);
  world.hub.control.setFaults([]);
}
