import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/**
 * Checks values against the schemas of the OpenAPI document by Ajv. Not by zod's own `fromJSONSchema`: the document would be
 * judged by the library that wrote it.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The part of JSON Schema 2020-12 that the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null';
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
}

/** Refuses a keyword or format that it does not know: a document with one would be checked in part only. */
const ajv = new Ajv2020({
  allErrors: true,
  strictRequired: false,
  strictTypes: false,
  // A password is any text.
  formats: { password: true, 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) },
});
const compiled = new WeakMap<Schema, ValidateFunction>();
const patterns = new Map<string, RegExp>();

/**
 * What is wrong with a value, each fault with where it is; empty when nothing is. Never quotes the value.
 *
 * @throws Error for a keyword or a format that Ajv does not know.
 */
export function faultsOf(schema: Schema, value: Json): string[] {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(schema);
    compiled.set(schema, validate);
  }
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || 'the value'} ${message}`);
}

export function conforms(schema: Schema, value: Json): boolean {
  return faultsOf(schema, value).length === 0;
}

/** A pattern as JSON Schema means it, with whole code points. */
export function patternOf(pattern: string): RegExp {
  let made = patterns.get(pattern);
  if (made === undefined) {
    made = new RegExp(pattern, 'u');
    patterns.set(pattern, made);
  }
  return made;
}
