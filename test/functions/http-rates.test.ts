import { describe, expect, it } from 'vitest';
import { Rates } from '../../functions/core/leases/rates.ts';
import { perMinute } from '../../functions/core/model/pace.ts';
import { memoryRates } from '../../local/memory-rates.ts';
import { Api, SECRET } from './api.ts';
import { NOW_MS } from './memory-ports.ts';

const OTHER = 'arn:aws:sts::111122223333:assumed-role/ci-other/loop';

/** An API that takes two requests of one caller, and then one a second. */
async function limited(secret: object = {}) {
  const api = await new Api().seed(secret);
  api.ports = { ...api.ports, rates: new Rates(memoryRates(), perMinute(60, 2)) };
  return api;
}

describe('a caller that asks too often', () => {
  it.each([
    ['mints', { method: 'POST', path: '/v1/lease/ci/release', body: '{}' }],
    ['lists leases', { path: '/v1/leases' }],
    ['asks for a lease', { path: '/v1/leases/01K9ZC3V7M8Q2R4T6W8Y0A1B2C' }],
    ['renews one', { method: 'POST', path: '/v1/leases/01K9ZC3V7M8Q2R4T6W8Y0A1B2C/renew', body: '{}' }],
    ['asks who it is', { path: '/v1/whoami' }],
  ])('and %s gets 429 and when to come again', async (_, request) => {
    const api = await limited();
    for (let times = 0; times < 2; times++) expect((await api.send(request)).status).not.toBe(429);
    const refused = await api.send(request);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.result.headers?.['retry-after']).toBe('1');
    expect((await api.send({ ...request, userArn: OTHER })).status).not.toBe(429);
    api.ports = { ...api.ports, clock: { ...api.ports.clock, nowMs: () => NOW_MS + 1_000 } };
    expect((await api.send(request)).status).not.toBe(429);
  });

  it('may still give its token back', async () => {
    const api = await limited();
    const { id } = (await api.lease()).body.lease;
    for (let times = 0; times < 5; times++) await api.send({ path: '/v1/whoami' });
    expect((await api.send({ path: '/v1/whoami' })).status).toBe(429);
    expect(await api.send({ method: 'DELETE', path: `/v1/leases/${id}` })).toMatchObject({
      status: 200,
      body: { lease: { status: 'revoked' } },
    });
  });
});

describe('a secret’s maxMintsPerMinute', () => {
  it('is put, shown to admins and kept', async () => {
    const api = await limited();
    const body = { ...SECRET, maxMintsPerMinute: 1 };
    const put = await api.put('secrets/ci/release', body);
    expect(put.body).toMatchObject({ changed: ['maxMintsPerMinute'], secret: { maxMintsPerMinute: 1 } });
    expect((await api.lease()).status).toBe(201);
    const refused = await api.lease();
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(refused.body.detail).toContain('maxMintsPerMinute');
    expect(refused.result.headers?.['retry-after']).toBe('60');
  });
});
