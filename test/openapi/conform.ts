import type { APIGatewayProxyResult } from 'aws-lambda';
import { type Described, PROBLEM_RESPONSES } from './document.ts';
import { faultsOf, type Json, type Schema } from './json-schema.ts';

/** Besides those that the document names. */
const UNNAMED_HEADERS = ['content-type', 'cache-control', 'x-content-type-options'];

const PROBLEM_TYPE = 'application/problem+json';

/**
 * What an answer has otherwise than the document says; empty when it conforms.
 *
 * @param operation absent for a request that belongs to none.
 */
export function answerFaults(operation: Described | undefined, result: APIGatewayProxyResult): string[] {
  const { statusCode, body } = result;
  if (statusCode >= 500) return [`a ${statusCode}: ${body}`];
  const response = (operation?.responses ?? PROBLEM_RESPONSES)[String(statusCode)];
  if (response === undefined) return [`an undocumented ${statusCode}: ${body}`];
  const headers = headersOf(result);
  const content = response.content[headers['content-type'] ?? ''];
  if (content === undefined) return [`an undocumented content type`];
  const value = JSON.parse(body) as Json;
  return [
    ...headerFaults(response.headers ?? {}, headers),
    ...faultsOf(content.schema, value).map((fault) => `its body: ${fault}`),
    ...(headers['content-type'] === PROBLEM_TYPE ? problemFaults(value as unknown as ProblemBody, result) : []),
  ];
}

function headersOf({ headers = {}, multiValueHeaders }: APIGatewayProxyResult): Record<string, string> {
  if (multiValueHeaders !== undefined) throw new Error('an answer has headers with several values');
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function headerFaults(
  named: Readonly<Record<string, { readonly required?: boolean; readonly schema: Schema }>>,
  headers: Readonly<Record<string, string>>,
): string[] {
  const known = [...Object.keys(named), ...UNNAMED_HEADERS];
  return [
    ...(headers['cache-control'] === 'no-store' ? [] : ['it may be cached']),
    ...Object.keys(headers).flatMap((name) => (known.includes(name) ? [] : [`an undocumented header ${name}`])),
    ...Object.entries(named).flatMap(([name, { required = false, schema }]) => {
      const value = headers[name];
      if (value === undefined) return required ? [`no header ${name}`] : [];
      const read = schema.type === 'integer' ? numberOf(value) : value;
      return faultsOf(schema, read).map((fault) => `its header ${name}: ${fault}`);
    }),
  ];
}

/** A whole number as it is written, and else the text, which no integer is. */
function numberOf(text: string): Json {
  return /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : text;
}

interface ProblemBody {
  readonly type: string;
  readonly status: number;
  readonly code: string;
  readonly requestId: string;
  readonly field?: string;
  readonly holders?: readonly string[];
}

/** What the document says of a problem in words. */
function problemFaults(problem: ProblemBody, result: APIGatewayProxyResult): string[] {
  const says = (holds: boolean, fault: string) => (holds ? [] : [fault]);
  return [
    ...says(problem.status === result.statusCode, 'its status is another than the answer has'),
    ...says(problem.type === `urn:hublease:problem:${problem.code}`, 'its type is not made of its code'),
    ...says(/^[a-z_]+$/.test(problem.code), 'its code is no code'),
    ...says(problem.requestId === headersOf(result)['x-request-id'], 'its requestId is another than the header'),
    ...says((problem.code === 'invalid_field') === (problem.field !== undefined), 'a field where none is, or none'),
    ...says(/^[A-Za-z0-9*-]{1,40}(?:\.[A-Za-z0-9*]{1,32})*$/.test(problem.field ?? 'none'), 'its field is no field'),
    ...says((problem.code === 'quota_reached') === (problem.holders !== undefined), 'holders where none are, or none'),
  ];
}
