import type { Json, Schema } from './json-schema.ts';

/** Where a value may be put, and what to put there. */
export interface Beyond {
  readonly path: readonly (string | number)[];
  readonly value: Json;
}

/** Everything that is just beyond a bound of the schema: of fields that are there, and of those that might be. */
export function beyondBounds(schema: Schema, value: Json | undefined, path: Beyond['path'] = []): Beyond[] {
  const here = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  const inner = here.flatMap(({ properties = {}, items }) => {
    if (Array.isArray(value) && items !== undefined) {
      return value.flatMap((each: Json, index) => beyondBounds(items, each, [...path, index]));
    }
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(properties).flatMap(([name, each]) =>
      beyondBounds(each, Object.hasOwn(value, name) ? (value as Record<string, Json>)[name] : undefined, [
        ...path,
        name,
      ]),
    );
  });
  return [...here.flatMap((each) => outside(each, value)).map((beyond) => ({ path, value: beyond })), ...inner];
}

function outside(schema: Schema, value: Json | undefined): Json[] {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, maxProperties } = schema;
  const text = typeof value === 'string' ? value : '';
  const [first = 'a'] = Array.isArray(value) ? (value as readonly Json[]) : [];
  return [
    ...(minimum === undefined ? [] : [minimum - 1]),
    ...(maximum === undefined ? [] : [maximum + 1]),
    ...(minLength === undefined || minLength === 0 ? [] : ['']),
    ...(maxLength === undefined ? [] : [text.padEnd(text.length + maxLength + 1 - [...text].length, 'a')]),
    ...(minItems === undefined || minItems === 0 ? [] : [[]]),
    ...(maxItems === undefined ? [] : [Array.from({ length: maxItems + 1 }, () => first)]),
    ...(maxProperties === undefined
      ? []
      : [Object.fromEntries(Array.from({ length: maxProperties + 1 }, (_, index) => [`k${index}`, 'v']))]),
  ];
}
