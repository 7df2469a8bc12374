import { placeOf } from '../../functions/core/ending/evidence.ts';
import { type Ordered, order } from './orders.ts';
import { type MatrixWorld, MINUTE_MS } from './world.ts';

/**
 * What is done to one lease.
 *
 * - `kept`: it lives to its end.
 * - `lost`: Docker Hub makes the token and its answer never comes.
 * - `revoked`: its caller revokes it at once.
 * - `gone`: the account's owner deletes the token on Docker Hub, and then the lease is revoked.
 * - `failing`: it is revoked while DELETE answers 500 for ten minutes.
 * - `undeletable`: it ends while DELETE answers 500 for longer than the token lives.
 */
export type StepName = 'kept' | 'lost' | 'revoked' | 'gone' | 'failing' | 'undeletable';

export const STEPS: readonly StepName[] = ['kept', 'lost', 'revoked', 'gone', 'failing', 'undeletable'];

export interface Step extends Ordered {
  readonly name: StepName;
}

const HOUR_SECONDS = 3_600;
const QUARTER_SECONDS = 900;
/** Longer than a lease of an hour and all that may follow its end. */
const CALM_MS = 90 * MINUTE_MS;
const FAILING_MS = 10 * MINUTE_MS;
/** Until the lease's end, the 5 minutes behind Docker Hub's own expiry, and the longest pause until the next attempt. */
const UNDELETABLE_MS = 36 * MINUTE_MS;

/** Does one thing to one lease. Time goes on as far as the step itself needs it. */
export async function take(world: MatrixWorld, name: StepName): Promise<Step> {
  // What was begun before ends undisturbed.
  if (name === 'failing') await world.pass(CALM_MS);
  const ordered = name === 'lost' ? await lose(world) : await order(world, secondsOf(name));
  const { leaseId } = ordered;
  if (name === 'gone') await deleteAsOwner(world, leaseId);
  const isRevoked = name === 'revoked' || name === 'gone' || name === 'failing';
  const revoke = async () => {
    if (isRevoked && leaseId !== undefined) await world.revoke(leaseId);
  };
  if (name === 'failing') await failDeletes(world, FAILING_MS, revoke);
  else if (name === 'undeletable') await failDeletes(world, UNDELETABLE_MS);
  else await revoke();
  return { name, ...ordered };
}

function secondsOf(name: StepName): number {
  return name === 'undeletable' ? QUARTER_SECONDS : HOUR_SECONDS;
}

/** The caller does not ask again once its create was sent. */
async function lose(world: MatrixWorld): Promise<Ordered> {
  const before = world.leases.rows.all().length;
  world.hub.control.setFaults([{ route: `${world.place.kind}-create`, kind: 'reset-after', count: 1 }]);
  const ordered = await order(world, HOUR_SECONDS, () => world.leases.rows.all().length === before);
  world.hub.control.setFaults([]);
  return ordered;
}

async function failDeletes(world: MatrixWorld, forMs: number, meanwhile = async () => {}): Promise<void> {
  world.hub.control.setFaults([{ route: `${world.place.kind}-delete`, kind: 'server-error' }]);
  await meanwhile();
  await world.pass(forMs);
  world.hub.control.setFaults([]);
}

/** On Docker Hub's own page, so far as Docker Hub lets the owner in. */
async function deleteAsOwner(world: MatrixWorld, leaseId: string | undefined): Promise<void> {
  const lease = leaseId === undefined ? undefined : world.leases.rows.get(leaseId);
  if (lease?.tokenId === undefined) return;
  const { tokenId } = lease;
  const { hub } = world.portsOf('owner');
  const remove = async () => {
    const login = await hub.login(world.ownCredential, 'auth-token', world.time.nowMs());
    if (login.ok) await hub.deleteToken(login.value, placeOf(lease), tokenId);
  };
  await world.run(remove());
}
