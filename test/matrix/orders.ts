import { Failed } from '../../functions/core/failure.ts';
import { mint } from '../../functions/core/mint.ts';
import { putTarget } from '../../functions/core/targets.ts';
import { ORIGIN } from '../core/world.ts';
import { MINUTE_MS, type MatrixWorld } from './world.ts';

/** A caller goes on asking for this long, as often as it is told to come back. */
const PATIENCE_MS = 20 * MINUTE_MS;
const MAX_TRIES = 30;

/** The failure's stable code, as callers see it. */
export function codeOf({ failure }: Failed): string {
  return 'code' in failure ? `${failure.tag}:${failure.code}` : failure.tag;
}

/** What a caller got in the end: an answer, or the code of the last refusal. */
export type Got<T> = { readonly value: T } | { readonly code: string };

/** Asks, and asks again when told when to. */
async function patiently<T>(world: MatrixWorld, ask: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<Got<T>> {
  const untilMs = world.time.nowMs() + patienceMs;
  for (let tries = 1; ; tries++) {
    try {
      return { value: await ask() };
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      const { failure } = error;
      const waitMs = 'retryAfterSeconds' in failure ? failure.retryAfterSeconds * 1_000 : undefined;
      if (waitMs === undefined || tries >= MAX_TRIES || world.time.nowMs() + waitMs > untilMs) {
        return { code: codeOf(error) };
      }
      await world.time.sleep(waitMs);
    }
  }
}

/** Puts the target, and says what its verification came to: `passed`, what it waits for, or why it was refused. */
export async function verify(world: MatrixWorld, change: { readonly allowUnprovenExpiry?: true } = {}): Promise<string> {
  const ports = world.portsOf('verify');
  const order = { ...targetOrder(world), ...change, verify: true };
  const got = await world.run(patiently(world, () => putTarget(ports, ORIGIN, order)));
  world.rule.check();
  if ('code' in got) return got.code;
  const pending = got.value.verificationPending;
  return pending === undefined ? 'passed' : `pending:${pending}`;
}

/** Puts the target as it is, unverified. */
export async function putUnverified(
  world: MatrixWorld,
  change: { readonly allowUnprovenExpiry?: true } = {},
): Promise<void> {
  const order = { ...targetOrder(world), ...change, verify: false };
  await world.run(putTarget(world.portsOf('verify'), ORIGIN, order));
}

function targetOrder({ kind, credential, place }: MatrixWorld) {
  return { name: 'acme-bot', kind, credential, ...(kind === 'org' && { organization: place.account }) };
}

export interface Ordered {
  /** The lease, where one was recorded. */
  readonly leaseId?: string;
  /** The token, where it was answered. */
  readonly token?: string;
  /** `answered`, or the code of the last refusal. */
  readonly says: string;
}

/** Orders a lease as a caller does; the last lease that was recorded meanwhile is its. */
export async function order(world: MatrixWorld, ttlSeconds: number, isPatient = true): Promise<Ordered> {
  const known = new Set(world.leases.rows.all().map(({ id }) => id));
  const ask = () => mint(world.portsOf('mint'), ORIGIN, { secret: 'ci/release', ttlSeconds });
  const got = await world.run(patiently(world, ask, isPatient ? undefined : 0));
  world.rule.check();
  if ('code' in got) {
    const leaseId = world.leases.rows.all().findLast(({ id, secret }) => secret === 'ci/release' && !known.has(id))?.id;
    return { says: got.code, ...(leaseId !== undefined && { leaseId }) };
  }
  const { lease, credential } = got.value;
  if (!('password' in credential)) throw new Error('the token came sealed');
  return { says: 'answered', leaseId: lease.id, token: credential.password };
}
