import * as z from 'zod';
import type { Body, Header } from './operations/operation.ts';
import { ALL_OPERATIONS, type NamedOperation } from './operations.ts';
import { parameterIn, pathParameter } from './path-parameters.ts';
import { PROBLEM_CONTENT_TYPE, Problem } from './problem.ts';
import { COMMON_PROBLEMS, PROBLEM_TEXT } from './problem-statuses.ts';
import { STAGE } from './route.ts';

type Json = Record<string, unknown>;

const SIGNATURE_TEXT =
  'AWS Signature Version 4, service `execute-api`. Any AWS SDK or `curl --aws-sigv4` makes it from IAM credentials.';

let made: Json | undefined;

/** The API as an OpenAPI 3.1 document, made from its operations when first asked for. */
export function openapi(): Json {
  made ??= makeOpenapi();
  return made;
}

function makeOpenapi(): Json {
  return {
    openapi: '3.1.1',
    info: {
      title: 'hublease',
      version: STAGE,
      summary: 'Just-in-time Docker Hub tokens, leased from your own AWS account.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `/${STAGE}` }],
    security: [{ sigv4: [] }],
    tags: [
      { name: 'caller', description: 'For those who lease tokens.' },
      { name: 'admin', description: 'For those who run hublease.' },
    ],
    paths: paths(),
    components: {
      schemas: { Problem: schemaOf(Problem, 'output') },
      responses: Object.fromEntries(
        Object.entries(PROBLEM_TEXT).map(([status, text]) => [status, problem(status, text)]),
      ),
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: SIGNATURE_TEXT,
          'x-amazon-apigateway-authtype': 'awsSigv4',
        },
      },
    },
  };
}

function paths(): Json {
  const items: Record<string, Json> = {};
  for (const operation of ALL_OPERATIONS) {
    // OpenAPI has no notation for "the rest of the path": the parameter's own description says so.
    const path = operation.path.replace('+}', '}');
    items[path] = { ...items[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  return items;
}

function describe(operation: NamedOperation): Json {
  const parameters = [
    ...pathParameters(operation.path),
    ...queryParameters(operation.query),
    ...headerParameters(operation.headers ?? {}),
  ];
  return {
    operationId: operation.operation,
    summary: operation.summary,
    tags: [operation.who],
    ...(parameters.length > 0 && { parameters }),
    ...(operation.body !== undefined && { requestBody: requestBody(operation.body) }),
    responses: responses(operation),
  };
}

function pathParameters(path: string): Json[] {
  const name = parameterIn(path);
  if (name === undefined) return [];
  const { description, schema } = pathParameter(name);
  return [{ name, in: 'path', required: true, description, schema: schemaOf(schema, 'input') }];
}

function queryParameters(query: z.ZodType): Json[] {
  const { properties = {} } = schemaOf(query, 'input') as { properties?: Record<string, unknown> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

function headerParameters(headers: Readonly<Record<string, Header>>): Json[] {
  return Object.entries(headers).map(([name, { description, schema }]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: schemaOf(schema, 'input'),
  }));
}

function requestBody({ schema, example }: Body): Json {
  // Where every field is optional, so is the body.
  const required = !schema.safeParse({}).success;
  return { required, content: { 'application/json': { schema: schemaOf(schema, 'input'), example } } };
}

function responses({ answers, problems, hasEtag }: NamedOperation): Json {
  const headers = { ...always(REQUEST_ID), ...(hasEtag && always(ETAG)) };
  const good = Object.entries(answers).map(([status, { schema, description, example }]) => {
    const content = { schema: schemaOf(schema, 'output'), example };
    return [status, { description, headers, content: { 'application/json': content } }];
  });
  const statuses = [...COMMON_PROBLEMS, ...problems].sort((a, b) => a - b);
  const bad = statuses.map((status) => [status, { $ref: `#/components/responses/${status}` }]);
  return Object.fromEntries([...good, ...bad]);
}

const REQUEST_ID = { 'x-request-id': { description: 'Finds the request in the logs.', schema: { type: 'string' } } };
const ALLOW = { allow: { description: 'The methods of the path.', schema: { type: 'string' } } };
const ETAG = {
  etag: { description: 'The version, for `If-Match`.', schema: { type: 'string', pattern: '^"[1-9]\\d{0,14}"$' } },
};

/** Headers that every such answer has. Of a problem that is not so: API Gateway refuses some requests itself. */
function always(headers: Readonly<Record<string, Json>>): Json {
  return Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, { ...header, required: true }]));
}

function problem(status: string, description: string): Json {
  // A conflict may last, or pass by itself; what is throttled or out of order always passes.
  const required = status === '429' || status === '503';
  const retry = {
    'retry-after': { description: 'Seconds to wait.', required, schema: { type: 'integer', minimum: 1 } },
  };
  return {
    description,
    headers: { ...REQUEST_ID, ...((required || status === '409') && retry), ...(status === '405' && always(ALLOW)) },
    content: { [PROBLEM_CONTENT_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

/** OpenAPI 3.1 takes JSON Schema 2020-12 as it is; `$schema` belongs to whole documents only. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io });
  return json;
}
