import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openapi } from '../functions/wire/openapi.ts';
import { ALL_OPERATIONS } from '../functions/wire/operations.ts';
import { STAGE } from '../functions/wire/route.ts';
import { errorDocs } from './error-docs.ts';
import { type Recorded, recordApi } from './recording/recorded-api.ts';
import { statedExample } from './recording/stated-example.ts';
import { redactor } from './redaction.ts';
import { routesFile } from './routes-file.ts';

/** A JSON Schema, as far as the page reads it. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
}

interface Operated {
  readonly operationId: string;
  readonly parameters?: readonly { name: string; in: string; description?: string; schema: Schema }[];
  readonly requestBody?: { content: { 'application/json': { schema: Schema } } };
  readonly responses: Readonly<
    Record<string, { $ref?: string; description?: string; content?: { 'application/json': { schema: Schema } } }>
  >;
}

/** The operations that show all there is of a lease and of a target: their answers' members are explained once, there. */
const EXPLAINED: readonly string[] = ['getAnyLease', 'getTarget'];

const HEAD = `# The API

Generated from the route table and from a recorded run; \`npm run docs\` writes it anew. All paths begin with \`/${STAGE}\`. Every
request is signed with AWS Signature Version 4 for service \`execute-api\`. Bodies are JSON of at most 16 KiB; unknown fields are
refused. What can go wrong, and what to do then, is in [errors.md](errors.md); \`GET /${STAGE}/openapi.json\` is the same contract
for programs. Every answer has \`x-request-id\`. Answers of PUT and GET of one target or secret have an \`ETag\`, which \`If-Match\`
takes.

In the examples ids, tokens and times are replaced.
`;

/**
 * The page of the API: each route with what it takes, what it answers, and examples. They are recorded from the embedded edition;
 * an operation that the recorded run does not use shows the example that it states.
 */
export async function apiDocs(): Promise<string> {
  const { startedAtMs, recorded } = await recordApi();
  const redact = redactor(startedAtMs);
  const document = openapi() as { paths: Record<string, Record<string, Operated>> };
  const operations = new Map(
    Object.values(document.paths).flatMap((item) => Object.values(item).map((each) => [each.operationId, each])),
  );
  // In the order in which they were recorded, so that the first example has the first id.
  const examples = Map.groupBy(
    recorded.map((each) => ({ ...each, text: redact(exampleOf(each)) })),
    ({ operation }) => operation,
  );
  const sections = ALL_OPERATIONS.map((route) => {
    const operation = operations.get(route.operation);
    if (operation === undefined) throw new Error(`${route.operation} is not in the OpenAPI document`);
    const recordings = examples.get(route.operation)?.map(({ text }) => text);
    const texts = recordings ?? [exampleOf({ operation: route.operation, exchange: statedExample(route) })];
    return [`## \`${route.method} /${STAGE}${route.path}\``, route.summary, ...factsOf(operation), ...texts].join(
      '\n\n',
    );
  });
  return `${[HEAD.trim(), contents(), ...sections].join('\n\n')}\n`;
}

function contents(): string {
  const rows = ALL_OPERATIONS.map(
    ({ method, path, who, summary }) => `| \`${method} ${path}\` | ${who} | ${summary} |`,
  );
  return ['| route | for | does |', '| --- | --- | --- |', ...rows].join('\n');
}

function factsOf({ operationId, parameters = [], requestBody, responses }: Operated): string[] {
  const body = requestBody?.content['application/json'].schema;
  const inputs = [
    ...parameters.filter((each) => each.in !== 'path').map((each) => row(each.name, each.in, false, each)),
    ...Object.entries(body?.properties ?? {}).map(([name, schema]) =>
      row(name, 'body', body?.required?.includes(name) === true, { schema }),
    ),
  ];
  const answers = Object.entries(responses).flatMap(([status, { $ref, description }]) =>
    $ref === undefined ? [`\`${status}\` ${description}`] : [],
  );
  const problems = Object.entries(responses).flatMap(([status, { $ref }]) =>
    $ref === undefined ? [] : `\`${status}\``,
  );
  return [
    ...(inputs.length === 0 ? [] : [['| takes | in | form | |', '| --- | --- | --- | --- |', ...inputs].join('\n')]),
    `Answers ${answers.join(' ')} Problems: ${problems.join(', ')}.`,
    ...(EXPLAINED.includes(operationId) ? [membersOf(responses['200']?.content?.['application/json'].schema)] : []),
  ];
}

/** The members of an answer that need a word. */
function membersOf(schema: Schema | undefined): string {
  const rows = describedIn(schema ?? {}).map(([path, text]) => `| \`${path}\` | ${text} |`);
  return ['| in the answer | means |', '| --- | --- |', ...rows].join('\n');
}

function describedIn(schema: Schema, path = ''): (readonly [path: string, description: string])[] {
  const own = schema.description === undefined || path === '' ? [] : [[path, schema.description] as const];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, each]) =>
    describedIn(each, path === '' ? name : `${path}.${name}`),
  );
  return [...own, ...inner, ...(schema.anyOf ?? schema.oneOf ?? []).flatMap((each) => describedIn(each, path))];
}

function row(
  name: string,
  place: string,
  required: boolean,
  { description, schema }: { readonly description?: string; readonly schema: Schema },
): string {
  const notes = [...(required ? ['Required.'] : []), description ?? schema.description ?? ''].join(' ').trim();
  return `| \`${name}\` | ${place} | ${formOf(schema)} | ${notes} |`;
}

/** The form of a value in a few words; its exact bounds are in the OpenAPI document. */
function formOf(schema: Schema): string {
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(formOf))].join(' or ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.type === 'array') return `list of ${formOf(schema.items ?? {})}`;
  if (schema.type === 'integer' && schema.minimum !== undefined) return `${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'object' && schema.properties !== undefined) {
    return `object of ${Object.keys(schema.properties)
      .map((name) => `\`${name}\``)
      .join(', ')}`;
  }
  return { string: 'text', boolean: 'true or false', object: 'object' }[schema.type ?? ''] ?? 'any';
}

function exampleOf({ operation, title, exchange }: Recorded): string {
  const { method, path, headers, body, status, answerHeaders, answer } = exchange;
  const sent = [
    `${method} ${path}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['', JSON.stringify(body, null, 2)]),
  ];
  const got = [
    String(status),
    ...['etag', 'retry-after'].flatMap((name) => (name in answerHeaders ? `${name}: ${answerHeaders[name]}` : [])),
    '',
    operation === 'getOpenapi' ? abridged(answer) : JSON.stringify(answer, null, 2),
  ];
  const heading = title === undefined ? [] : [`Example, ${title}:`, ''];
  return [...heading, '```http', ...sent, '```', '', '```http', ...got, '```'].join('\n');
}

/** The whole of it would be longer than this page. */
function abridged(answer: unknown): string {
  const { openapi: version, info } = answer as { openapi: string; info: unknown };
  return JSON.stringify({ openapi: version, info, paths: {}, components: {} }, null, 2);
}

/** What `npm run docs` writes, by paths from the project's root. */
export const PAGES: Readonly<Record<string, () => Promise<string>>> = {
  'docs/api.md': apiDocs,
  'docs/errors.md': async () => errorDocs(),
  'functions/wire/routes.ts': async () => routesFile(),
};

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  for (const [path, make] of Object.entries(PAGES)) await writeFile(join(root, path), await make());
}
