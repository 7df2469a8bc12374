import type { Caller } from '../model/caller.ts';
import { type Failed, fail } from '../model/failure.ts';
import type { Lease } from '../model/lease.ts';
import type { QuotaClaim } from '../ports/leases.ts';
import type { RevokePorts } from '../ports/needs.ts';
import { everyPage } from '../ports/pages.ts';

/** Maximum number of callers that a refusal names. */
const MAX_HOLDERS = 10;
/** Maximum open leases that are read for a refusal. The names only help the caller, so they must not cost more than a lease. */
const MAX_READ = 1_000;

type Ports = Pick<RevokePorts, 'leases' | 'clock'>;

/** Who gets the refusal. A caller sees only holders in its own account. An admin sees all. */
export type Asker = Pick<Caller, 'accountId'> | 'admin';

/**
 * Finds the holders of a full quota, and when its next lease ends.
 *
 * @param idleRetrySeconds when to retry if no lease holds it.
 */
export async function quotaReached(
  ports: Ports,
  quotas: readonly QuotaClaim[],
  counter: string,
  asker: Asker,
  idleRetrySeconds = 1,
): Promise<Failed> {
  const holders = new Set<string>();
  let nextFreeMs = Number.POSITIVE_INFINITY;
  let read = 0;
  for await (const lease of openLeases(ports)) {
    if (read++ >= MAX_READ) break;
    if (!countersOf(lease).includes(counter)) continue;
    if (holders.size < MAX_HOLDERS && mayKnow(asker, lease.caller)) holders.add(lease.caller);
    nextFreeMs = Math.min(nextFreeMs, lease.expiresAtMs);
  }
  const waitMs = nextFreeMs - ports.clock.nowMs();
  return fail({
    tag: 'quota_reached',
    counter,
    most: quotas.find((claim) => claim.counter === counter)?.most ?? 0,
    holders: [...holders],
    retryAfterSeconds: Number.isFinite(waitMs) ? Math.max(1, Math.ceil(waitMs / 1_000)) : idleRetrySeconds,
  });
}

/** Names of roles reveal what another account is used for. */
function mayKnow(asker: Asker, holderArn: string): boolean {
  return asker === 'admin' || holderArn.split(':')[4] === asker.accountId;
}

/**
 * Counts the leases that hold each counter and corrects what differs. A counter that changed within `settleMs` is skipped this
 * time, because the count of leases may lag behind it.
 *
 * @returns how many were wrong.
 * @throws any error of the lease store.
 */
export async function recount(ports: Ports, counters: ReadonlySet<string>): Promise<number> {
  if (counters.size === 0) return 0;
  const before = new Map<string, { open: number; version: number }>();
  for (const counter of counters) {
    const state = await ports.leases.readCounter(counter);
    if (state !== undefined && state.changedAtMs + ports.leases.settleMs <= ports.clock.nowMs())
      before.set(counter, state);
  }
  let held = await countHolders(ports);
  // A lease whose due time changes can be missing from one listing. A counter that is too low would allow one lease too many. So
  // count twice.
  if ([...before].some(([counter, { open }]) => (held.get(counter) ?? 0) < open))
    held = larger(held, await countHolders(ports));
  let corrected = 0;
  for (const [counter, { open, version }] of before) {
    const really = held.get(counter) ?? 0;
    // The write fails on the version if the counter changed during the count.
    if (really !== open && (await ports.leases.correctCounter(counter, really, version)) === 'written') corrected += 1;
  }
  return corrected;
}

async function countHolders(ports: Ports): Promise<Map<string, number>> {
  const held = new Map<string, number>();
  for await (const lease of openLeases(ports)) {
    for (const counter of countersOf(lease)) held.set(counter, (held.get(counter) ?? 0) + 1);
  }
  return held;
}

/** The counters that count an open lease. */
function countersOf({ counters, createRefused }: Lease): readonly string[] {
  return createRefused === true ? [] : (counters ?? []);
}

function larger(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): Map<string, number> {
  const names = new Set([...one.keys(), ...other.keys()]);
  return new Map([...names].map((name) => [name, Math.max(one.get(name) ?? 0, other.get(name) ?? 0)]));
}

/** The counters of every quota in force. */
export async function quotaCounters(ports: Pick<RevokePorts, 'catalog'>): Promise<ReadonlySet<string>> {
  const counters = new Set<string>();
  for await (const { name, maxActive } of everyPage((page) => ports.catalog.listSecrets({}, page))) {
    if (maxActive !== undefined) counters.add(`secret:${name}`);
  }
  for await (const { name, maxActive } of everyPage((page) => ports.catalog.listTargets({}, page))) {
    if (maxActive !== undefined) counters.add(`target:${name}`);
  }
  return counters;
}

/** Every open lease. */
export function openLeases(ports: Pick<RevokePorts, 'leases'>): AsyncGenerator<Lease> {
  return everyPage((page) => ports.leases.listOpen(page));
}
