import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FunctionName } from '../../functions/env.ts';
import { proxyEvent } from '../functions/proxy-event.ts';
import { environmentFor } from './deployment.ts';
import { startEntry } from './entries.ts';
import type { Aws, Installation } from './installation.ts';

/** The tests of the entry files over both servers. @param aws both servers, once they run. */
export function startedFunctions(aws: () => Aws): void {
  describe('a function started from its environment', () => {
    let installation: Installation;
    const environment = (name: FunctionName) => environmentFor(name, installation.settings);
    beforeAll(async () => {
      installation = await aws().install();
      vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    });
    afterAll(() => {
      vi.restoreAllMocks();
    });

    type Http = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

    it('broker tells a caller who it is', async () => {
      const handler = await startEntry<Http>('broker', environment('broker'));
      const { statusCode, body } = await handler(proxyEvent({ path: '/v1/whoami' }));
      expect(statusCode).toBe(200);
      expect(JSON.parse(body)).toMatchObject({ caller: { arn: 'arn:aws:iam::111122223333:role/ci' }, secrets: [] });
    });

    it('admin lists an empty catalog', async () => {
      const handler = await startEntry<Http>('admin', environment('admin'));
      const { statusCode, body } = await handler(proxyEvent({ path: '/v1/admin/targets' }));
      expect(statusCode).toBe(200);
      expect(JSON.parse(body)).toEqual({ items: [] });
    });

    it('revoker is done with a lease that is not there', async () => {
      const handler = await startEntry<(event: object) => Promise<unknown>>('revoker', environment('revoker'));
      const body = JSON.stringify({ leaseId: ulid() });
      const answer = await handler({ Records: [{ messageId: '1', body, eventSource: 'aws:sqs' }] });
      expect(answer).toEqual({ batchItemFailures: [] });
    });

    it('sweeper finds nothing to do', async () => {
      type Sweep = (event: unknown, context: { getRemainingTimeInMillis(): number }) => Promise<unknown>;
      const handler = await startEntry<Sweep>('sweeper', environment('sweeper'));
      const report = await handler({}, { getRemainingTimeInMillis: () => 300_000 });
      expect(report).toMatchObject({ due: 0, targets: 0, failures: [] });
    });

    it('catalog resource is content to delete what is not there', async () => {
      const handler = await startEntry<(event: object) => Promise<unknown>>(
        'catalogResource',
        environment('catalogResource'),
      );
      const ResourceProperties = { entry: 'secret', name: 'ci/release', body: '{}' };
      const answer = await handler({ RequestType: 'Delete', RequestId: 'request-1', ResourceProperties });
      expect(answer).toEqual({ PhysicalResourceId: 'secret:ci/release' });
    });
  });
}
