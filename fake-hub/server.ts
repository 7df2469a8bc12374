/**
 * A fake Docker Hub for one machine: the login, access token and registry token routes as Docker documents them and clients
 * have met them, with state, and with faults at will. It is not Docker's, holds nothing of Docker's, and listens on 127.0.0.1
 * only.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type Answer, type HubRequest, isApi, json, ROUTE_NAMES, type RouteName } from './answer.ts';
import { type FakeHubControl, makeControl } from './control/control.ts';
import { answerControl, CONTROL_PREFIX } from './control/control-routes.ts';
import { MAX_BODY_BYTES, parseBody, parseForm, readBody, resetConnection, send } from './exchange.ts';
import { DEFAULT_RETRY_AFTER_SECONDS, edgeAnswer, Faults, seededRandom, serverError, spoil } from './faults.ts';
import { Held } from './held.ts';
import { Hub } from './hub.ts';
import type { FakeHubOptions } from './options.ts';
import { filePersistence, noPersistence } from './persistence.ts';
import { findRoute, type Route } from './routes.ts';
import { RateLimit, throttled } from './throttle.ts';
import { settleDeletes } from './variations/deletes.ts';
import { answerInstead, answerOfEdge, withContentType } from './variations/edge.ts';

export type { RouteName } from './answer.ts';
export type { FakeCalls, FakeDeletion, FakeHubControl, FakeTokenView, ForeignToken } from './control/control.ts';
export type { FakeFault } from './faults.ts';
export type { FakeAccount, FakeHubOptions, FakeOrganization } from './options.ts';
export type { FakeHubSettings } from './settings.ts';

export interface FakeHub {
  /**
   * `http://127.0.0.1:PORT`, without a slash at the end. Serves `hub.docker.com`, `/token` of `auth.docker.io` and a small
   * read-only registry.
   */
  readonly url: string;
  readonly port: number;
  readonly control: FakeHubControl;
  /** Ends connections, held requests and the data file. Safe to repeat. */
  close(): Promise<void>;
}

/**
 * Starts a fake Docker Hub.
 *
 * @throws when the port is taken, or `dataFile` cannot be opened, is damaged, or is in use by another process.
 */
