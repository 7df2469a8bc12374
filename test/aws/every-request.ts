import { beforeEach, describe, expect, it } from 'vitest';
import { proxyEvent } from '../functions/proxy-event.ts';
import type { Deployment } from './deployment.ts';
import { ACCOUNT, type Aws, type Installation, prepare } from './installation.ts';
import { deliver } from './triggers.ts';

const LISTED = ['arn:aws:iam::111122223333:root', 'arn:aws:iam::111122223333:role/ci'];

const SETTLE_MS = 120_000;
const AFTER_TTL_MS = 901_000;

/** One request of each kind that the other tests do not send, so that every call to AWS is made once. @param aws both servers. */
export function everyRequest(aws: () => Aws): void {
  describe('requests that are seldom', () => {
    let installation: Installation;
    let functions: Deployment;
    beforeEach(async () => {
      installation = await aws().install();
      functions = installation.deploy();
      await prepare(installation);
    });

    async function put(path: string, body: object, query: Record<string, string[]> = {}): Promise<number> {
      const sent = { method: 'PUT', path: `/v1/admin/${path}`, query, body: JSON.stringify(body) };
      return (await functions.admin(sent)).status;
    }

    it('a mint under quotas, a rate and a key, its repetition and its renewal', async () => {
      const limits = {
        maxActive: 1,
        maxMintsPerMinute: 60,
        renewable: true,
        defaultTtl: '15m',
        maxTtl: '1h',
        allow: LISTED,
      };
      expect(await put('secrets/ci/release', { target: 'bot', scope: 'repo:write', ...limits })).toBe(200);
      const headers = { 'content-type': 'application/json', 'idempotency-key': 'build-7' };
      const mint = { method: 'POST', path: '/v1/lease/ci/release', headers, body: '{}' };
      const first = await functions.broker(mint);
      expect(first.status).toBe(201);
      const second = await functions.broker(mint);
      expect(second.status).toBe(201);
      expect(await functions.broker({ method: 'POST', path: mint.path })).toMatchObject({ status: 429 });
      const path = `/v1/leases/${second.body.lease.id}/renew`;
      expect(await functions.broker({ method: 'POST', path, body: '{}' })).toMatchObject({ status: 200 });
      // Whoever closes a lease gives its place back.
      const lease = `/v1/admin/leases/${second.body.lease.id}`;
      expect(await functions.admin({ method: 'DELETE', path: lease })).toMatchObject({ status: 200 });
      expect(await functions.broker({ method: 'POST', path: mint.path })).toMatchObject({ status: 201 });
      installation.clock.advance(AFTER_TTL_MS);
      await functions.sweeper();
      await deliver(installation, functions);
      expect(installation.liveTokens()).toEqual([]);
    });

    it('lists of a caller, of one secret and of what a caller may lease', async () => {
      expect(await functions.broker({ method: 'POST', path: '/v1/lease/ci/release' })).toMatchObject({ status: 201 });
      for (const query of [{}, { secret: ['ci/release'] }, { status: ['active'] }]) {
        expect(await functions.broker({ path: '/v1/leases', query })).toMatchObject({ status: 200 });
      }
      expect(await functions.broker({ path: '/v1/whoami' })).toMatchObject({ status: 200 });
    });

    it("lists of everybody's leases, and one of them", async () => {
      const minted = await functions.broker({ method: 'POST', path: '/v1/lease/ci/release' });
      const caller = proxyEvent().requestContext.identity.userArn?.replace(/sts(.*)assumed-role\/ci.*/, 'iam$1role/ci');
      for (const query of [{}, { secret: ['ci/release'] }, { caller: [caller ?? ''] }]) {
        const { status, body } = await functions.admin({ path: '/v1/admin/leases', query });
        expect({ status, count: body.items.length }).toEqual({ status: 200, count: 1 });
      }
      const path = `/v1/admin/leases/${minted.body.lease.id}`;
      expect(await functions.admin({ path, query: { live: ['true'] } })).toMatchObject({ status: 200 });
      expect(await functions.admin({ method: 'DELETE', path })).toMatchObject({ status: 200 });
    });

    it('a revocation of a leaked token, and of all leases of a caller', async () => {
      const revoke = (body: object) =>
        functions.admin({ method: 'POST', path: '/v1/admin/revoke', body: JSON.stringify(body) });
      for (const body of [{ tokenSha256: 'a'.repeat(64) }, { caller: LISTED[1] }, { prefix: 'ci' }]) {
        expect(await revoke(body)).toMatchObject({ status: 202 });
      }
    });

    it('a target that is deleted and made again', async () => {
      const remove = (path: string) => functions.admin({ method: 'DELETE', path: `/v1/admin/${path}` });
      for (const path of ['secrets/ci/release', 'targets/bot']) {
        expect(await remove(path)).toMatchObject({ status: 202 });
      }
      // Until then, mints that have begun may still record a lease.
      installation.clock.advance(SETTLE_MS);
      await functions.sweeper();
      expect(await put('targets/bot', { kind: 'user', credential: ACCOUNT }, { verify: ['false'] })).toBe(201);
    });
  });
}
