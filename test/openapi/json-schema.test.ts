import { describe, expect, it } from 'vitest';
import { openapi } from '../../functions/wire/openapi.ts';
import { OPERATIONS } from './document.ts';
import { faultsOf, type Schema } from './json-schema.ts';

describe('the check against a JSON Schema', () => {
  it('says where a fault is, and does not quote what is there', () => {
    const schema: Schema = { properties: { a: { items: { type: 'integer' } } } };
    expect(faultsOf(schema, { a: [1, 'secret'] })).toEqual(['/a/1 must be integer']);
  });

  it('fails for a keyword or a format that it does not know, rather than pass over it', () => {
    expect(() => faultsOf({ multiple: 2 } as Schema, 3)).toThrow('"multiple"');
    expect(() => faultsOf({ format: 'uuid' } as Schema, 'a')).toThrow('"uuid"');
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
