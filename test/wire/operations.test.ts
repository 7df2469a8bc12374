import { describe, expect, expectTypeOf, it } from 'vitest';
import { ALL_OPERATIONS, type AnswerOf, type OperationOf, type RequestParts } from '../../functions/wire/operations.ts';
import { parameterIn } from '../../functions/wire/path-parameters.ts';
import { ROUTES } from '../../functions/wire/routes.ts';

describe('the operations', () => {
  it('have one method and path each', () => {
    expect(new Set(ALL_OPERATIONS.map(({ method, path }) => `${method} ${path}`)).size).toBe(ALL_OPERATIONS.length);
  });

  it('below /admin, and no others, are for admins and their function', () => {
    for (const operation of ALL_OPERATIONS) {
      const isAdmin = operation.path.startsWith('/admin/');
      expect(operation).toMatchObject(
        isAdmin ? { who: 'admin', function: 'admin' } : { who: 'caller', function: 'broker' },
      );
    }
  });

  it('have at most one parameter in a path, and the rest of a path only at its end, as API Gateway requires', () => {
    for (const { path } of ALL_OPERATIONS) expect(path).toMatch(/^(\/[a-z.]+)+(\/\{name\+\}|\/\{id\}(\/[a-z]+)?)?$/);
  });

  it.each(ALL_OPERATIONS)('$operation tells the log what the parameter of its path is', ({ path, parameterIs }) => {
    const byParameter = { id: ['leaseId'], name: ['secret', 'target'] }[parameterIn(path) ?? ''] ?? [undefined];
    expect(byParameter).toContain(parameterIs);
  });

  it('are in the generated routes of the client, the command line and the construct', () => {
    const routes = ALL_OPERATIONS.map(({ method, path, operation, function: fn, who }) => {
      return { method, path, operation, function: fn, who };
    });
    expect(ROUTES, 'run: npm run docs').toEqual(routes);
  });
});

describe('the types of an operation', () => {
  it('know its statuses, bodies, parameters and headers', () => {
    expectTypeOf<AnswerOf<'mintLease'>['status']>().toEqualTypeOf<201>();
    expectTypeOf<AnswerOf<'revokeLease'>['status']>().toEqualTypeOf<200 | 202>();
    expectTypeOf<AnswerOf<'getLease'>['body']['lease']['id']>().toEqualTypeOf<string>();
    expectTypeOf<RequestParts<'mintLease'>['path']>().toEqualTypeOf<Readonly<Record<'name', string>>>();
    expectTypeOf<keyof RequestParts<'mintLease'>['headers']>().toEqualTypeOf<'idempotency-key'>();
    expectTypeOf<RequestParts<'getLease'>['body']>().toEqualTypeOf<undefined>();
    expectTypeOf<'whoami'>().toExtend<OperationOf<'broker'>>();
    expectTypeOf<'whoami'>().not.toExtend<OperationOf<'admin'>>();
  });
});

describe('the examples', () => {
  it.each(ALL_OPERATIONS)('of $operation conform to its schemas', ({ body, answers }) => {
    if (body !== undefined) expect(body.schema.safeParse(body.example).error).toBeUndefined();
    for (const { schema, example } of Object.values(answers)) {
      expect(schema.safeParse(example).error).toBeUndefined();
    }
  });
});
