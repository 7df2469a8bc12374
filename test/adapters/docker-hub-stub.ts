import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { tokenMinter } from '../../functions/adapters/docker-hub/create.ts';
import { dockerHub } from '../../functions/adapters/docker-hub/docker-hub.ts';
import { type HubOptions, hubDispatcher } from '../../functions/adapters/docker-hub/http.ts';
import type { HubSession } from '../../functions/core/ports/docker-hub.ts';

/** Our clock in these tests. */
export const NOW_MS = Date.UTC(2026, 10, 2, 12, 0, 0);
/** Docker Hub's clock in these tests: 30 s ahead of ours. */
export const HUB_DATE = 'Mon, 02 Nov 2026 12:00:30 GMT';
export const HUB_DATE_MS = NOW_MS + 30_000;

export const SESSION: HubSession = { account: 'acme-bot', bearer: 'aaa.bbb.ccc', expiresAtMs: NOW_MS + 600_000 };
export const TOKEN_ID = 'b30bbf97-506c-4ecd-aabc-842f3cb484fb';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type StubAnswer = (response: ServerResponse, request: SeenRequest) => void;

/** An answer with a JSON body, or with none at all when it is left out. */
export function json(status: number, value?: unknown, headers: Record<string, string> = {}): StubAnswer {
  return text(status, value === undefined ? undefined : 'application/json', JSON.stringify(value), headers);
}

/** An answer with any content type. */
export function text(
  status: number,
  contentType: string | undefined,
  body = '',
  headers: Record<string, string> = {},
): StubAnswer {
  return (response) => {
    response.sendDate = false;
    const type = contentType === undefined ? {} : { 'content-type': contentType };
    response.writeHead(status, { date: HUB_DATE, ...type, ...headers });
    response.end(body);
  };
}

/** Starts a server that gives these answers, one to each request, and the adapter before it. All of it ends with the test. */
export async function startStub(answers: readonly StubAnswer[], options: Partial<HubOptions> = {}) {
  const requests: SeenRequest[] = [];
  const server = createServer(async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = incoming;
    const seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
    requests.push(seen);
    (answers[requests.length - 1] ?? text(599, 'text/plain', 'no answer left'))(response, seen);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dispatcher = options.dispatcher ?? hubDispatcher();
  onTestFinished(async () => {
    await dispatcher.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings: HubOptions = {
    origin,
    timeoutMs: 10_000,
    userAgent: 'hublease/0.0.0-test',
    nowMs: () => NOW_MS,
    dispatcher,
    ...options,
  };
  return { hub: dockerHub(settings), minter: tokenMinter(settings), requests, origin, dispatcher, server };
}

/** A JWT with these claims; nobody checks its signature. */
export function jwt(claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.c2lnbmF0dXJl`;
}
