import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { Failed } from '../functions/core/failure.ts';
import { STAGE } from '../functions/wire/routes.ts';
import type { Profile } from './profiles.ts';
import { type MatchedRoute, proxyEvent, UNMATCHED_RESOURCE } from './proxy-event.ts';
import { detailOf, problem, rawRefusal } from './refusal.ts';
import { parseQuery, verifySignature } from './sigv4.ts';

/** Largest body that is handed on: four times what the handler accepts, so that the handler's own answer names its limit. */
const BODY_MAX_BYTES = 64 * 1024;

/** How much of a larger body is read and dropped, so that its sender sees the answer rather than a reset connection. */
const DISCARD_MAX_BYTES = 1024 * 1024;

/** All headers together. Node's usual bound, and above the 10,240 bytes that API Gateway takes. */
const HEADERS_MAX_BYTES = 16 * 1024;

/** More headers than any AWS client sends. */
const HEADERS_MAX_COUNT = 100;

/** Every connection may hold one body; this keeps the sum of them at 32 MiB. */
const CONNECTIONS_MAX_COUNT = 512;

/** Times that the front door allows. */
export interface FrontDoorTimes {
  /** From a connection's, or the previous request's, end to the end of a request's headers. */
  readonly headersMs: number;
  /** From the same instant to the end of its body. */
  readonly requestMs: number;
  /** How often the two above are looked at. */
  readonly checkEveryMs: number;
  /** What `close` gives to requests in flight. */
  readonly drainMs: number;
}

/** The drain is longer than the 20 s that any API call may work. */
const DEFAULT_TIMES: FrontDoorTimes = { headersMs: 10_000, requestMs: 20_000, checkEveryMs: 1_000, drainMs: 25_000 };

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

export interface FrontDoorOptions {
  /** 0 for any free one. */
  readonly port: number;
  readonly profiles: readonly Profile[];
  readonly nowMs: () => number;
  /** Answers a request whose signature and permission held. A rejection becomes 500 and is not shown to the caller. */
  readonly dispatch: (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;
  /**
   * Finds the route; `rawPath` has the stage. Without one (undefined, or Failed `path_not_canonical`) the request still goes
   * to `dispatch`, whose answer says what is wrong with it.
   */
  readonly route: (method: string, rawPath: string) => MatchedRoute | undefined;
  /** Must not throw. */
  readonly log: (entry: AccessEntry) => void;
  readonly times?: Partial<FrontDoorTimes>;
}

export interface FrontDoor {
  /** `http://127.0.0.1:PORT`, without the stage. */
  readonly url: string;
  readonly port: number;
  /** Accepts nothing new, waits for requests in flight within `drainMs`, then ends every connection. May be repeated. */
  close(): Promise<void>;
}

/** What the door says of requests that it lets nobody see; of a denied one, after who it is. */
export const DOOR_DETAILS = {
  too_many_headers: `The request has more than ${HEADERS_MAX_COUNT} headers.`,
  body_too_large: `The body is larger than ${BODY_MAX_BYTES} bytes.`,
  missing_authentication_token: `There is nothing here: every path of this API begins with /${STAGE}/.`,
  access_denied: `may use the callers' routes only. Sign with the profile hublease-admin for /${STAGE}/admin.`,
} as const;

/** What was decided about one request. */
interface Decision {
  readonly result: APIGatewayProxyResult;
  readonly code?: string;
  readonly resource?: string;
  readonly profile?: string;
}

/**
 * Starts what API Gateway and IAM are to the AWS edition: an HTTP server on 127.0.0.1 that checks each request's signature
 * and the profile's permission, and hands the same proxy event to the same handlers. Refusals are RFC 9457 problems; every
 * answer names its request in `x-amzn-requestid`.
 *
 * @throws the system's error (`EADDRINUSE`, `EACCES`) when it cannot listen.
 */
export async function startFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const times = { ...DEFAULT_TIMES, ...options.times };
  const profiles = new Map(options.profiles.map((profile) => [profile.accessKeyId, profile]));
  const inFlight = new Set<Promise<void>>();
  const dispatching = new WeakSet<Duplex>();
  let closing: Promise<void> | undefined;

