import { describe, expect, it } from 'vitest';
import { openapi } from '../../functions/wire/openapi.ts';
import { OPERATIONS } from './document.ts';
import { conforms, faultsOf, type Json, type Schema } from './json-schema.ts';

describe('the check against a JSON Schema', () => {
  it.each<[Schema, Json[], Json[]]>([
    [{ type: 'object' }, [{}], [[], null, 'a', 1]],
    [{ type: 'array' }, [[]], [{}, null, 'a']],
    [{ type: 'string' }, ['', 'a'], [1, null, []]],
    [{ type: 'integer' }, [0, -1, 1e21, 2.0], [1.5, '1', null, Number.NaN]],
    [{ type: 'boolean' }, [true, false], [0, 'true', null]],
    [{ type: 'null' }, [null], [0, '', {}]],
    [{ const: 'a' }, ['a'], ['b', ['a'], null]],
    [{ enum: ['a', 1] }, ['a', 1], ['1', 'b', null]],
    [{ pattern: '^[^\\p{C}]*$' }, ['Clip', 'ä', '\u{1f600}', 1], ['\u0000', 'a\u202e', '\ud800']],
    [{ minLength: 1, maxLength: 2 }, ['a', '\u{1f600}\u{1f600}', 7], ['', 'abc']],
    [{ minimum: 1, maximum: 2 }, [1, 2, 1.5, '7'], [0, 3]],
    [{ minItems: 1, maxItems: 2, items: { type: 'integer' } }, [[1], [1, 2], 'a'], [[], [1, 2, 3], ['a'], [1, null]]],
    [{ minProperties: 1, maxProperties: 1 }, [{ a: 1 }, 'a'], [{}, { a: 1, b: 2 }]],
    [{ required: ['a'] }, [{ a: null }, 'a'], [{}, { b: 1 }]],
    [{ required: ['toString'] }, [{ toString: 1 }], [{}]],
    [{ properties: { a: { type: 'integer' } } }, [{ a: 1 }, { b: 'x' }, {}], [{ a: 'x' }]],
    [
      { properties: { a: {} }, additionalProperties: false },
      [{ a: 1 }, {}],
      [{ b: 1 }, JSON.parse('{"__proto__":1}'), { constructor: 1 }],
    ],
    [{ additionalProperties: { type: 'string' } }, [{ a: 'x' }, {}], [{ a: 1 }]],
    [{ propertyNames: { pattern: '^a' } }, [{ a: 1, ab: 1 }], [{ b: 1 }]],
    [{ anyOf: [{ type: 'string' }, { type: 'integer' }] }, ['a', 1], [1.5, null]],
    [{ oneOf: [{ minimum: 2 }, { maximum: 3 }] }, [1, 4], [2, 3]],
    [{ format: 'date-time' }, ['2026-11-21T09:00:00.000Z'], ['soon']],
  ])('%j', (schema, good, bad) => {
    for (const value of good) expect(faultsOf(schema, value)).toEqual([]);
    for (const value of bad) expect(conforms(schema, value), JSON.stringify(value)).toBe(false);
  });

  it('says where a fault is, and does not quote what is there', () => {
    const schema: Schema = { properties: { a: { items: { type: 'integer' } } } };
    expect(faultsOf(schema, { a: [1, 'secret'] })).toEqual(['/a/1 is no integer']);
  });

  it('fails for a keyword that it does not know, rather than pass over it', () => {
    expect(() => faultsOf({ multipleOf: 2 } as Schema, 3)).toThrow('"multipleOf"');
    expect(() => faultsOf({ format: 'uuid' } as Schema, 3)).not.toThrow();
    expect(conforms({ format: 'uuid' } as Schema, 'a')).toBe(false);
  });
});

/** Every schema in the document, and every schema within one. */
function schemasIn(node: unknown): Schema[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, each]) => [
    ...(name === 'schema' || name === 'schemas' ? schemasBelow(name === 'schema' ? [each] : Object.values(each)) : []),
    ...(name === 'example' ? [] : schemasIn(each)),
  ]);
}

function schemasBelow(schemas: readonly unknown[]): Schema[] {
  return schemas.flatMap((schema) => {
    const { properties = {}, items, additionalProperties, propertyNames, anyOf = [], oneOf = [] } = schema as Schema;
    const inner = [items, additionalProperties, propertyNames].filter((each) => typeof each === 'object');
    return [schema as Schema, ...schemasBelow([...Object.values(properties), ...inner, ...anyOf, ...oneOf])];
  });
}

describe('the OpenAPI document', () => {
  it('uses only keywords that are checked', () => {
    const schemas = schemasIn(openapi()).filter((schema) => schema.$ref === undefined);
    expect(schemas.length).toBeGreaterThan(500);
    for (const schema of schemas) expect(() => faultsOf(schema, null)).not.toThrow();
  });

  it('shows requests and answers that conform to it', () => {
    for (const { body, responses } of OPERATIONS) {
      if (body !== undefined) expect(faultsOf(body.schema, body.example)).toEqual([]);
      for (const { content } of Object.values(responses)) {
        for (const { schema, example } of Object.values(content)) {
          if (example !== undefined) expect(faultsOf(schema, example)).toEqual([]);
        }
      }
    }
  });
});
