import * as z from 'zod';
import { ANSWERS } from './answers.ts';
import { EXAMPLES } from './examples.ts';
import { LeaseId, Name } from './fields.ts';
import { PROBLEM_CONTENT_TYPE, Problem } from './problem.ts';
import { REQUESTS } from './requests.ts';
import { type Operation, ROUTES, type Route, STAGE } from './routes.ts';

type Json = Record<string, unknown>;

/** What each kind of refusal means; the codes are in the problem itself. */
const PROBLEM_TEXT = {
  400: 'The request is not valid; `field` names what is wrong.',
  403: 'The signature, the permission or the allow list does not admit the caller.',
  404: "There is no such thing, or it is not the caller's.",
  405: 'The path does not have this method; `Allow` names those that it has.',
  408: 'The request did not arrive in time.',
  409: 'The state of the thing does not allow it now.',
  412: 'It is not the version that `If-Match` names.',
  413: 'The body is too large: it may have 16 KiB.',
  422: 'Well-formed, but more than is allowed.',
  429: 'A quota or a rate is used up; `Retry-After` says when to come again.',
  431: 'The headers are too many or too large.',
  500: 'hublease failed.',
  502: 'Docker Hub refused.',
  503: 'Try again after the time in `Retry-After`.',
} as const;

type ProblemStatus = keyof typeof PROBLEM_TEXT;

/**
 * Any route. The 408, 413 and 431 are of the doors: API Gateway, and the embedded edition's own. API Gateway limits the rate of
 * every route, and hublease that of each caller, so 429 can come from all.
 */
const ALWAYS: readonly ProblemStatus[] = [400, 403, 408, 413, 429, 431, 500, 503];

const PROBLEMS: Readonly<Record<Operation, readonly ProblemStatus[]>> = {
  mintLease: [404, 409, 422, 502],
  listLeases: [],
  getLease: [404],
  revokeLease: [404],
  renewLease: [404, 409, 422],
  whoami: [],
  getOpenapi: [],
  listTargets: [],
  putTarget: [409, 412, 422, 502],
  getTarget: [404],
  deleteTarget: [404, 409],
  actOnTarget: [404, 409, 502],
  listSecrets: [],
  putSecret: [404, 409, 412, 422, 502],
  getSecret: [404],
  deleteSecret: [404, 409],
  listAllLeases: [],
  getAnyLease: [404],
  revokeAnyLease: [404, 409],
  revokeMatching: [],
};

const SIGNATURE_TEXT =
  'AWS Signature Version 4, service `execute-api`. Any AWS SDK or `curl --aws-sigv4` makes it from IAM credentials.';

let made: Json | undefined;

/** The API as an OpenAPI 3.1 document, made from the route table and the schemas when first asked for. */
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
  for (const route of ROUTES) {
    // OpenAPI has no notation for "the rest of the path": the parameter's own description says so.
    const path = route.path.replace('+}', '}');
    items[path] = { ...items[path], [route.method.toLowerCase()]: operation(route, route.operation) };
  }
  return items;
}

function operation(route: Route, id: Operation): Json {
  const request: { query: z.ZodType; body?: z.ZodType; headers?: Readonly<Record<string, z.ZodType>> } = REQUESTS[id];
  const parameters = [
    ...pathParameters(route.path),
    ...queryParameters(request.query),
    ...headerParameters(request.headers ?? {}),
  ];
  return {
    operationId: id,
    summary: route.summary,
    tags: [route.who],
    ...(parameters.length > 0 && { parameters }),
    ...(request.body !== undefined && { requestBody: requestBody(request.body, EXAMPLES[id].body) }),
    responses: responses(id),
  };
}

function pathParameters(path: string): Json[] {
  if (path.includes('{id}')) {
    return [{ name: 'id', in: 'path', required: true, description: 'Lease id.', schema: schemaOf(LeaseId, 'input') }];
  }
  if (!path.endsWith('{name+}')) return [];
  const description =
    'Up to four segments joined by "/". The slashes are part of the path: send them as they are, never percent-encoded.';
  return [{ name: 'name', in: 'path', required: true, description, schema: schemaOf(Name, 'input') }];
}

function queryParameters(query: z.ZodType): Json[] {
  const { properties = {} } = schemaOf(query, 'input') as { properties?: Record<string, unknown> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

const HEADER_TEXT: Readonly<Record<string, string>> = {
  'idempotency-key':
    'Makes the request safe to repeat: what an earlier one with the same key got is provably revoked before a new token is made.',
  'if-match': 'Changes only the version that an ETag names; `*` only what exists.',
};

function headerParameters(headers: Readonly<Record<string, z.ZodType>>): Json[] {
  return Object.entries(headers).map(([name, schema]) => ({
    name,
    in: 'header',
    required: false,
    description: HEADER_TEXT[name],
    schema: schemaOf(schema, 'input'),
  }));
}

function requestBody(body: z.ZodType, example: unknown): Json {
  // Where every field is optional, so is the body.
  const required = !body.safeParse({}).success;
  return { required, content: { 'application/json': { schema: schemaOf(body, 'input'), example } } };
}

function responses(id: Operation): Json {
  const answers: Record<string, { schema: z.ZodType; description: string }> = ANSWERS[id];
  const good = Object.entries(answers).map(([status, { schema, description }]) => {
    const content = { schema: schemaOf(schema, 'output'), example: EXAMPLES[id].answers[Number(status)] };
    const headers = { ...always(REQUEST_ID), ...(VERSIONED.includes(id) && always(ETAG)) };
    return [status, { description, headers, content: { 'application/json': content } }];
  });
  const statuses = [...ALWAYS, ...PROBLEMS[id]].sort((a, b) => a - b);
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

const VERSIONED: readonly Operation[] = ['putTarget', 'getTarget', 'actOnTarget', 'putSecret', 'getSecret'];

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
