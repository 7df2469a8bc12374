import * as fc from 'fast-check';
import { type Beyond, beyondBounds } from './bounds.ts';
import { type Described, OPERATIONS, operationOf, type Parameter } from './document.ts';
import { type Encoding, type Fault, faultIn, PLACES } from './faults.ts';
import { conforms, type Json } from './json-schema.ts';
import { type Call, callOf, wireOf } from './requests.ts';
import type { Wire } from './wire.ts';

/** A request that no reader of the document would send. */
export interface Malformed {
  readonly call: Call;
  readonly faults: readonly Fault[];
}

export const malformed: fc.Arbitrary<Malformed> = fc
  .oneof(
    ...OPERATIONS.map((operation) => ({
      // Bodies can be wrong in more ways.
      weight: operation.body === undefined ? 1 : 4,
      arbitrary: fc.record(
        {
          call: callOf(operation),
          // Two of one kind may undo each other.
          faults: fc.uniqueArray(faultIn(operation), { minLength: 1, maxLength: 3, selector: (fault) => fault.in }),
        },
        { noNullPrototype: true },
      ),
    })),
  )
  .filter((each) => spoiled(each).took.length > 0);

/** A malformed request as it goes over the wire, and which of its faults made it wrong: some find nothing to spoil. */
export function spoiled({ call, faults }: Malformed): { readonly wire: Wire; readonly took: readonly Fault[] } {
  const operation = operationOf(call.operation);
  const inOrder = [...faults].sort((one, other) => PLACES.indexOf(one.in) - PLACES.indexOf(other.in));
  const took: Fault[] = [];
  const body = inOrder.reduce((value, fault) => withFault(operation, value, fault), call.body);
  if (body !== call.body && !(operation.body !== undefined && conforms(operation.body.schema, body ?? {}))) {
    took.push(...inOrder.filter(isInValue));
  }
  let wire = wireOf(body === undefined ? call : { ...call, body });
  for (const fault of inOrder) {
    const next = isInValue(fault) ? undefined : withWireFault(wire, fault, operation);
    if (next === undefined) continue;
    took.push(fault);
    wire = next;
  }
  return { wire, took };
}

type InValue = Extract<Fault, { in: 'value' | 'bound' | 'missing field' | 'unknown field' }>;

export function isInValue(fault: Fault): fault is InValue {
  return ['value', 'bound', 'missing field', 'unknown field'].includes(fault.in);
}

type Path = readonly (string | number)[];

/** Every place in a value, itself first. */
function placesIn(value: Json | undefined, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([name, each]) =>
      placesIn(each, [...at, Array.isArray(value) ? Number(name) : name]),
    ),
  ];
}

function at(value: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((inner, step) => (inner as Record<string, Json>)[step], value);
}

