import type * as z from 'zod';
import { ALL_LEASE_OPERATIONS } from './operations/all-leases.ts';
import { LEASE_OPERATIONS } from './operations/leases.ts';
import type { OperationDefinition } from './operations/operation.ts';
import { SECRET_OPERATIONS } from './operations/secrets.ts';
import { SERVICE_OPERATIONS } from './operations/service.ts';
import { TARGET_OPERATIONS } from './operations/targets.ts';
import type { Route } from './route.ts';

/** Every operation of the API, in the order in which OpenAPI and the docs show them. */
export const OPERATIONS = {
  ...LEASE_OPERATIONS,
  ...SERVICE_OPERATIONS,
  ...TARGET_OPERATIONS,
  ...SECRET_OPERATIONS,
  ...ALL_LEASE_OPERATIONS,
};

type Operations = typeof OPERATIONS;

/** Name of an operation. */
export type Operation = keyof Operations;

/** The operations that one function answers. */
export type OperationOf<Fn extends Route['function']> = {
  [Op in Operation]: Operations[Op]['function'] extends Fn ? Op : never;
}[Operation];

type SchemaIn<Part> = Part extends { readonly schema: infer S extends z.ZodType } ? z.output<S> : never;

/** A status and body that the contract of `Op` has. */
export type AnswerOf<Op extends Operation> = {
  [Status in keyof Operations[Op]['answers']]: {
    readonly status: Status;
    readonly body: SchemaIn<Operations[Op]['answers'][Status]>;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[keyof Operations[Op]['answers']];

type ParameterIn<Path> = Path extends `${string}{${infer P}+}`
  ? P
  : Path extends `${string}{${infer P}}${string}`
    ? P
    : never;
type HeadersOf<Op extends Operation> = Operations[Op] extends { readonly headers: infer H } ? keyof H & string : never;

/** The parts of a request to `Op`, each checked by its schema. */
export interface RequestParts<Op extends Operation> {
  readonly path: Readonly<Record<ParameterIn<Operations[Op]['path']>, string>>;
  readonly query: z.output<Operations[Op]['query']>;
  readonly body: Operations[Op] extends { readonly body: infer B } ? SchemaIn<B> : undefined;
  /** Those that the operation takes, named in lower case. */
  readonly headers: Readonly<Partial<Record<HeadersOf<Op>, string>>>;
}

/** An operation with its name. */
export interface NamedOperation extends OperationDefinition {
  readonly operation: Operation;
}

/** The same operations as a list. */
export const ALL_OPERATIONS: readonly NamedOperation[] = Object.entries(OPERATIONS).map(([operation, definition]) => ({
  operation: operation as Operation,
  ...definition,
}));
