import { attestLease } from './core/ending/attest.ts';
import { listAllLeases, revokeAnyLease, revokeMatching, showAnyLease } from './core/leases/all-leases.ts';
import { lookLive } from './core/leases/live.ts';
import { isOpen } from './core/model/lease.ts';
import type { AdminPorts } from './core/ports/needs.ts';
import type { Operations } from './http.ts';
import { livePage } from './live-page.ts';
import { adminLeaseAnswer, revocationsAnswer } from './wire/answers/lease.ts';
import { given } from './wire/given.ts';
import type { ALL_LEASE_OPERATIONS } from './wire/operations/all-leases.ts';
import { listOrder } from './wire/requests/list.ts';
import { attestation, callerOf, selectorOf } from './wire/requests/revocation.ts';

/** How long leases are marked within one request: no request works longer than 20 s. */
const MARKING_MS = 15_000;

/** The admin routes of everybody's leases. */
export function adminLeases(ports: AdminPorts): Pick<Operations<'admin'>, keyof typeof ALL_LEASE_OPERATIONS> {
  return {
    listAllLeases: async ({ query }) => {
      const { filter, page, live } = listOrder(query);
      const caller = filter.caller === undefined ? undefined : callerOf(filter.caller);
      return {
        status: 200,
        body: await livePage(
          ports,
          await listAllLeases(ports, given({ ...filter, caller }), page),
          live,
          adminLeaseAnswer,
        ),
      };
    },
    getAnyLease: async ({ path, query }) => {
      const lease = await showAnyLease(ports, path.id);
      const live = query.live === 'true' ? await lookLive(ports, lease) : undefined;
      return { status: 200, body: { lease: adminLeaseAnswer(lease, live) } };
    },
    revokeAnyLease: async ({ origin, path, query }) => {
      const reason = attestation(query);
      if (reason !== undefined) {
        const lease = await attestLease(ports, origin, path.id, reason);
        return { status: isOpen(lease) ? 202 : 200, body: { lease: adminLeaseAnswer(lease) } };
      }
      const { lease, pending } = await revokeAnyLease(ports, origin, path.id);
      return { status: pending ? 202 : 200, body: { lease: adminLeaseAnswer(lease) } };
    },
    revokeMatching: async ({ origin, body }) => {
      const untilMs = ports.clock.nowMs() + MARKING_MS;
      const { leases, complete } = await revokeMatching(ports, origin, selectorOf(body), untilMs);
      return { status: 202, body: revocationsAnswer(leases, complete) };
    },
  };
}
