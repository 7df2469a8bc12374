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
 * A lease to hand out: the one kept while it is fresh, else a new one. Never one past its end, whatever was done to the clock.
 * Loads the AWS SDK only for a new one.
 *
 * @throws CommandFailed, ProblemError, NoAnswerError when a new lease cannot be had and the one kept is of no more use.
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

/** A lease that cannot be kept is still one to hand out. */
function keep(file: string, lease: CachedLease): void {
  try {
    writeLease(file, lease);
  } catch {
    forgetLease(file);
  }
}

/** Revokes the kept lease and forgets it. Forgets it also when it cannot be revoked now: it ends by itself. */
export async function giveBack(settings: CliSettings, env: Env): Promise<void> {
  const file = cacheFileOf(env, placeOf(settings));
  // Nothing is kept: nobody need wait for a lock to learn that.
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

/** The kept lease, when it may still be handed out. Never leases. */
export function keptLease(settings: CliSettings, env: Env): CachedLease | undefined {
  const kept = readLease(cacheFileOf(env, placeOf(settings)));
  return kept !== undefined && isUsable(kept, clocksNow()) ? kept : undefined;
}

async function takeLease(settings: CliSettings, env: Env): Promise<CachedLease> {
  const [{ openApi }, { mintBody, openPassword }] = await Promise.all([import('./api.ts'), import('./minting.ts')]);
  // Before the request: what its way takes makes the lease older, never younger.
  const { wallMs, uptimeMs } = clocksNow();
  const { body } = await (await openApi(settings, env)).call('mintLease', {
    name: secretOf(settings),
    body: mintBody({ ttl: settings.ttl, label: 'docker-credential-hublease' }),
  });
  const { username, password } = openPassword(body);
  return { leaseId: body.lease.id, username, password, ttlMs: body.lease.ttlSeconds * 1_000, wallMs, uptimeMs };
}
