import * as fc from 'fast-check';
import { conforms, type Json, patternOf, type Schema } from './json-schema.ts';

/** What a field or parameter of that name is given often, where its schema takes it: names of what is there. */
export type Words = Readonly<Record<string, readonly Json[]>>;

/** Turns a generated password into one that is recognised wherever it shows up. */
export type Marking = (password: string, schema: Schema) => string;

export interface Wanted {
  readonly words: Words;
  readonly mark: Marking;
}

/** Values of a schema, all of which conform to it. */
export function valuesOf(schema: Schema, wanted: Wanted, name = ''): fc.Arbitrary<Json> {
  const fitting = (wanted.words[name] ?? []).filter((word) => conforms(schema, word));
  const any = anyOf(schema, wanted).filter((value) => conforms(schema, value));
  if (fitting.length === 0) return any;
  return fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...fitting) }, { weight: 1, arbitrary: any });
}

function anyOf(schema: Schema, wanted: Wanted): fc.Arbitrary<Json> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((each) => valuesOf(each, wanted)));
  switch (schema.type) {
    case 'string':
      return schema.format === 'password' ? textOf(schema).map((text) => wanted.mark(text, schema)) : textOf(schema);
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000 });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valuesOf(schema.items ?? {}, wanted), {
        minLength: schema.minItems ?? 0,
        maxLength: schema.maxItems ?? 10,
      });
    case 'object':
      return fieldsOf(schema, wanted);
    default:
      throw new Error(`nothing can be generated for a schema of type ${schema.type}`);
  }
}

function fieldsOf(schema: Schema, wanted: Wanted): fc.Arbitrary<Json> {
  const { properties = {}, required = [], additionalProperties, propertyNames = { type: 'string' } } = schema;
  if (typeof additionalProperties === 'object') {
    return fc.dictionary(textOf(propertyNames), valuesOf(additionalProperties, wanted), {
      maxKeys: schema.maxProperties ?? 10,
      noNullPrototype: true,
    });
  }
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, each]) => [name, valuesOf(each, wanted, name)]),
  );
  const optional = Object.keys(properties).filter((name) => !required.includes(name));
  const bounds = {
    minLength: Math.max(0, (schema.minProperties ?? 0) - required.length),
    maxLength: Math.min(optional.length, (schema.maxProperties ?? Number.POSITIVE_INFINITY) - required.length),
  };
  return fc
    .subarray(optional, bounds)
    .chain((chosen) =>
      fc.record(
        Object.fromEntries([...required, ...chosen].map((name) => [name, fields[name] as fc.Arbitrary<Json>])),
        { noNullPrototype: true },
      ),
    );
}

const made = new Map<string, fc.Arbitrary<string>>();

function textOf({ pattern, minLength = 0, maxLength = 2_048 }: Schema): fc.Arbitrary<string> {
  const key = JSON.stringify([pattern, minLength, maxLength]);
  const text = made.get(key) ?? unboundedText(pattern, minLength, maxLength);
  made.set(key, text);
  return text;
}

/** Any code point but the halves of a pair. Not fast-check's own unit, which takes seconds to be made. */
const anyCharacter = fc
  .oneof(
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10_ffff }),
    fc.constantFrom(
      0x00,
      0x0a,
      0x7f,
      0x85,
      0xa0,
      0xad,
      0x200b,
      0x2028,
      0x202e,
      0x2215,
      0xe000,
      0xfeff,
      0xff0f,
      0x1f600,
    ),
  )
  .map((codePoint) => String.fromCodePoint(codePoint));

function unboundedText(pattern: string | undefined, minLength: number, maxLength: number): fc.Arbitrary<string> {
  // Now and then as long as it may be.
  const free = fc.oneof(
    { weight: 14, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength, maxLength }) },
    { weight: 5, arbitrary: fc.string({ unit: anyCharacter, minLength, maxLength }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', minLength: maxLength, maxLength, size: 'max' }) },
  );
  if (pattern === undefined) return free;
  const regex = patternOf(pattern);
  const text = /\\p\{/.test(pattern) ? free : matching(pattern, minLength, maxLength);
  return text.filter((each) => regex.test(each) && each.length >= minLength && each.length <= maxLength);
}

/** Not for classes of Unicode, whose characters fast-check gathers one by one, which takes seconds. */
function matching(pattern: string, minLength: number, maxLength: number): fc.Arbitrary<string> {
  // What looks around is left to the filter: fast-check does not generate it.
  const seen = pattern.replace(/\(\?<?[=!](?:\\.|[^()\\])*\)/g, '');
  // One character repeated takes its length from beside the pattern, which chance would hardly meet.
  const [, repeated] = /^\^(\[[^\]]*\])[+*]\$$/.exec(seen) ?? [];
  const least = repeated !== undefined && seen.endsWith('+$') ? Math.max(1, minLength) : minLength;
  return fc.stringMatching(new RegExp(repeated === undefined ? seen : `^${repeated}{${least},${maxLength}}$`, 'u'));
}
