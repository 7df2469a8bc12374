import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type CachedLease,
  cacheFileOf,
  clocksNow,
  forgetLease,
  isFresh,
  isUsable,
  readLease,
  writeLease,
} from './lease-cache.ts';
import { type CliSettings, endpointOf, secretOf } from './settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** One docker or skopeo command asks twice within milliseconds, in processes of their own: whoever is first leases for all. */
const LOCK = { stale: 60_000, retries: { retries: 200, factor: 1, minTimeout: 50, maxTimeout: 100, randomize: true } };

function placeOf(settings: CliSettings) {
  return {
    endpoint: endpointOf(settings),
    secret: secretOf(settings),
    ...(settings.ttl !== undefined && { ttl: settings.ttl }),
  };
}

/**
 * A lease to hand out: the one kept while it is fresh, else a new one. Never one past its end, whatever was done to the clock.
 * Loads the AWS SDK only for a new one.
 *
 * @throws CommandFailed, ProblemError, NoAnswerError when a new lease cannot be had and the one kept is of no more use.
 */
export async function leaseToHandOut(settings: CliSettings, env: Env): Promise<CachedLease> {
  const file = cacheFileOf(env, placeOf(settings));
  const kept = readLease(file, env);
  if (kept !== undefined && isFresh(kept, clocksNow())) return kept;
  return alone(file, async () => {
    const again = readLease(file, env);
    if (again !== undefined && isFresh(again, clocksNow())) return again;
    try {
      const fresh = await takeLease(settings);
      writeLease(file, env, fresh);
      return fresh;
    } catch (error) {
      if (again !== undefined && isUsable(again, clocksNow())) return again;
      throw error;
    }
  });
}

/** Revokes the kept lease and forgets it. Forgets it also when it cannot be revoked now: it ends by itself. */
export async function giveBack(settings: CliSettings, env: Env): Promise<void> {
  const file = cacheFileOf(env, placeOf(settings));
  await alone(file, async () => {
    const kept = readLease(file, env);
    forgetLease(file);
    if (kept === undefined || !isUsable(kept, clocksNow())) return;
    const { openApi } = await import('./api.ts');
    await (await openApi(settings)).call('revokeLease', { name: kept.leaseId });
  });
}

/** The kept lease, when it may still be handed out. Never leases. */
export function keptLease(settings: CliSettings, env: Env): CachedLease | undefined {
  const kept = readLease(cacheFileOf(env, placeOf(settings)), env);
  return kept !== undefined && isUsable(kept, clocksNow()) ? kept : undefined;
}

async function takeLease(settings: CliSettings): Promise<CachedLease> {
  const { openApi } = await import('./api.ts');
  const { ttl } = settings;
  // Before the request: what its way takes makes the lease older, never younger.
  const { wallMs, uptimeMs } = clocksNow();
  const { body } = await (await openApi(settings)).call('mintLease', {
    name: secretOf(settings),
    body: { ...(ttl !== undefined && { ttl }), label: 'docker-credential-hublease' },
  });
  const { lease, credential } = body;
  if (!('password' in credential)) {
    const { CommandFailed, EXIT } = await import('./exit.ts');
    throw new CommandFailed(
      EXIT.error,
      `the tokens of "${lease.secret}" are sealed for the owner of its protection key`,
    );
  }
  const { username, password } = credential;
  return { leaseId: lease.id, username, password, ttlMs: lease.ttlSeconds * 1_000, wallMs, uptimeMs };
}

async function alone<T>(file: string, work: () => Promise<T>): Promise<T> {
  const { lock } = await import('proper-lockfile');
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const unlock = await lock(file, { ...LOCK, realpath: false });
  try {
    return await work();
  } finally {
    await unlock();
  }
}
