import { mint } from './core/mint.ts';
import { listOwn, revokeOwn, showOwn, whoami } from './core/own-leases.ts';
import type { MintPorts } from './core/ports.ts';
import { type HttpHandler, http } from './http.ts';
import type { Log } from './log.ts';
import { leaseAnswer, offerAnswer, pageAnswer } from './wire/answers.ts';
import { openapi } from './wire/openapi.ts';
import { listOrder, mintOrder } from './wire/requests.ts';

/** Answers the callers' routes: lease, own leases, whoami and the API's own description. */
export function broker(ports: MintPorts, log: Log): HttpHandler {
  return http('broker', ports, log, {
    mintLease: async ({ origin, path, body }) => {
      const { lease, credential } = await mint(ports, origin, mintOrder(path.name, body));
      const { registry, username, password } = credential;
      return { status: 201, body: { lease: leaseAnswer(lease), credential: { registry, username, password } } };
    },
    listLeases: async ({ origin, query }) => {
      const { filter, page } = listOrder(query);
      return { status: 200, body: pageAnswer(await listOwn(ports, origin, filter, page), leaseAnswer) };
    },
    getLease: async ({ origin, path }) => {
      return { status: 200, body: { lease: leaseAnswer(await showOwn(ports, origin, path.id)) } };
    },
    revokeLease: async ({ origin, path }) => {
      const { lease, pending } = await revokeOwn(ports, origin, path.id);
      return { status: pending ? 202 : 200, body: { lease: leaseAnswer(lease) } };
    },
    whoami: async ({ origin }) => {
      const { caller, secrets } = await whoami(ports, origin);
      return {
        status: 200,
        body: { caller: { arn: caller.arn, accountId: caller.accountId }, secrets: secrets.map(offerAnswer) },
      };
    },
    getOpenapi: async () => ({ status: 200, body: openapi() }),
  });
}
