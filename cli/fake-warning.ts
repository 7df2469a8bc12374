import type { Context } from './context.ts';
import type { Io } from './io.ts';
import { type CliSettings, endpointOf, isOnThisMachine } from './settings.ts';

/** How long `setup` waits for hublease. It does not need the answer for its own work. */
const ASK_MAX_MS = 3_000;

/**
 * Warns in one line that docker.io will refuse the token that was written into a Docker configuration.
 *
 * @param fakeHub from hublease's answer: true with its bundled fake Docker Hub, else absent.
 */
export function warnOfFake(io: Pick<Io, 'err'>, fakeHub: true | undefined, what: 'this token' | 'its tokens'): void {
  if (fakeHub) {
    io.err(`warning: this hublease uses its bundled fake Docker Hub, so docker.io will refuse ${what}\n`);
  }
}

/**
 * Whether hublease uses its bundled fake. Only a hublease on this machine can, so no other one is asked. Undefined if it does not
 * answer in time. Never rejects.
 */
export async function askForFake(
  { api }: Pick<Context, 'api'>,
  settings: CliSettings,
  maxMs = ASK_MAX_MS,
): Promise<true | undefined> {
  if (!isOnThisMachine(endpointOf(settings))) return undefined;
  const { promise: tooLate, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), maxMs);
  const ask = async () => {
    const answer = await (await api(settings)).call('whoami', { signal: AbortSignal.timeout(maxMs) });
    return answer.body.fakeHub;
  };
  try {
    return await Promise.race([ask().catch(() => undefined), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
