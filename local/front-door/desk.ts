import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { admit, type FindRoute } from './admission.ts';
import type { Connections } from './connections.ts';
import type { OwnRequests } from './own-requests.ts';
import type { Profile } from './profiles.ts';
import { UNMATCHED_RESOURCE } from './proxy-event.ts';
import { problem } from './refusal.ts';
import { readBody } from './request-body.ts';

/** One answered request, without anything that a caller chose freely. */
export interface AccessEntry {
  readonly requestId: string;
  readonly method: string;
  /** The matched route's resource; `/{proxy+}` without one. */
  readonly resource: string;
  /** Absent when the caller was gone before it could be answered. */
  readonly status?: number;
  /** Code of the front door's own refusal. */
  readonly code?: string;
  readonly profile?: string;
  readonly durationMs: number;
}

/** What the desk answers by. */
export interface DeskOptions {
  readonly profiles: readonly Profile[];
  readonly nowMs: () => number;
  /** Answers a request whose signature and permission held. A rejection becomes 500 and is not shown to the caller. */
  readonly dispatch: (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;
  readonly route: FindRoute;
  /** Must not throw. */
  readonly log: (entry: AccessEntry) => void;
}

/** What was decided about one request. */
interface Decision {
  readonly result: APIGatewayProxyResult;
  readonly code?: string;
  readonly resource?: string;
  readonly profile?: string;
}

/** Answers requests, whichever listener they came by. */
export class Desk {
  readonly #options: DeskOptions;
  readonly #inFlight = new Set<Promise<void>>();
  #own: OwnRequests | undefined;
  #closing = false;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** From here on requests are let in. */
  open(own: OwnRequests): void {
    this.#own = own;
  }

  /** From here on each answer is the last one on its connection. */
  close(): void {
    this.#closing = true;
  }

  async settled(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  receive(req: IncomingMessage, res: ServerResponse, connections: Connections): void {
    const answered = this.#answer(req, res, connections).finally(() => this.#inFlight.delete(answered));
    this.#inFlight.add(answered);
  }

  async #answer(req: IncomingMessage, res: ServerResponse, connections: Connections): Promise<void> {
    const { nowMs, log } = this.#options;
    const requestId = randomUUID();
    const startedAtMs = nowMs();
    const internal = {
      result: problem(500, 'internal', 'Something failed inside hublease.', requestId),
      code: 'internal',
    };
    const note = (entry: Pick<AccessEntry, 'status' | 'code' | 'resource' | 'profile'>) =>
      log({ requestId, method: req.method ?? '', durationMs: nowMs() - startedAtMs, ...entry });

    connections.reading(req.socket);
    let body: Buffer | undefined;
    try {
      body = await readBody(req);
    } catch {
      note({ resource: UNMATCHED_RESOURCE, code: 'caller_gone' });
      return;
    }
    let decision: Decision = internal;
    try {
      decision = await this.#decide(req, body, requestId, connections);
    } catch {
      // What was thrown may quote the request, so it goes neither to the caller nor to the log.
    }
    const mustEnd = this.#closing || decision.code === 'body_too_large';
    try {
      write(res, decision.result, requestId, mustEnd);
    } catch {
      decision = { ...decision, ...internal };
      write(res, internal.result, requestId, mustEnd);
    }
    connections.idle(req.socket);
    const { result, resource = UNMATCHED_RESOURCE, code, profile } = decision;
    note({
      status: result.statusCode,
      resource,
      ...(code === undefined ? {} : { code }),
      ...(profile === undefined ? {} : { profile }),
    });
  }

  async #decide(
    req: IncomingMessage,
    body: Buffer | undefined,
    requestId: string,
    connections: Connections,
  ): Promise<Decision> {
    const { profiles, route, nowMs, dispatch } = this.#options;
    if (this.#own === undefined) throw new Error('a request came before the door was open');
    const arrived = { req, body, requestId, atMs: nowMs() };
    const admission = admit(arrived, { profiles, route, own: this.#own });
    if ('event' in admission) {
      const { event, ...context } = admission;
      const done = connections.working(req.socket);
      try {
        return { result: await dispatch(event), ...context };
      } finally {
        done();
      }
    }
    const { status, detail, ...context } = admission;
    return { result: problem(status, context.code, detail, requestId), ...context };
  }
}

function write(res: ServerResponse, result: APIGatewayProxyResult, requestId: string, mustEnd: boolean): void {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  for (const [name, value] of Object.entries(result.headers ?? {})) res.setHeader(name, String(value));
  for (const [name, values] of Object.entries(result.multiValueHeaders ?? {})) res.setHeader(name, values.map(String));
  res.setHeader('x-amzn-requestid', requestId);
  if (mustEnd) res.setHeader('connection', 'close');
  const body = Buffer.from(result.body, result.isBase64Encoded === true ? 'base64' : 'utf8');
  res.statusCode = result.statusCode;
  res.end(body);
}
