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

function placeOf(settings: CliSettings) {
  return {
    endpoint: endpointOf(settings),
    secret: secretOf(settings),
    ...(settings.ttl !== undefined && { ttl: settings.ttl }),
  };
}

/**
 * A lease to return: the stored one while it is fresh, else a new one. Never one past its end, even if the clock was changed. Loads
 * the AWS SDK only for a new one.
 *
 * @throws CommandFailed, ProblemError, NoAnswerError if no new lease is possible and the stored one is not usable any more.
 */
export async function leaseToHandOut(settings: CliSettings, env: Env): Promise<CachedLease> {
  const file = cacheFileOf(env, placeOf(settings));
  const fresh = freshIn(file);
  if (fresh !== undefined) return fresh;
  const { alone } = await import('./lock.ts');
  const leaseAnew = async () => {
    try {
      const lease = await takeLease(settings, env);
      keep(file, lease);
      return lease;
    } catch (error) {
      const kept = readLease(file);
      if (kept !== undefined && isUsable(kept, clocksNow())) return kept;
      throw error;
    }
  };
  return alone(file, leaseAnew, () => freshIn(file));
}

function freshIn(file: string): CachedLease | undefined {
  const kept = readLease(file);
  return kept !== undefined && isFresh(kept, clocksNow()) ? kept : undefined;
}

/** A lease that cannot be stored can still be returned. */
function keep(file: string, lease: CachedLease): void {
  try {
    writeLease(file, lease);
  } catch {
    forgetLease(file);
  }
}

/** Revokes the stored lease and removes it. Removes it even if it cannot be revoked now: it ends by itself. */
export async function giveBack(settings: CliSettings, env: Env): Promise<void> {
  const file = cacheFileOf(env, placeOf(settings));
  // Nothing is stored, so no lock is needed.
  if (readLease(file) === undefined) return forgetLease(file);
  const { alone } = await import('./lock.ts');
  await alone(file, async () => {
    const kept = readLease(file);
    forgetLease(file);
    if (kept === undefined) return;
    const { openApi } = await import('./api.ts');
    await (await openApi(settings, env)).call('revokeLease', { name: kept.leaseId });
  });
}

/** The stored lease, if it may still be returned. Never leases. */
export function keptLease(settings: CliSettings, env: Env): CachedLease | undefined {
  const kept = readLease(cacheFileOf(env, placeOf(settings)));
  return kept !== undefined && isUsable(kept, clocksNow()) ? kept : undefined;
}

async function takeLease(settings: CliSettings, env: Env): Promise<CachedLease> {
  const [{ openApi }, { mintBody, openPassword }] = await Promise.all([import('./api.ts'), import('./minting.ts')]);
  // Read before the request: the time that it takes makes the lease older, never younger.
  const { wallMs, uptimeMs } = clocksNow();
  const { body } = await (await openApi(settings, env)).call('mintLease', {
    name: secretOf(settings),
    body: mintBody({ ttl: settings.ttl, label: 'docker-credential-hublease' }),
  });
  const { username, password } = openPassword(body);
  return { leaseId: body.lease.id, username, password, ttlMs: body.lease.ttlSeconds * 1_000, wallMs, uptimeMs };
}
