import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import type { MetricName } from '../../functions/adapters/aws/metric-names.ts';
import { broker } from '../../functions/broker.ts';
import { jsonLines } from '../../functions/log.ts';
import { lazyHttp } from '../../functions/wiring/lazy-http.ts';
import { memoryPorts } from './memory-ports.ts';
import { proxyEvent } from './proxy-event.ts';

const UNAVAILABLE = new Error('GetSecretValue: it said canary\n    at canary (/tmp/x.ts:1:1)');

/** A broker whose ports are loaded as `load` says. */
function lazyBroker(load: () => Promise<ReturnType<typeof memoryPorts>>) {
  const lines: string[] = [];
  const log = jsonLines({ write: (line) => lines.push(line) }, { nowMs: () => 0 });
  const recorded: [MetricName, number][] = [];
  const meter = { record: (name: MetricName, value: number) => void recorded.push([name, value]) };
  return { handler: lazyHttp({ ports: load, log, meter }, broker), lines, recorded };
}

const unavailable = async () => {
  throw UNAVAILABLE;
};

describe('a handler whose ports are loaded with the first request', () => {
  it('answers as the handler does once they are there', async () => {
    const ports = memoryPorts();
    const { handler } = lazyBroker(async () => ports);
    expect(await handler(proxyEvent())).toMatchObject({ statusCode: 200 });
  });

  it('answers 503 with a problem while they are not, and says why in the log alone, without the error’s words', async () => {
    const { handler, lines } = lazyBroker(unavailable);
    const event = proxyEvent();
    const { statusCode, headers, body } = await handler(event);
    expect(statusCode).toBe(503);
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '5',
      'x-request-id': event.requestContext.requestId,
    });
    expect(JSON.parse(body)).toMatchObject({
      code: 'store_unavailable',
      status: 503,
      requestId: event.requestContext.requestId,
    });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', event: 'ports_unavailable', errorName: 'Error' },
    ]);
    expect(`${body}${lines.join()}`).not.toContain('canary');
  });

  it('tries again with the next request', async () => {
    let tries = 0;
    const ports = memoryPorts();
    const { handler } = lazyBroker(() => (tries++ === 0 ? unavailable() : Promise.resolve(ports)));
    expect(await handler(proxyEvent())).toMatchObject({ statusCode: 503 });
    expect(await handler(proxyEvent())).toMatchObject({ statusCode: 200 });
  });

  it('counts a mint that fails before anything is there', async () => {
    const { handler, recorded } = lazyBroker(unavailable);
    await handler(proxyEvent());
    expect(recorded).toEqual([]);
    await handler(proxyEvent({ method: 'POST', path: '/v1/lease/ci/release' }));
    expect(recorded).toEqual([['MintsFailed', 1]]);
  });

  it('counts an answer that nobody expected', async () => {
    const ports = memoryPorts();
    const broken = { ...ports, catalog: { ...ports.catalog, listSecrets: async () => ({ items: [null] }) } };
    const { handler, recorded } = lazyBroker(async () => broken as never);
    const { statusCode } = await handler(proxyEvent({ method: 'GET', path: '/v1/whoami' }));
    expect([statusCode, recorded]).toEqual([500, [['InternalErrors', 1]]]);
  });

  it('repeats no request id that API Gateway did not write', async () => {
    const { handler } = lazyBroker(unavailable);
    const withId = (requestId: unknown) => ({ ...proxyEvent(), requestContext: { requestId } });
    for (const event of [null, undefined, {}, 'canary', withId('canary\r\nset-cookie: x'), withId({ canary: 1 })]) {
      const { statusCode, headers, body } = await handler(event as APIGatewayProxyEvent);
      expect(statusCode).toBe(503);
      expect(headers?.['x-request-id']).toBe('unknown');
      expect(body).not.toContain('canary');
    }
  });
});
