import { setTimeout as wait } from 'node:timers/promises';

const PAUSE_MS = 100;

/**
 * Calls `ask` until it returns something else than undefined or false, and returns that.
 *
 * @param what completes the sentence "timed out before …".
 * @throws Error when the time limit is over.
 */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, limitMs = 60_000): Promise<T> {
  const giveUpAtMs = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > giveUpAtMs) throw new Error(`timed out before ${what}`);
    await wait(PAUSE_MS);
  }
}
