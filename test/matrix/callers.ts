import { Failed } from '../../functions/core/model/failure.ts';
import { addSecret, codeOf, orderOnce, putUnverified, putVerified } from './orders.ts';
import { change, type Differs } from './scenario.ts';
import { MatrixWorld } from './world.ts';

/** What one order came to, and when it may be repeated. */
export interface Answer {
  /** `answered`, or the code of the refusal. */
  readonly says: string;
  readonly retryAfterMs: number;
}

/** A world of a documented Docker Hub whose target was verified, without sweeps, and then whatever differs. */
export async function verifiedWorld(differs: Differs = {}): Promise<MatrixWorld> {
  const world = await MatrixWorld.open();
  addSecret(world);
  const says = await putVerified(world);
  if (says !== 'passed') throw new Error(`the verification says ${says}`);
  await change(world, differs);
  return world;
}

/** A world that differs from the beginning, whose target was not verified and never logged in. */
export async function freshWorld(differs: Differs): Promise<MatrixWorld> {
  const world = await MatrixWorld.open();
  addSecret(world);
  await change(world, differs);
  await putUnverified(world);
  return world;
}

/** Orders once. Let time pass for it. */
export async function ask(world: MatrixWorld, idempotencyKey?: string): Promise<Answer> {
  try {
    await orderOnce(world, idempotencyKey === undefined ? {} : { idempotencyKey });
    return { says: 'answered', retryAfterMs: 0 };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const { failure } = error;
    const retryAfterMs = 'retryAfterSeconds' in failure ? failure.retryAfterSeconds * 1_000 : Number.POSITIVE_INFINITY;
    return { says: codeOf(error), retryAfterMs };
  }
}

/** So many orders at the same time. */
export function askAtOnce(world: MatrixWorld, callers: number): Promise<readonly Answer[]> {
  return world.run(Promise.all(Array.from({ length: callers }, () => ask(world))));
}

export function loginsOf({ requests }: MatrixWorld): number {
  return requests.all.filter(({ kind }) => kind === 'login').length;
}
