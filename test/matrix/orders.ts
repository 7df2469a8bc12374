import { putTarget } from '../../functions/core/catalog/targets.ts';
import { mint } from '../../functions/core/leases/mint.ts';
import { Failed } from '../../functions/core/model/failure.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import { ORIGIN } from '../core/world.ts';
import { type MatrixWorld, MINUTE_MS, START_MS } from './world.ts';

export const TARGET = 'acme-bot';
const SECRET = 'ci/release';
/** A caller goes on asking for this long, as often as it is told to come back. */
const PATIENCE_MS = 20 * MINUTE_MS;
const MAX_TRIES = 6;
/** A verification is repeated by hand. */
const MAX_VERIFICATIONS = 3;

/** What an admin may say of a target. */
export interface TargetSettings {
  readonly allowUnprovenExpiry?: true;
}

export interface Ordered {
  /** The lease, where one was recorded. */
  readonly leaseId?: string;
  /** `answered`, or the code of the refusal. */
  readonly says: string;
}

/** The failure's stable code, as callers see it. */
export function codeOf({ failure }: Failed): string {
  return 'code' in failure ? `${failure.tag}:${failure.code}` : failure.tag;
}

/** Puts the target, and says what its verification came to: `passed`, `pending:STEP`, or the code of the refusal. */
export async function putVerified(world: MatrixWorld, settings: TargetSettings = {}): Promise<string> {
  const order = { ...targetOrder(world), ...settings, verify: true };
  try {
    const put = () => putTarget(world.portsOf('verify'), ORIGIN, order);
    const { verificationPending: step } = await world.run(patiently(world, put, () => true, MAX_VERIFICATIONS));
    return step === undefined ? 'passed' : `pending:${step}`;
  } catch (error) {
    if (error instanceof Failed) return codeOf(error);
    throw error;
  }
}

/** Puts the target as it is. A credential that hublease does not take is put in place of the owner's own. */
export async function putUnverified(world: MatrixWorld, settings: TargetSettings = {}): Promise<void> {
  const order = { ...targetOrder(world), ...settings, verify: false, credential: world.ownCredential };
  await world.run(putTarget(world.portsOf('verify'), ORIGIN, order));
  replaceCredential(world);
}

/** Makes what the world offers as a credential the current one, without asking hublease. */
export function replaceCredential({ credential, ownCredential, credentials, catalog }: MatrixWorld): void {
  if (credential === ownCredential || catalog.targets.get(TARGET) === undefined) return;
  credentials.current.set(TARGET, { credential, version: 'cred-replaced' });
}

/** Puts a secret there whose leases live for up to two hours. */
export function addSecret(world: MatrixWorld): void {
  const { kind, account } = world.place;
  const secret: DynamicSecret = {
    schema: 1,
    name: SECRET,
    version: 1,
    opId: 'op-secret',
    target: TARGET,
    ...(kind === 'oat'
      ? { resources: [{ type: 'TYPE_REPO', path: `${account}/site`, scopes: ['scope-image-pull'] }] }
      : { scope: 'repo:read' }),
    defaultTtlSeconds: 3_600,
    maxTtlSeconds: 7_200,
    renewable: false,
    allow: [ORIGIN.caller.arn],
    tags: {},
    deleteProtection: false,
    status: 'ready',
    managedBy: 'api',
    createdAtMs: START_MS,
    updatedAtMs: START_MS,
  };
  world.catalog.secrets.set(secret.name, secret);
}

/**
 * Orders a lease as a caller does, and uses the token. Asks again when told to come back; the last lease that was recorded is the
 * one that counts.
 *
 * @param mayRepeat whether a refusal of this code is worth another try.
 */
export async function order(
  world: MatrixWorld,
  ttlSeconds: number,
  mayRepeat: (code: string) => boolean = () => true,
): Promise<Ordered> {
  const known = new Set(world.leases.rows.all().map(({ id }) => id));
  const ask = async () => {
    const { lease, credential } = await orderOnce(world, { ttlSeconds });
    if ('password' in credential) await world.exchanges.begin({ leaseId: lease.id, token: credential.password });
    return lease.id;
  };
  try {
    return { says: 'answered', leaseId: await world.run(patiently(world, ask, mayRepeat)) };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const ours = world.leases.rows.all().filter(({ id, secret }) => secret === SECRET && !known.has(id));
    const leaseId = ours.at(-1)?.id;
    return { says: codeOf(error), ...(leaseId !== undefined && { leaseId }) };
  }
}

/** One order of a lease, without more ado. */
export function orderOnce(
  world: MatrixWorld,
  order: { readonly ttlSeconds?: number; readonly idempotencyKey?: string } = {},
) {
  return mint(world.portsOf('mint'), ORIGIN, { secret: SECRET, ...order });
}

/** Asks, and asks again when told when to. */
async function patiently<T>(
  world: MatrixWorld,
  ask: () => Promise<T>,
  mayRepeat: (code: string) => boolean,
  maxTries = MAX_TRIES,
): Promise<T> {
  const untilMs = world.time.nowMs() + PATIENCE_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      const { failure } = error;
      const waitMs = 'retryAfterSeconds' in failure ? failure.retryAfterSeconds * 1_000 : Number.POSITIVE_INFINITY;
      const isLast = tries >= maxTries || world.time.nowMs() + waitMs > untilMs;
      if (isLast || !mayRepeat(codeOf(error))) throw error;
      await world.time.sleep(waitMs);
    }
  }
}

function targetOrder({ credential, place }: MatrixWorld) {
  const isOrganization = place.kind === 'oat';
  return {
    name: TARGET,
    kind: isOrganization ? ('org' as const) : ('user' as const),
    credential,
    ...(isOrganization && { organization: place.account }),
  };
}
