/**
 * Checks values against the part of JSON Schema 2020-12 that the OpenAPI document uses. Not zod's own `fromJSONSchema`: it
 * compiles patterns without the flag `u`, by which `\p{C}` means the letters in it (seen in 4.6.7), and the document would be
 * judged by the library that wrote it.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

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

type Check = (rule: never, value: Json, schema: Schema, at: string) => string[];

/** What is wrong with a value, each fault with where it is; empty when nothing is. Never quotes the value. */
export function faultsOf(schema: Schema, value: Json, at = ''): string[] {
  return Object.entries(schema).flatMap(([keyword, rule]) => checkOf(keyword)(rule as never, value, schema, at));
}

export function conforms(schema: Schema, value: Json): boolean {
  return faultsOf(schema, value).length === 0;
}

/** @throws Error for a keyword that this file does not know: a document with it would be checked in part only. */
function checkOf(keyword: string): Check {
  const check = CHECKS[keyword];
  if (check === undefined) throw new Error(`the schemas use "${keyword}", which these tests do not know`);
  return check;
}

/** A pattern as JSON Schema means it, with whole code points. */
export function patternOf(pattern: string): RegExp {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = new RegExp(pattern, 'u');
    patterns.set(pattern, compiled);
  }
  return compiled;
}

const patterns = new Map<string, RegExp>();

function says(broken: boolean, at: string, what: string): string[] {
  return broken ? [`${at || 'the value'} ${what}`] : [];
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** The schema itself names what is compared here, so that its words may be repeated. */
function same(one: Json, other: Json): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const TYPES: Readonly<Record<NonNullable<Schema['type']>, (value: Json) => boolean>> = {
  object: isObject,
  array: isList,
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

/** What describes and does not restrict. */
const none: Check = () => [];

function onText(check: (rule: never, text: string) => boolean, what: string): Check {
  return (rule, value, _, at) => says(typeof value === 'string' && !check(rule, value), at, what);
}

function onNumber(check: (rule: number, value: number) => boolean, what: string): Check {
  return (rule, value, _, at) => says(typeof value === 'number' && !check(rule, value), at, what);
}

function onList(check: (rule: number, length: number) => boolean, what: string): Check {
  return (rule, value, _, at) => says(isList(value) && !check(rule, value.length), at, what);
}

function onFields(check: (rule: number, count: number) => boolean, what: string): Check {
  return (rule, value, _, at) => says(isObject(value) && !check(rule, Object.keys(value).length), at, what);
}

const CHECKS: Readonly<Record<string, Check>> = {
  description: none,
  default: none,
  writeOnly: none,
  type: (rule: NonNullable<Schema['type']>, value, _, at) => says(!TYPES[rule](value), at, `is no ${rule}`),
  const: (rule: Json, value, _, at) => says(!same(rule, value), at, `is not ${JSON.stringify(rule)}`),
  enum: (rule: readonly Json[], value, _, at) =>
    says(!rule.some((each) => same(each, value)), at, `is none of ${JSON.stringify(rule)}`),
  anyOf: (rule: readonly Schema[], value, _, at) =>
    says(!rule.some((each) => conforms(each, value)), at, 'is nothing of what it may be'),
  oneOf: (rule: readonly Schema[], value, _, at) =>
    says(rule.filter((each) => conforms(each, value)).length !== 1, at, 'is not exactly one of what it may be'),
  pattern: onText((rule: string, text) => patternOf(rule).test(text), 'does not match its pattern'),
  // A password is any text; times have a pattern besides.
  format: onText((rule: string, text) => FORMATS[rule]?.(text) === true, 'has not its format'),
  minLength: onText((rule: number, text) => [...text].length >= rule, 'is too short'),
  maxLength: onText((rule: number, text) => [...text].length <= rule, 'is too long'),
  minimum: onNumber((rule, value) => value >= rule, 'is too small'),
  maximum: onNumber((rule, value) => value <= rule, 'is too large'),
  minItems: onList((rule, length) => length >= rule, 'has too few entries'),
  maxItems: onList((rule, length) => length <= rule, 'has too many entries'),
  minProperties: onFields((rule, count) => count >= rule, 'has too few fields'),
  maxProperties: onFields((rule, count) => count <= rule, 'has too many fields'),
  items: (rule: Schema, value, _, at) =>
    isList(value) ? value.flatMap((each, index) => faultsOf(rule, each, `${at}/${index}`)) : [],
  required: (rule: readonly string[], value, _, at) =>
    isObject(value) ? rule.flatMap((name) => says(!Object.hasOwn(value, name), at, `lacks ${name}`)) : [],
  properties: (rule: Readonly<Record<string, Schema>>, value, _, at) =>
    isObject(value)
      ? Object.entries(rule).flatMap(([name, schema]) =>
          Object.hasOwn(value, name) ? faultsOf(schema, value[name] as Json, `${at}/${name}`) : [],
        )
      : [],
  additionalProperties: (rule: boolean | Schema, value, { properties = {} }, at) => {
    if (!isObject(value) || rule === true) return [];
    const others = Object.entries(value).filter(([name]) => !Object.hasOwn(properties, name));
    if (rule === false) return says(others.length > 0, at, 'has an unknown field');
    return others.flatMap(([, each]) => faultsOf(rule, each, `${at}/*`));
  },
  propertyNames: (rule: Schema, value, _, at) =>
    isObject(value) ? Object.keys(value).flatMap((name) => faultsOf(rule, name, `${at}/(a name)`)) : [],
};

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  password: () => true,
  'date-time': (text) => !Number.isNaN(Date.parse(text)),
};
