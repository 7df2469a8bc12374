import { describe, expect, it } from 'vitest';
import { openapi } from '../../functions/wire/openapi.ts';
import { ALL_OPERATIONS } from '../../functions/wire/operations.ts';

interface Operated {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: { name: string; in: string; required: boolean; schema: Record<string, unknown> }[];
  readonly requestBody?: { required: boolean; content: Record<string, { schema: Record<string, unknown> }> };
  readonly responses: Record<string, { $ref?: string; description?: string; content?: Record<string, unknown> }>;
}

const document = openapi() as {
  openapi: string;
  servers: unknown;
  security: Record<string, unknown>[];
  paths: Record<string, Record<string, Operated>>;
  components: Record<string, Record<string, unknown>>;
};
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

function nodes(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(nodes);
  return Array.isArray(value) ? inner : [value as Record<string, unknown>, ...inner];
}

describe('the OpenAPI document', () => {
  it('is made once and is plain JSON', () => {
    expect(openapi()).toBe(document);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  });

  it('has every operation and no other', () => {
    const stated = operations.map(
      ({ method, path, operation }) => `${method.toUpperCase()} ${path} ${operation.operationId}`,
    );
    const expected = ALL_OPERATIONS.map(
      (route) => `${route.method} ${route.path.replace('{name+}', '{name}')} ${route.operation}`,
    );
    expect(stated.sort()).toEqual(expected.sort());
  });

  it('declares each parameter of a path, and only those', () => {
    for (const { path, operation } of operations) {
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(declared.map((parameter) => `{${parameter.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      for (const parameter of declared) expect(parameter.required).toBe(true);
    }
  });

  it('declares the query of a list with its bounds', () => {
    const list = document.paths['/leases']?.get;
    expect(list?.parameters?.map((parameter) => parameter.name).sort()).toEqual([
      'limit',
      'live',
      'nextToken',
      'secret',
      'status',
    ]);
    const limit = list?.parameters?.find((parameter) => parameter.name === 'limit');
    expect(limit?.schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 100, default: 50 });
  });

  it('needs a body exactly where the schema does', () => {
    const required = operations.map(
      ({ operation }) => [operation.operationId, operation.requestBody?.required] as const,
    );
    expect(required.filter(([, needed]) => needed !== undefined).sort()).toEqual([
      ['actOnTarget', true],
      ['mintLease', false],
      ['putSecret', true],
      ['putTarget', true],
      ['renewLease', false],
      ['revokeMatching', true],
    ]);
  });

  it('declares the headers that change what a request does, and the ETag of what has versions', () => {
    const headers = operations.flatMap(({ operation }) =>
      (operation.parameters ?? [])
        .filter((parameter) => parameter.in === 'header')
        .map((parameter) => [operation.operationId, parameter.name]),
    );
    expect(headers.sort()).toEqual([
      ['mintLease', 'idempotency-key'],
      ['putSecret', 'if-match'],
      ['putTarget', 'if-match'],
    ]);
    const put = document.paths['/admin/secrets/{name}']?.put?.responses['200'];
    expect(put).toMatchObject({ headers: { etag: { required: true, schema: { type: 'string' } } } });
  });

  it('shows the members of a public protection key, and asks for none of a private one', () => {
    const body = JSON.stringify(document.paths['/admin/secrets/{name}']?.put?.requestBody);
    for (const member of ['kty', 'crv', 'n', 'kid']) expect(body).toContain(`"${member}"`);
    expect(body).not.toContain('"d"');
  });

  it('resolves every reference inside itself', () => {
    const references = nodes(document).flatMap((node) => (typeof node.$ref === 'string' ? [node.$ref] : []));
    expect(references.length).toBeGreaterThan(ALL_OPERATIONS.length);
    for (const reference of references) {
      const steps = reference.replace(/^#\//, '').split('/');
      const found = steps.reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document);
      expect(found, reference).toBeDefined();
    }
  });

  it('answers each operation with at least one success and the problems every route may have', () => {
    for (const { operation } of operations) {
      const statuses = Object.keys(operation.responses);
      expect(statuses.some((status) => /^20[0-2]$/.test(status))).toBe(true);
      expect(statuses).toEqual(expect.arrayContaining(['400', '403', '408', '413', '431', '500', '503']));
      for (const response of Object.values(operation.responses))
        expect(response.$ref ?? response.description).toBeTruthy();
    }
  });

  it('documents 405 with the methods in Allow, for requests that belong to no operation', () => {
    const { responses } = (document as unknown as { components: { responses: Record<string, { headers: object }> } })
      .components;
    expect(responses['405']?.headers).toMatchObject({ allow: { required: true } });
  });

  it('has only patterns that mean the same with and without the flag u, and name no class of Unicode', () => {
    const patterns = new Set<string>();
    JSON.stringify(document, (key, value) => {
      if (key === 'pattern' && typeof value === 'string') patterns.add(value);
      return value;
    });
    expect(patterns.size).toBeGreaterThan(10);
    const texts = ['a', 'ä ö', '\u{1f600}', 'a\u202eb', 'a\u2028b', 'p{C}', 'C', '\n', '\u00a0', '\ufeff', ' a', ''];
    for (const pattern of patterns) {
      expect(pattern).not.toMatch(/\\[pP]\{/);
      const [plain, unicode] = [new RegExp(pattern), new RegExp(pattern, 'u')];
      for (const text of texts) expect([pattern, text, plain.test(text)]).toEqual([pattern, text, unicode.test(text)]);
    }
  });

  it('asks for Signature Version 4 on every route, by a scheme that is defined', () => {
    const names = document.security.flatMap((requirement) => Object.keys(requirement));
    expect(names).toEqual(['sigv4']);
    expect(document.components.securitySchemes?.sigv4).toMatchObject({
      'x-amazon-apigateway-authtype': 'awsSigv4',
    });
  });

  it('closes every object of ours against unknown fields', () => {
    const body = document.paths['/admin/secrets/{name}']?.put?.requestBody?.content['application/json']?.schema;
    expect(body).toMatchObject({ type: 'object', additionalProperties: false });
    expect(nodes(document).filter((node) => '$schema' in node)).toEqual([]);
  });

  it('marks what must be hidden', () => {
    const credential = nodes(document).find((node) => 'totpSecret' in node);
    expect(credential).toMatchObject({
      password: { format: 'password', writeOnly: true },
      totpSecret: { writeOnly: true },
    });
  });
});