export async function startFakeHub(options: FakeHubOptions): Promise<FakeHub> {
  const persistence = options.dataFile === undefined ? noPersistence() : filePersistence(options.dataFile);
  const hub = loadHub(options, persistence);
  const parts = {
    hub,
    faults: new Faults(options.random ?? seededRandom(options.seed ?? 1)),
    rateLimit: new RateLimit(),
    held: new Held(),
    counts: new Map<RouteName, number>(),
    applied: { creates: 0, deletes: 0 },
    startingSettings: hub.settings,
    routeNames: ROUTE_NAMES,
  };
  const control = makeControl(parts);
  const { faults, rateLimit, held, counts, applied } = parts;
  const sleep = options.sleep ?? ((ms: number) => wait(ms));
  let baseUrl = '';
  let isClosed = false;

  function apply(route: Route, request: HubRequest): Answer {
    const instead = answerInstead(hub, route.name);
    if (instead !== undefined) return instead;
    settleDeletes(hub);
    const answer = route.answer(hub, request);
    const isSuccess = answer.status < 300;
    if (isSuccess && route.name.endsWith('-create')) applied.creates += 1;
    if (isSuccess && route.name.endsWith('-delete')) applied.deletes += 1;
    return answerOfEdge(hub, route.name, answer);
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = incoming.method ?? 'GET';
    const url = URL.parse(incoming.url ?? '/', baseUrl);
    if (url === null) {
      send(response, json(400, { message: 'bad request' }), hub.nowMs());
      return;
    }
    const body = await readBody(incoming);
    if (body === undefined) {
      const tooLarge = json(413, { message: `a request has at most ${MAX_BODY_BYTES} bytes` });
      send(response, tooLarge, hub.nowMs(), { connection: 'close' });
      return;
    }
    const parsed = parseBody(body, incoming.headers['content-type']);
    if (url.pathname.startsWith(CONTROL_PREFIX)) {
      // A browser's page must not steer the fake: only a client that sends no Origin and knows our address may.
      const isOurs = incoming.headers.origin === undefined && incoming.headers.host === new URL(baseUrl).host;
      const answer = isOurs
        ? answerControl(control, method, url.pathname, parsed)
        : json(403, { problem: 'the control is not for browsers' });
      send(response, answer, hub.nowMs());
      return;
    }
    const found = findRoute(method, url.pathname);
    if (typeof found === 'number') {
      send(response, json(found, { message: found === 404 ? 'not found' : 'method not allowed' }), hub.nowMs());
      return;
    }
    const { route } = found;
    counts.set(route.name, (counts.get(route.name) ?? 0) + 1);
    await serveRoute(route, incoming, response, {
      path: url.pathname,
      params: found.params,
      query: url.searchParams,
      headers: incoming.headers,
      body: parsed,
      form: parseForm(body, incoming.headers['content-type']),
      remoteIp: incoming.socket.remoteAddress ?? '127.0.0.1',
      baseUrl,
    });
  }

  async function serveRoute(
    route: Route,
    incoming: IncomingMessage,
    response: ServerResponse,
    request: HubRequest,
  ): Promise<void> {
    const { retryAfterForm, rateLimitPerMinute } = hub.settings;
    const rate = isApi(route.name) ? rateLimit.take(hub.nowMs(), rateLimitPerMinute) : { headers: {} };
    const reply = (answer: Answer) =>
      send(response, withContentType(hub.settings, route.name, answer), hub.nowMs(), rate.headers);
    if (rate.refusedForSeconds !== undefined) {
      reply(throttled(hub.nowMs(), rate.refusedForSeconds, retryAfterForm));
      return;
    }
    const { latencyMs, fault } = faults.strike(route.name);
    if (latencyMs > 0) await sleep(latencyMs);
    if (isClosed) return;
    switch (fault?.kind) {
      case undefined:
      case 'latency':
        reply(apply(route, request));
        return;
      case 'throttle':
        reply(throttled(hub.nowMs(), fault.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS, retryAfterForm));
        return;
      case 'server-error':
        if (fault.applied === true) apply(route, request);
        reply(serverError(fault.status));
        return;
      case 'reset-before':
        resetConnection(incoming);
        return;
      case 'reset-after':
        apply(route, request);
        resetConnection(incoming);
        return;
      case 'apply-late':
        resetConnection(incoming);
        held.add({ release: () => apply(route, request), drop() {} });
        return;
      case 'hold': {
        const answer = apply(route, request);
        const forget = held.add({ release: () => reply(answer), drop: () => resetConnection(incoming) });
        response.once('close', forget);
        return;
      }
      case 'html-challenge':
      case 'edge-block':
      case 'redirect':
        reply(edgeAnswer(fault, request.path) ?? serverError());
        return;
      case 'wrong-type':
      case 'oversized':
      case 'truncated':
        reply(spoil(fault, apply(route, request)));
        return;
    }
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => {
      // The client went away, or the data file failed: either way its own error stays here.
      if (!response.headersSent) send(response, serverError(), hub.nowMs());
    });
  });
  try {
    await listen(server, options.port ?? 0);
  } catch (error) {
    persistence.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  baseUrl = `http://127.0.0.1:${port}`;
  return {
    url: baseUrl,
    port,
    control,
    async close() {
      if (isClosed) return;
      isClosed = true;
      held.drop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      persistence.close();
    },
  };
}

function loadHub(options: FakeHubOptions, persistence: ReturnType<typeof noPersistence>): Hub {
  try {
    return new Hub(options, persistence);
  } catch (error) {
    persistence.close();
    throw error;
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
