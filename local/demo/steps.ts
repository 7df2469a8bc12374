import { setTimeout as wait } from 'node:timers/promises';

/** A step of the demo that did not hold; the message is the step. */
export class StepFailed extends Error {}

/** Says that a step held. @throws StepFailed when it did not. */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new StepFailed(what);
  console.log(`  ok  ${what}`);
}

/** Waits until a step holds, and says so. @throws StepFailed when it does not within `limitMs`. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  const giveUpAtMs = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > giveUpAtMs) throw new StepFailed(what);
    await wait(50);
  }
  console.log(`  ok  ${what}`);
}
