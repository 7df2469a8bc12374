import { type Ask, answerText, member, textIn } from './ask.ts';
import { type Clock, Interrupted, lookFor } from './pause.ts';

/** A lease ends within the promise; as long again for one whose first attempt failed. */
const CLEANUP_MS = 240_000;
const ROUND_EVERY_MS = 2_000;
/** A list may lag behind a mint by seconds, so that one list without open leases is not yet enough. */
const CLEAN_ROUNDS = 2;

/** What is left of the run. */
export interface Cleanup {
  /** Ids of leases that were not seen revoked. Docker Hub's own expiry ends their tokens. */
  readonly leases: readonly string[];
  /** The secret is or may be there still. */
  readonly isSecretLeft: boolean;
  readonly made: number;
  /** Why it ended before everything was gone. */
  readonly problem?: string;
}

/**
 * Revokes every lease of the run's secret, waits until each is revoked, and deletes the secret. Finds the leases by the secret, so
 * that one whose answer was lost is among them. Never rejects.
 */
export async function cleanUp(admin: Ask, secret: string, clock: Clock): Promise<Cleanup> {
  const seen = new Map<string, string>();
  let problem: string | undefined;
  try {
    if (!(await revokeAll(admin, secret, clock, seen))) problem = 'a lease was not revoked in time';
    const gone = await admin('DELETE', `/admin/secrets/${secret}`);
    if (gone.status !== 200 && gone.status !== 404) problem ??= `the DELETE of the secret answered ${answerText(gone)}`;
  } catch (error) {
    problem = error instanceof Interrupted ? 'the cleanup was interrupted' : `a request failed (${nameOf(error)})`;
  }
  const leases = [...seen].filter(([, status]) => status !== 'revoked').map(([id]) => id);
  return {
    leases,
    made: seen.size,
    isSecretLeft: problem !== undefined,
    ...(problem !== undefined && { problem }),
  };
}

/** Returns whether all were seen revoked, in two rounds. `seen` holds the last status of each lease by its id. */
async function revokeAll(admin: Ask, secret: string, clock: Clock, seen: Map<string, string>): Promise<boolean> {
  let cleanRounds = 0;
  const bounds = { untilMs: clock.nowMs() + CLEANUP_MS, everyMs: ROUND_EVERY_MS };
  const done = await lookFor(clock, bounds, async () => {
    const isClean = await round(admin, secret, seen);
    cleanRounds = isClean ? cleanRounds + 1 : 0;
    return cleanRounds >= CLEAN_ROUNDS || undefined;
  });
  return done === true;
}

async function round(admin: Ask, secret: string, seen: Map<string, string>): Promise<boolean> {
  let nextToken: string | undefined;
  let isClean = true;
  do {
    const page = nextToken === undefined ? '' : `&nextToken=${encodeURIComponent(nextToken)}`;
    const reply = await admin('GET', `/admin/leases?secret=${encodeURIComponent(secret)}&limit=100${page}`);
    if (reply.status !== 200) return false;
    for (const lease of (member(reply.body, 'items') as unknown[] | undefined) ?? []) {
      const [id, status] = [textIn(lease, 'id'), textIn(lease, 'status')];
      if (id === undefined) continue;
      seen.set(id, status ?? 'unknown');
      if (status === 'revoked') continue;
      isClean = false;
      await admin('DELETE', `/admin/leases/${id}`);
    }
    nextToken = textIn(reply.body, 'nextToken');
  } while (nextToken !== undefined);
  return isClean;
}

/** Of an error only its name goes further. */
export function nameOf(error: unknown): string {
  const { name, cause } = (error ?? {}) as { name?: string; cause?: { code?: string } };
  return cause?.code ?? name ?? 'unknown';
}