function isFields(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function chosen<T>(all: readonly T[], number: number): T | undefined {
  return all[number % all.length];
}

/** Where a fault in a value lies; undefined where there is no such place. */
export function placeOf(operation: Described, body: Json | undefined, fault: InValue): Path | undefined {
  if (fault.in === 'bound') return beyond(operation, body, fault.at)?.path;
  const places = placesIn(body);
  if (fault.in === 'value') return chosen(places, fault.at);
  const objects = places.filter((each) => isFields(at(body, each)));
  if (fault.in === 'unknown field') return chosen(objects, fault.at);
  return chosen(
    places.filter((each) => each.length > 0 && isFields(at(body, each.slice(0, -1)))),
    fault.at,
  );
}

function beyond({ body: described }: Described, body: Json | undefined, number: number): Beyond | undefined {
  return described === undefined ? undefined : chosen(beyondBounds(described.schema, body), number);
}

function withFault(operation: Described, body: Json | undefined, fault: Fault): Json | undefined {
  if (!isInValue(fault) || body === undefined) return body;
  const path = placeOf(operation, body, fault);
  if (path === undefined) return body;
  switch (fault.in) {
    case 'value':
      return replaced(body, path, () => fault.value);
    case 'bound':
      return replaced(body, path, () => beyond(operation, body, fault.at)?.value ?? null);
    case 'missing field':
      return replaced(body, path.slice(0, -1), (fields) => {
        const { [path.at(-1) as string]: _, ...others } = fields as Record<string, Json>;
        return others;
      });
    case 'unknown field':
      // An entry of its own, whatever the name: `__proto__` too.
      return replaced(body, path, (fields) =>
        Object.fromEntries([...Object.entries(fields as object), [fault.name, fault.value]]),
      );
  }
}

function replaced(value: Json, [step, ...rest]: Path, change: (inner: Json) => Json): Json {
  if (step === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((each: Json, index) => (index === step ? replaced(each, rest, change) : each));
  const fields = value as Record<string, Json>;
  if (!Object.hasOwn(fields, step)) return { ...fields, [step]: change(null) };
  const entries = Object.entries(fields);
  return Object.fromEntries(entries.map(([name, each]) => [name, name === step ? replaced(each, rest, change) : each]));
}

/** Undefined when the request has nothing that the fault could spoil. */
function withWireFault(wire: Wire, fault: Fault, operation: Described): Wire | undefined {
  switch (fault.in) {
    case 'event':
      return { ...wire, event: fault.event };
    case 'request context':
      return { ...wire, context: fault.context };
    case 'caller':
      return { ...wire, userArn: fault.userArn };
    case 'method':
      return { ...wire, method: fault.text };
    case 'path':
      return { ...wire, path: spliced(wire.path, 1 + (fault.at % wire.path.length), fault.text) };
    case 'name':
      return withName(wire, operation, fault.text);
    case 'parameter value':
    case 'unknown parameter':
    case 'repeated parameter':
      return withQueryFault(wire, fault, operation);
    case 'header value':
    case 'repeated header':
      return withHeaderFault(wire, fault, operation);
    default:
      return wire.body === null && fault.in !== 'body where none is' ? undefined : withTextFault(wire, fault);
  }
}

function spliced(text: string, at: number, more: string): string {
  return `${text.slice(0, at)}${more}${text.slice(at)}`;
}

/** What stands in the path in place of the name or id; with the other's form it is no name and no id either. */
function withName(wire: Wire, { path, parameters }: Described, text: string): Wire | undefined {
  const parameter = parameters.find((each) => each.in === 'path');
  if (parameter === undefined || conforms(parameter.schema, text)) return undefined;
  return { ...wire, path: `/v1${path.replace(/\{\w+\}/, text)}` };
}

function withQueryFault(
  wire: Wire,
  fault: Extract<Fault, { in: 'parameter value' | 'unknown parameter' | 'repeated parameter' }>,
  { parameters }: Described,
): Wire | undefined {
  const known = parameters.filter((each) => each.in === 'query');
  if (fault.in === 'unknown parameter') {
    if (known.some(({ name }) => name === fault.name)) return undefined;
    return { ...wire, query: Object.fromEntries([...Object.entries(wire.query), [fault.name, [fault.text]]]) };
  }
  const parameter = chosen(known, fault.at);
  if (parameter === undefined) return undefined;
  const { name } = parameter;
  if (fault.in === 'repeated parameter') {
    return { ...wire, query: { ...wire.query, [name]: [...(wire.query[name] ?? ['1']), ...fault.values] } };
  }
  return takes(parameter, fault.text) ? undefined : { ...wire, query: { ...wire.query, [name]: [fault.text] } };
}

function takes({ schema }: Parameter, text: string): boolean {
  return conforms(schema, schema.type === 'integer' && /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : text);
}

function withHeaderFault(
  wire: Wire,
  fault: Extract<Fault, { in: 'header value' | 'repeated header' }>,
  { parameters }: Described,
): Wire | undefined {
  const parameter = chosen(
    parameters.filter((each) => each.in === 'header'),
    fault.at,
  );
  if (parameter === undefined) return undefined;
  const { name } = parameter;
  const others = wire.headers.filter(([other]) => other !== name);
  const [, value = 'one'] = wire.headers.find(([other]) => other === name) ?? [];
  if (fault.in === 'repeated header')
    return { ...wire, headers: [...others, [name, value], [name.toUpperCase(), value]] };
  return takes(parameter, fault.text) ? undefined : { ...wire, headers: [...others, [name, fault.text]] };
}

function withTextFault(wire: Wire, fault: Fault): Wire | undefined {
  const text = wire.body ?? '';
  switch (fault.in) {
    case 'field given twice':
      return withRepeatedField(wire, text, fault.at, fault.escaped);
    case 'cut text':
      return text.length < 2 ? undefined : { ...wire, body: text.slice(0, 1 + (fault.at % (text.length - 1))) };
    case 'text':
      return { ...wire, body: fault.text };
    case 'added text':
      return withAddedText(wire, spliced(text, fault.at % (text.length + 1), fault.text));
    case 'depth':
      return { ...wire, body: `{"tags":${fault.open.repeat(fault.levels)}1${fault.close.repeat(fault.levels)}}` };
    case 'size':
      return {
        ...wire,
        body: /\s/.test(fault.text)
          ? text + fault.text.repeat(fault.times)
          : `{"reason":"${fault.text.repeat(fault.times)}"}`,
      };
    case 'encoding':
      return { ...wire, ...encoded(text, fault.how) };
    case 'content type':
      return {
        ...wire,
        headers: [
          ...wire.headers.filter(([name]) => name !== 'Content-Type'),
          ...fault.types.map((type, index) => [index === 0 ? 'Content-Type' : 'content-type', type] as const),
        ],
      };
    case 'body where none is':
      return { ...wire, body: fault.text };
    default:
      throw new Error(`${fault.in} is no fault of a text`);
  }
}

/** What happens to be JSON with the text added is another body, and not surely a wrong one. */
function withAddedText(wire: Wire, body: string): Wire | undefined {
  try {
    JSON.parse(body);
    return undefined;
  } catch {
    return { ...wire, body };
  }
}

/** A quote is escaped within a text, so that `{"` only ever begins an object. */
function withRepeatedField(wire: Wire, text: string, number: number, escaped: boolean): Wire | undefined {
  const object = chosen([...text.matchAll(/\{("(?:[^"\\]|\\.)*"):/g)], number);
  if (object === undefined) return undefined;
  const [, name = ''] = object;
  const code = `\\u${name.charCodeAt(1).toString(16).padStart(4, '0')}`;
  const written = escaped && /^"\w/.test(name) ? `"${code}${name.slice(2)}` : name;
  return { ...wire, body: spliced(text, object.index + 1, `${written}:null,`) };
}

function encoded(text: string, how: Encoding): Pick<Wire, 'body' | 'isBase64Encoded'> {
  const base64 = (bytes: Buffer) => ({ body: bytes.toString('base64'), isBase64Encoded: true });
  const bytes = Buffer.from(text);
  const after = (more: readonly number[]) =>
    base64(Buffer.concat([bytes.subarray(0, -1), Buffer.from(',"reason":"'), Buffer.from(more), Buffer.from('"}')]));
  switch (how) {
    case 'flag':
      return { body: text, isBase64Encoded: true };
    case 'no flag':
      return { body: bytes.toString('base64'), isBase64Encoded: false };
    case 'url-safe':
      return { body: `${bytes.toString('base64url')}-_`, isBase64Encoded: true };
    case 'latin-1':
      return after([0xe4]);
    case 'utf-16':
      return base64(Buffer.from(text, 'utf16le'));
    case 'cut character':
      return after([0xf0, 0x9f, 0x98]);
    case 'overlong':
      return after([0xc0, 0xaf]);
    case 'mark':
      return base64(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]));
  }
}
