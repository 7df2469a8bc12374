import { openapi } from '../../functions/wire/openapi.ts';
import type { Operation } from '../../functions/wire/operations.ts';
import type { Json, Schema } from './json-schema.ts';

/** The OpenAPI document as a client of it reads it: nothing here knows the operations or zod. */

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
}

export interface Response {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly schema: Schema }>>;
  readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: Json }>>;
}

/** One operation of the document. */
export interface Described {
  readonly id: Operation;
  readonly method: string;
  /** Below the stage, with `{name}` or `{id}` in it. */
  readonly path: string;
  readonly admin: boolean;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly required: boolean; readonly schema: Schema; readonly example: Json };
  /** By status. */
  readonly responses: Readonly<Record<string, Response>>;
}

interface RawOperation {
  readonly operationId: Operation;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example: Json }>>;
  };
  readonly responses: Readonly<Record<string, unknown>>;
}

const document = openapi() as {
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, unknown>> };
};

/** What stands before every path. */
export const SERVER_PATH = document.servers[0]?.url ?? '';

export const OPERATIONS: readonly Described[] = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, raw]) => describedOf(path, method.toUpperCase(), raw)),
);

/** How a request is answered that belongs to no operation: by status. */
export const PROBLEM_RESPONSES = resolvedAll(document.components.responses);

export function operationOf(id: Operation): Described {
  const found = OPERATIONS.find((operation) => operation.id === id);
  if (found === undefined) throw new Error(`the document has no ${id}`);
  return found;
}

function describedOf(path: string, method: string, raw: RawOperation): Described {
  const content = raw.requestBody?.content['application/json'];
  return {
    id: raw.operationId,
    method,
    path,
    admin: raw.tags.includes('admin'),
    parameters: raw.parameters ?? [],
    ...(raw.requestBody !== undefined &&
      content !== undefined && { body: { ...content, required: raw.requestBody.required } }),
    responses: resolvedAll(raw.responses),
  };
}

function resolvedAll(responses: Readonly<Record<string, unknown>>): Record<string, Response> {
  return Object.fromEntries(Object.entries(responses).map(([status, each]) => [status, resolved(each) as Response]));
}

/** The same with every `$ref` replaced by what it names. */
function resolved(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(resolved);
  if (typeof node !== 'object' || node === null) return node;
  const { $ref } = node as { $ref?: string };
  if ($ref === undefined) return Object.fromEntries(Object.entries(node).map(([name, each]) => [name, resolved(each)]));
  const steps = $ref.replace(/^#\//, '').split('/');
  return resolved(steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], document));
}
