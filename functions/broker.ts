import { lookLive } from './core/leases/live.ts';
import { mint } from './core/leases/mint.ts';
import { listOwn, revokeOwn, showOwn, whoami } from './core/leases/own-leases.ts';
import { admitCaller } from './core/leases/rates.ts';
import { renewOwn } from './core/leases/renew.ts';
import type { MintPorts } from './core/ports/needs.ts';
import { type HttpHandler, http } from './http.ts';
import { livePage } from './live-page.ts';
import type { Log } from './log.ts';
import { leaseAnswer } from './wire/answers/lease.ts';
import { offerAnswer } from './wire/answers/secret.ts';
import { given } from './wire/given.ts';
import { openapi } from './wire/openapi.ts';
import { mintOrder, ttlOf } from './wire/requests/lease.ts';
import { listOrder } from './wire/requests/list.ts';

/** What the answers say of the Docker Hub behind the ports. */
export interface HubFacts {
  /** It is the fake that the embedded edition brings, whose tokens open nothing on docker.io. */
  readonly isFake: boolean;
}

/**
 * Answers the callers' routes: lease, own leases, whoami and the API's own description.
 *
 * @param hub absent for a Docker Hub that is not the bundled fake.
 */
export function broker(ports: MintPorts, log: Log, hub: HubFacts = { isFake: false }): HttpHandler {
  const fakeHub = hub.isFake ? ({ fakeHub: true } as const) : {};
  return http('broker', ports, log, {
    mintLease: async ({ origin, path, headers, body }) => {
      const { lease, credential } = await mint(ports, origin, mintOrder(path.name, body, headers));
      const { registry, username } = credential;
      const token = 'sealed' in credential ? { sealed: credential.sealed } : { password: credential.password };
      const login = { registry, username, ...token, ...fakeHub };
      return { status: 201, body: { lease: leaseAnswer(lease), credential: login } };
    },
    listLeases: async ({ origin, query }) => {
      await admitCaller(ports, origin.caller);
      const { filter, page, live } = listOrder(query);
      return {
        status: 200,
        body: await livePage(ports, await listOwn(ports, origin, filter, page), live, leaseAnswer),
      };
    },
    getLease: async ({ origin, path, query }) => {
      await admitCaller(ports, origin.caller);
      const lease = await showOwn(ports, origin, path.id);
      const live = query.live === 'true' ? await lookLive(ports, lease) : undefined;
      return { status: 200, body: { lease: leaseAnswer(lease, live) } };
    },
    // Not counted: a caller may always give its token back.
    revokeLease: async ({ origin, path }) => {
      const { lease, pending } = await revokeOwn(ports, origin, path.id);
      return { status: pending ? 202 : 200, body: { lease: leaseAnswer(lease) } };
    },
    renewLease: async ({ origin, path, body }) => {
      await admitCaller(ports, origin.caller);
      const { lease, clipped } = await renewOwn(ports, origin, path.id, ttlOf(body.ttl));
      return { status: 200, body: { lease: leaseAnswer(lease), clipped } };
    },
    whoami: async ({ origin }) => {
      await admitCaller(ports, origin.caller);
      const { caller, secrets } = await whoami(ports, origin);
      return {
        status: 200,
        body: {
          caller: given({ arn: caller.arn, accountId: caller.accountId, id: caller.id }),
          secrets: secrets.map(offerAnswer),
          ...fakeHub,
        },
      };
    },
    getOpenapi: async () => ({ status: 200, body: openapi() }),
  });
}
