import type { Context } from './context.ts';
import type { Io } from './io.ts';
import { type CliSettings, endpointOf, isOnThisMachine } from './settings.ts';

/** How long `setup` waits for hublease: it needs no answer for its own work. */
const ASK_MAX_MS = 3_000;

/**
 * Warns, in one line, that docker.io will refuse what was just written into a Docker configuration.
 *
 * @param fakeHub as hublease answers it: true with its bundled fake Docker Hub, else absent.
 */
export function warnOfFake(io: Pick<Io, 'err'>, fakeHub: true | undefined, what: 'this token' | 'its tokens'): void {
  if (fakeHub) {
    io.err(`warning: this hublease uses its bundled fake Docker Hub, so docker.io will refuse ${what}\n`);
  }
}

/**
 * Whether hublease has its bundled fake behind it. Only a hublease on this machine can, so no other one is asked. Undefined also
 * when it does not answer now. Never rejects.
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
