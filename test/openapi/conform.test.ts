import type { APIGatewayProxyResult } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { CANARY } from '../sim/canary.ts';
import { answerFaults } from './conform.ts';
import { operationOf } from './document.ts';
import { type Call, wireOf } from './requests.ts';
import { CALLERS } from './words.ts';
import { ApiWorld, leaks, TOTP_CANARY } from './world.ts';

const MINT: Call = {
  operation: 'mintLease',
  path: { name: 'ci/release' },
  query: {},
  headers: {},
  userArn: CALLERS[0] as string,
  noise: {},
  afterMs: 0,
};
const SHOW: Call = { ...MINT, operation: 'getSecret' };

/** An answer with some of it otherwise. */
function changed(result: APIGatewayProxyResult, headers: Record<string, string | undefined>, body: object = {}) {
  const kept = Object.entries({ ...result.headers, ...headers }).filter(([, value]) => value !== undefined);
  return {
    ...result,
    headers: Object.fromEntries(kept) as Record<string, string>,
    body: JSON.stringify({ ...JSON.parse(result.body), ...body }),
  };
}

describe('the check of an answer', () => {
  it('takes what the handlers answer', async () => {
    const world = new ApiWorld();
    for (const call of [MINT, SHOW, { ...MINT, path: { name: 'none' } }]) {
      expect(answerFaults(operationOf(call.operation), await world.send(wireOf(call)))).toEqual([]);
    }
  });

  it('sees what the document does not have', async () => {
    const world = new ApiWorld();
    const shown = await world.send(wireOf({ ...SHOW, userArn: 'arn:aws:iam::000000000000:role/admin' }));
    const problem = await world.send(wireOf({ ...MINT, path: { name: 'none' } }));
    const operation = operationOf('getSecret');
    const faults = (result: APIGatewayProxyResult) => answerFaults(operation, result).join('\n');
    expect(faults({ ...shown, statusCode: 201 })).toContain('undocumented 201');
    expect(faults({ ...shown, statusCode: 503 })).toContain('a 503');
    expect(faults(changed(shown, { 'content-type': 'text/html' }))).toContain('content type');
    expect(faults(changed(shown, { etag: undefined }))).toContain('no header etag');
    expect(faults(changed(shown, { etag: '3' }))).toContain('its header etag');
    expect(faults(changed(shown, { 'x-request-id': undefined }))).toContain('no header x-request-id');
    expect(faults(changed(shown, { location: '/' }))).toContain('undocumented header location');
    expect(faults(changed(shown, { 'cache-control': 'public' }))).toContain('cached');
    expect(faults(changed(shown, {}, { credential: 'x' }))).toContain('must NOT have additional properties');
    expect(faults(changed(problem, {}, { status: 200 }))).toContain('its status');
    expect(faults(changed(problem, {}, { code: 'other' }))).toContain('its type');
    expect(faults(changed(problem, {}, { requestId: 'other' }))).toContain('its requestId');
    expect(faults(changed(problem, {}, { field: 'name' }))).toContain('a field where none is');
    expect(faults(changed(problem, {}, { holders: [] }))).toContain('holders');
    expect(answerFaults(operationOf('whoami'), problem).join('\n')).toContain('undocumented 404');
    const wait = { ...changed(problem, { 'retry-after': '0' }, { status: 429 }), statusCode: 429 };
    expect(answerFaults(operationOf('mintLease'), wait).join('\n')).toContain('its header retry-after');
    const silent = { ...changed(problem, {}, { status: 429 }), statusCode: 429 };
    expect(answerFaults(operationOf('mintLease'), silent).join('\n')).toContain('no header retry-after');
  });

  it('sees a secret in whatever form', () => {
    for (const secret of [CANARY, TOTP_CANARY]) {
      for (const before of ['', 'a', 'ab', 'abc']) {
        expect(leaks(`x ${before}${secret} x`)).toBe(true);
        expect(leaks(Buffer.from(`${before}${secret}x`).toString('base64'))).toBe(true);
        expect(leaks(encodeURIComponent(`${before}${secret}`))).toBe(true);
      }
    }
    expect(leaks('dckr_pat_EXAMPLE and other words')).toBe(false);
  });
});
