import { setTimeout as wait } from 'node:timers/promises';

const PAUSE_MS = 100;

/**
 * Asks until there is an answer, and returns it.
 *
 * @param what ends the sentence "waited in vain until …".
 * @throws Error when there is none in time.
 */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, limitMs = 30_000): Promise<T> {
  const giveUpAtMs = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain until ${what}`);
    await wait(PAUSE_MS);
  }
}
