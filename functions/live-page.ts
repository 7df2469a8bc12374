import { type LiveView, lookLive } from './core/leases/live.ts';
import type { Lease } from './core/model/lease.ts';
import type { RevokePorts } from './core/ports/needs.ts';
import type { Page } from './core/ports/pages.ts';
import { pageAnswer } from './wire/answers/shared.ts';

/** No lookup begins later than this, so that the slowest, with a login before it, ends within the 20 s of a request. */
const LOOKING_MS = 5_000;

/**
 * A page of leases as answered. With `live`, Docker Hub is asked for the tokens of active leases, as far as the time and its
 * limit allow; the others are shown with the last view of theirs, or without `live` where there is none.
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
  // One after the other: of two at once, only one could take the next look of their target.
  for (const lease of leases.filter(({ status }) => status === 'active')) {
    const view = ports.clock.nowMs() < untilMs ? await lookLive(ports, lease) : lease.seen;
    if (view !== undefined) views.set(lease.id, view);
  }
  return views;
}
