import * as z from 'zod';
import { IdempotencyKey, IfMatch } from '../fields.ts';
import type { ProblemStatus } from '../problem-statuses.ts';
import type { Route } from '../route.ts';

/**
 * All that the API says of one operation. API Gateway, the embedded front door, validation, the client, OpenAPI and the docs are
 * made from it; its handler is required by the compiler.
 */
export interface OperationDefinition extends Omit<Route, 'operation'> {
  readonly summary: string;
  /** Which field of the log has the path's parameter. Given exactly where the path has one. */
  readonly parameterIs?: 'leaseId' | 'secret' | 'target';
  readonly query: z.ZodType;
  /** By their names in lower case. Each may be left out of a request. */
  readonly headers?: Readonly<Record<string, Header>>;
  /** Absent where a request has none. */
  readonly body?: Body;
  /** Every successful answer by its status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Problems besides those of every operation. */
  readonly problems: readonly ProblemStatus[];
  /** Answers have the version of what they show as an `ETag`. */
  readonly hasEtag?: true;
}

export interface Header<S extends z.ZodType<string> = z.ZodType<string>> {
  readonly schema: S;
  readonly description: string;
}

export interface Body<S extends z.ZodType = z.ZodType> {
  readonly schema: S;
  readonly example: unknown;
}

export interface Answer<S extends z.ZodType = z.ZodType> {
  readonly schema: S;
  readonly description: string;
  readonly example: unknown;
}

/** A request's body. The tests check the example against the schema. */
export function body<S extends z.ZodType>(schema: S, example: unknown): Body<S> {
  return { schema, example };
}

/** A successful answer. The tests check the example against the schema. */
export function answer<S extends z.ZodType>(schema: S, description: string, example: unknown): Answer<S> {
  return { schema, description, example };
}

/** What an answer's description says of the member that only the bundled fake's answers have. */
export function inFake(member: string): string {
  return `\`${member}\` is \`true\` where Docker Hub is the fake that the embedded edition brings, and absent elsewhere.`;
}

/** The query of an operation that takes none. */
export const NO_QUERY = z.strictObject({});

export const IDEMPOTENCY_KEY: Header<typeof IdempotencyKey> = {
  schema: IdempotencyKey,
  description:
    'Makes the request safe to repeat: what an earlier one with the same key got is provably revoked before a new token is made.',
};

export const IF_MATCH: Header<typeof IfMatch> = {
  schema: IfMatch,
  description: 'Changes only the version that an ETag names; `*` only what exists.',
};
