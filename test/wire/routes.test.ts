import { describe, expect, it } from 'vitest';
import { Failed } from '../../functions/core/model/failure.ts';
import { allowedMethods, matchRoute } from '../../functions/wire/match-route.ts';
import { STAGE } from '../../functions/wire/route.ts';
import { CANONICAL, encodings, LEASE_ID as ID } from './encodings.ts';

describe('matchRoute', () => {
  it.each([
    ['POST', '/v1/lease/demo', 'mintLease', { name: 'demo' }],
    ['POST', '/v1/lease/ci/release', 'mintLease', { name: 'ci/release' }],
    ['POST', '/v1/lease/a/b/c/d', 'mintLease', { name: 'a/b/c/d' }],
    ['GET', '/v1/leases', 'listLeases', {}],
    ['GET', `/v1/leases/${ID}`, 'getLease', { id: ID }],
    ['DELETE', `/v1/leases/${ID}`, 'revokeLease', { id: ID }],
    ['POST', `/v1/leases/${ID}/renew`, 'renewLease', { id: ID }],
    ['GET', '/v1/whoami', 'whoami', {}],
    ['GET', '/v1/openapi.json', 'getOpenapi', {}],
    ['GET', '/v1/admin/targets', 'listTargets', {}],
    ['PUT', '/v1/admin/targets/acme-bot', 'putTarget', { name: 'acme-bot' }],
    ['GET', '/v1/admin/targets/acme-bot', 'getTarget', { name: 'acme-bot' }],
    ['DELETE', '/v1/admin/targets/team/acme', 'deleteTarget', { name: 'team/acme' }],
    ['POST', '/v1/admin/targets/team/acme', 'actOnTarget', { name: 'team/acme' }],
    ['GET', '/v1/admin/leases', 'listAllLeases', {}],
    ['GET', `/v1/admin/leases/${ID}`, 'getAnyLease', { id: ID }],
    ['DELETE', `/v1/admin/leases/${ID}`, 'revokeAnyLease', { id: ID }],
    ['POST', '/v1/admin/revoke', 'revokeMatching', {}],
    ['GET', '/v1/admin/secrets', 'listSecrets', {}],
    ['PUT', '/v1/admin/secrets/ci/release', 'putSecret', { name: 'ci/release' }],
    ['GET', '/v1/admin/secrets/ci/release', 'getSecret', { name: 'ci/release' }],
    ['DELETE', '/v1/admin/secrets/ci/release', 'deleteSecret', { name: 'ci/release' }],
  ])('%s %s is %s', (method, path, operation, pathParameters) => {
    const match = matchRoute(method, path);
    expect(match?.route.operation).toBe(operation);
    expect(match?.resource).toBe(match?.route.path);
    expect(match?.pathParameters).toEqual(pathParameters);
  });

  it.each([
    ['GET', '/v1/lease/demo'],
    ['HEAD', '/v1/leases'],
    ['get', '/v1/leases'],
    ['POST', '/v1/leases'],
    ['POST', '/v1/lease'],
    ['GET', '/v1'],
    ['GET', '/leases'],
    ['GET', '/v2/leases'],
    ['GET', '/V1/leases'],
    ['GET', '/v1/Leases'],
    ['GET', '/v1/leases/a/b'],
    ['GET', `/v1/leases/${ID}/renew`],
    ['POST', `/v1/leases/${ID}/renew/x`],
    ['POST', `/v1/leases/${ID}/Renew`],
    ['POST', '/v1/leases/renew'],
    ['POST', '/v1/admin/targets'],
    ['POST', '/v1/admin/secrets/ci/release'],
    ['GET', '/v1/admin/revoke'],
    ['GET', '/v1/whoami/x'],
    ['GET', '/v1/admin'],
    ['GET', '/v1/admin/secret'],
    ['GET', '/v1/v1/leases'],
  ])('%s %s is no route', (method, path) => {
    expect(matchRoute(method, path)).toBeUndefined();
  });

  it('names the methods of a path for those who used another', () => {
    expect(allowedMethods('/v1/lease/ci/release')).toEqual(['POST']);
    expect(allowedMethods(`/v1/leases/${ID}`)).toEqual(['GET', 'DELETE']);
    expect(allowedMethods('/v1/nothing')).toEqual([]);
  });
});

describe('a path in any but its canonical form', () => {
  const table = CANONICAL.flatMap(encodings);

  it('is tried in more than 200 encodings of each path', () => {
    for (const path of CANONICAL) expect(new Set(encodings(path)).size).toBeGreaterThan(200);
  });

  it.each(['GET', 'POST', 'PUT', 'DELETE'])('never leads %s to a route', (method) => {
    for (const path of table) {
      expect(() => matchRoute(method, path), JSON.stringify(path)).toThrow(Failed);
      expect(() => matchRoute(method, path), JSON.stringify(path)).toThrow('path_not_canonical');
    }
  });

  it.each([
    ['POST', '/v1/lease/CI/release'],
    ['POST', '/v1/lease/ci/Release'],
    ['GET', '/v1/admin/targets/Acme'],
    ['GET', `/v1/leases/${ID.toLowerCase()}`],
    ['DELETE', `/v1/leases/${ID.slice(0, -1)}c`],
    ['POST', `/v1/leases/${ID.toLowerCase()}/renew`],
    ['POST', '/v1/lease/.hidden'],
    ['POST', '/v1/lease/-a/..'],
    ['POST', `/v1/lease/${'a'.repeat(300)}`],
    ['GET', '/'],
    ['GET', ''],
    ['GET', '*'],
  ])('%s %s fails as not canonical', (method, path) => {
    expect(() => matchRoute(method, path)).toThrow('path_not_canonical');
  });

  it('is refused in bounded time however long it is', () => {
    const startedMs = performance.now();
    expect(() => matchRoute('GET', `/${STAGE}${'/a'.repeat(500_000)}%`)).toThrow('path_not_canonical');
    expect(() => matchRoute('GET', `/${'a'.repeat(250)}%`)).toThrow('path_not_canonical');
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