  async function decide(req: IncomingMessage, body: Buffer | undefined, requestId: string): Promise<Decision> {
    const { method = '', url = '' } = req;
    const [rawPath = '', ...rest] = url.split('?');
    const rawQuery = rest.join('?');
    const headers = headerPairs(req.rawHeaders);
    const atMs = options.nowMs();
    const refuse = (
      status: number,
      code: string,
      detail: string,
      context: Pick<Decision, 'profile' | 'resource'> = {},
    ) => ({
      result: problem(status, code, detail, requestId),
      code,
      ...context,
    });

    if (headers.length > HEADERS_MAX_COUNT) {
      return refuse(431, 'too_many_headers', DOOR_DETAILS.too_many_headers);
    }
    if (body === undefined) {
      return refuse(413, 'body_too_large', DOOR_DETAILS.body_too_large);
    }
    if (!rawPath.startsWith(`/${STAGE}/`)) {
      return refuse(403, 'missing_authentication_token', DOOR_DETAILS.missing_authentication_token);
    }

    const verdict = verifySignature({
      method,
      rawPath,
      rawQuery,
      headers: byLowerCaseName(headers),
      body,
      nowMs: atMs,
      lookup: (accessKeyId) => profiles.get(accessKeyId)?.secretAccessKey,
    });
    const query = parseQuery(rawQuery);
    if (!verdict.ok) return refuse(403, verdict.reason, detailOf(verdict));
    const profile = profiles.get(verdict.accessKeyId);
    if (profile === undefined || query === undefined) throw new Error('a verified request has a profile and a query');

    const route = findRoute(options.route, method, rawPath);
    const context = { profile: profile.name, resource: route?.resource ?? UNMATCHED_RESOURCE };
    if (!profile.mayAdminister && (route?.admin === true || ADMIN_PATH.test(rawPath))) {
      return refuse(403, 'access_denied', `${profile.userArn} ${DOOR_DETAILS.access_denied}`, context);
    }

    const event = proxyEvent({
      requestId,
      atMs,
      method,
      rawPath,
      query,
      headers,
      body,
      sourceIp: req.socket.remoteAddress ?? '127.0.0.1',
      profile,
      ...(route === undefined ? {} : { route }),
    });
    dispatching.add(req.socket);
    return { result: await options.dispatch(event), ...context };
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    const startedAtMs = options.nowMs();
    const internal = {
      result: problem(500, 'internal', 'Something failed inside hublease.', requestId),
      code: 'internal',
    };
    const note = (entry: Pick<AccessEntry, 'status' | 'code' | 'resource' | 'profile'>) =>
      options.log({ requestId, method: req.method ?? '', durationMs: options.nowMs() - startedAtMs, ...entry });

    let body: Buffer | undefined;
    try {
      body = await readBody(req);
    } catch {
      note({ resource: UNMATCHED_RESOURCE, code: 'caller_gone' });
      return;
    }
    let decision: Decision = internal;
    try {
      decision = await decide(req, body, requestId);
    } catch {
      // What was thrown may quote the request, so it goes neither to the caller nor to the log.
    }
    const mustEnd = closing !== undefined || decision.code === 'body_too_large';
    try {
      write(res, decision.result, requestId, mustEnd);
    } catch {
      decision = { ...decision, ...internal };
      write(res, internal.result, requestId, mustEnd);
    } finally {
      dispatching.delete(req.socket);
    }
    const { result, resource = UNMATCHED_RESOURCE, code, profile } = decision;
    note({
      status: result.statusCode,
      resource,
      ...(code === undefined ? {} : { code }),
      ...(profile === undefined ? {} : { profile }),
    });
  }

  const server = createServer({
    headersTimeout: times.headersMs,
    requestTimeout: times.requestMs,
    maxHeaderSize: HEADERS_MAX_BYTES,
    connectionsCheckingInterval: times.checkEveryMs,
    // A request without a host gets our own refusal, with a request id.
    requireHostHeader: false,
  });
  // Node's own limit drops headers silently; ours refuses.
  server.maxHeadersCount = 0;
  server.maxConnections = CONNECTIONS_MAX_COUNT;
  const onRequest = (req: IncomingMessage, res: ServerResponse) => {
    const answered = answer(req, res).finally(() => inFlight.delete(answered));
    inFlight.add(answered);
  };
  server.on('request', onRequest);
  server.on('checkExpectation', onRequest);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // Bytes written now would be taken for the answer that is still being made.
    if (!socket.writable || dispatching.has(socket)) socket.destroy();
    else socket.end(rawRefusal(error.code), () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;

  async function drain(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const timeUp = Promise.withResolvers<void>();
    const timer = setTimeout(timeUp.resolve, times.drainMs);
    // A request whose caller has gone has no connection left, but may still be minting.
    await Promise.race([Promise.all([closed, settled(inFlight)]), timeUp.promise]);
    clearTimeout(timer);
    server.closeAllConnections();
    await closed;
  }

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () => {
      closing ??= drain();
      return closing;
    },
  };
}

/** Denied to callers' profiles even where no route matches, as an IAM policy on paths would. */
const ADMIN_PATH = new RegExp(`^/${STAGE}/admin(/|$)`, 'i');

function findRoute(route: FrontDoorOptions['route'], method: string, rawPath: string): MatchedRoute | undefined {
  try {
    return route(method, rawPath);
  } catch (error) {
    if (error instanceof Failed && error.failure.tag === 'path_not_canonical') return undefined;
    throw error;
  }
}

async function settled(inFlight: ReadonlySet<Promise<void>>): Promise<void> {
  while (inFlight.size > 0) await Promise.allSettled(inFlight);
}

/** Reads a body; undefined when it is larger than {@link BODY_MAX_BYTES}. Rejects when the caller goes away. */
async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= BODY_MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
    if (sizeBytes > DISCARD_MAX_BYTES) break;
  }
  return sizeBytes > BODY_MAX_BYTES ? undefined : Buffer.concat(chunks);
}

function headerPairs(rawHeaders: readonly string[]): [name: string, value: string][] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : []));
}

function byLowerCaseName(pairs: readonly [string, string][]): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(pairs, ([name]) => name.toLowerCase());
  return new Map([...groups].map(([name, group]) => [name, group.map(([, value]) => value)]));
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
