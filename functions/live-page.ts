import type { Lease } from './core/lease.ts';
import { type LiveView, lookLive } from './core/live.ts';
import type { Page, RevokePorts } from './core/ports.ts';
import { pageAnswer } from './wire/answers.ts';

/** Lookups at a time: Docker Hub counts requests per minute, and revocations need some of them. */
const LOOKUPS_AT_ONCE = 4;
/** No lookup begins later than this, so that the slowest, with a login before it, ends within the 20 s of a request. */
const LOOKING_MS = 5_000;

/**
 * A page of leases as answered. With `live`, Docker Hub is asked for the token of each active lease, as far as the time allows;
 * a lease that was not looked up is shown without `live`.
 *
 * @param answer of one lease, for whom it is shown to.
 * @throws Failed `store_unavailable`.
 */
export async function livePage<A>(
  ports: RevokePorts,
  page: Page<Lease>,
  live: boolean,
  answer: (lease: Lease, live?: LiveView) => A,
) {
  const views = live ? await lookAll(ports, page.items) : new Map<string, LiveView>();
  return pageAnswer(page, (lease) => answer(lease, views.get(lease.id)));
}

async function lookAll(ports: RevokePorts, leases: readonly Lease[]): Promise<ReadonlyMap<string, LiveView>> {
  const untilMs = ports.clock.nowMs() + LOOKING_MS;
  const views = new Map<string, LiveView>();
  const waiting = leases.filter(({ status }) => status === 'active').values();
  const look = async () => {
    for (const lease of waiting) {
      if (ports.clock.nowMs() >= untilMs) return;
      const view = await lookLive(ports, lease);
      if (view !== undefined) views.set(lease.id, view);
    }
  };
  await Promise.all(Array.from({ length: LOOKUPS_AT_ONCE }, look));
  return views;
}
