import { describe, expect, it } from 'vitest';
import { Failed } from '../../functions/core/failure.ts';
import { allowedMethods, matchRoute, ROUTES, STAGE } from '../../functions/wire/routes.ts';

const ID = '01K9ZC3V7M8Q2R4T6W8Y0A1B2C';

describe('the route table', () => {
  it('names each operation once, and each method and path once', () => {
    expect(new Set(ROUTES.map((route) => route.operation)).size).toBe(ROUTES.length);
    expect(new Set(ROUTES.map((route) => `${route.method} ${route.path}`)).size).toBe(ROUTES.length);
  });

  it('keeps everything below /admin, and nothing else, for admins and their function', () => {
    for (const route of ROUTES) {
      const isAdmin = route.path.startsWith('/admin/');
      expect(route).toMatchObject(
        isAdmin ? { who: 'admin', function: 'admin' } : { who: 'caller', function: 'broker' },
      );
    }
  });

  it('has at most one parameter, and the rest of a path only at its end, which is all that API Gateway knows', () => {
    for (const route of ROUTES) expect(route.path).toMatch(/^(\/[a-z.]+)+(\/\{name\+\}|\/\{id\}(\/[a-z]+)?)?$/);
  });
});

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

const CANONICAL = [
  '/v1/lease/ci/release',
  '/v1/admin/secrets/ci/release',
  `/v1/leases/${ID}`,
  `/v1/leases/${ID}/renew`,
  '/v1/whoami',
];

/** Every other way to write the same path, or to smuggle another one through it. */
function encodings(path: string): string[] {
  const at = path.lastIndexOf('/') + 1;
  const [head, last] = [path.slice(0, at), path.slice(at)];
  const hex = (text: string, upper: boolean) => {
    const code = (text.codePointAt(0) ?? 0).toString(16).padStart(2, '0');
    return upper ? code.toUpperCase() : code;
  };
  const insertions = [
    ...[
      '/',
      './',
      '../',
      '..;/',
      '.;/',
      '%2e/',
      '%2E/',
      '%2e%2e/',
      '.%2e/',
      '%2e./',
      '%252e%252e/',
      '..%2f',
      '%2f',
      '%2F',
    ],
    ...['%5c', '%5C', '\\', '..\\', '%252f', '%c0%af', '%c0%ae/', '%e0%80%af', '%u002f', '%00', '%0a', '%0d%0a', '%09'],
    ...[
      '%20',
      ' ',
      '\t',
      '\n',
      '\0',
      ';',
      ';a=b/',
      '?',
      '#',
      '%3f',
      '%23',
      '%',
      '%%',
      '%g1',
      '%1',
      '*',
      '+',
      ':',
      '@',
      '!',
    ],
    ...[
      '$',
      '&',
      "'",
      '(',
      ')',
      ',',
      '=',
      '[',
      ']',
      '{',
      '}',
      '|',
      '^',
      '`',
      '"',
      '<',
      '>',
      '\u00e4',
      '\u2215',
      '\uff0f',
      '\u202e',
    ],
  ];
  return [
    ...insertions.flatMap((text) => [`${head}${text}${last}`, `${head}x/${text}../${last}`, `${path}${text}`]),
    ...[...last].map((sign, index) => `${head}${last.slice(0, index)}%${hex(sign, false)}${last.slice(index + 1)}`),
    ...[...last].map((sign, index) => `${head}${last.slice(0, index)}%25${hex(sign, true)}${last.slice(index + 1)}`),
    ...[
      `/${path}`,
      `.${path}`,
      `/.${path}`,
      `/..${path}`,
      `/x/..${path}`,
      path.slice(1),
      `http://host${path}`,
      `${path}/`,
    ],
    ...[
      path.replaceAll('/', '//'),
      path.replaceAll('/', '%2f'),
      path.replaceAll('/', '\\'),
      path.replace('/v1/', '/v1/./'),
    ],
    ...[path.replace('/v1/', '/v1/../v1/'), path.replace('/v1/', '/%761/'), path.replace('/v1/', '/v1//')],
  ].filter((text) => text !== path);
}

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
