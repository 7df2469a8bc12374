import type { APIGatewayProxyResult } from 'aws-lambda';
import { expect } from 'vitest';
import type * as z from 'zod';
import { admin } from '../../functions/admin.ts';
import { broker } from '../../functions/broker.ts';
import type { HubProblem, HubReply } from '../../functions/core/ports/docker-hub.ts';
import { jsonLines } from '../../functions/log.ts';
import { OPERATIONS, type Operation } from '../../functions/wire/operations.ts';
import { memoryPorts } from './memory-ports.ts';
import { proxyEvent, ROLE_ARN, type Sent } from './proxy-event.ts';

export const PASSWORD = 'correct-horse-canary';
export const TARGET = { kind: 'user', credential: { username: 'acmebot', password: PASSWORD } };
export const ORG = { kind: 'org', organization: 'acme', credential: { username: 'acmebot', password: PASSWORD } };
export const SECRET = { target: 'acme', scope: 'repo:write', defaultTtl: '15m', maxTtl: '1h', allow: [ROLE_ARN] };

export interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers of many forms, and compares what it reads.
  readonly body: any;
  readonly result: APIGatewayProxyResult;
}

/** Both handlers over ports in memory, and how a test speaks to them. */
export class Api {
  /** Replaced to make something fail. */
  ports = memoryPorts();
  /** What was logged. */
  readonly lines: string[] = [];

  async send(sent: Sent): Promise<Answered> {
    const log = jsonLines({ write: (line) => this.lines.push(line) }, this.ports.clock);
    const handler = sent.path?.startsWith('/v1/admin') === true ? admin(this.ports, log) : broker(this.ports, log);
    const result = await handler(proxyEvent(sent));
    return { status: result.statusCode, body: JSON.parse(result.body), result };
  }

  /** Sends JSON below `/v1`. */
  async json(method: string, path: string, body: object, sent: Sent = {}): Promise<Answered> {
    const headers = { 'content-type': 'application/json', ...sent.headers };
    return this.send({ ...sent, method, path: `/v1/${path}`, body: JSON.stringify(body), headers });
  }

  async put(path: string, body: object, sent: Sent = {}): Promise<Answered> {
    return this.json('PUT', `admin/${path}`, body, sent);
  }

  /** Leases from `ci/release`. */
  async lease(body: object = {}, key?: string): Promise<Answered> {
    return this.json(
      'POST',
      'lease/ci/release',
      body,
      key === undefined ? {} : { headers: { 'Idempotency-Key': key } },
    );
  }

  /** Makes target `acme` and, as far as it differs from `SECRET`, the secret `ci/release`. */
  async seed(secret: object = {}, target: object = TARGET): Promise<this> {
    expect(await this.put('targets/acme', target)).toMatchObject({ status: 201 });
    expect(await this.put('secrets/ci/release', { ...SECRET, ...secret })).toMatchObject({ status: 201 });
    return this;
  }
}

/** Docker Hub's answer when a call does not succeed. */
export const refusal = (problem: HubProblem) => async (): Promise<HubReply<never>> => ({
  ok: false,
  problem,
  meta: {},
});

/** Holds an answer against the published contract. */
export function expectContract(operation: Operation, answer: Pick<Answered, 'status' | 'body'>): void {
  const schemas: Record<number, { schema: z.ZodType }> = OPERATIONS[operation].answers;
  expect(schemas).toHaveProperty(String(answer.status));
  expect(schemas[answer.status]?.schema.safeParse(answer.body).error).toBeUndefined();
}
