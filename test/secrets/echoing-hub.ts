import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Canaries } from '../canary.ts';

/** A request to Docker Hub, as it was overheard. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  readonly body: string;
}

/** What a request is for, by which it is told apart. */
export type HubCall = 'login' | 'create' | 'list' | 'get' | 'delete' | 'date';

/** Answers a request in the place of Docker Hub, out of what it sent and all that was ever overheard. */
export type Echo = (response: ServerResponse, everything: string, secrets: readonly string[]) => void;

/**
 * A Docker Hub that knows every secret and may give each back in the wrong place: it stands before the fake, overhears passwords,
 * sessions and tokens, which it plants as canaries, and answers some requests with an echo.
 */
export interface EchoingHub {
  readonly url: string;
  /** How many requests of a kind have come. */
  count(call: HubCall): number;
  /** Echoes these from now on; none ends it. */
  echo(calls: readonly HubCall[], echo?: Echo): void;
  /** Keeps every request of a kind from being passed on until `release`; says how many wait. */
  hold(call: HubCall): () => number;
  release(): void;
  close(): Promise<void>;
}

export async function openEchoingHub(upstream: () => string, canaries: Canaries): Promise<EchoingHub> {
  const overheard = new Set<string>();
  const counts = new Map<HubCall, number>();
  let gate:
    | { readonly call: HubCall; waiting: number; readonly opened: Promise<void>; readonly open: () => void }
    | undefined;
  let echoed: { readonly calls: readonly HubCall[]; readonly echo: Echo } | undefined;

  function overhear(name: string, secret: unknown): void {
    if (typeof secret !== 'string' || overheard.has(secret)) return;
    overheard.add(secret);
    canaries.plant(name, secret);
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const heard = { ...headOf(req), body: (await bodyOf(req)).toString() };
    const call = callOf(heard);
    counts.set(call, (counts.get(call) ?? 0) + 1);
    // Passwords are planted by the test, which knows which of them are secrets.
    const { password, secret } = fieldsOf(heard.body);
    for (const each of [password, secret]) if (typeof each === 'string') overheard.add(each);
    if (echoed?.calls.includes(call)) {
      const secrets = [...overheard];
      echoed.echo(res, JSON.stringify({ ...heard, secrets }), secrets);
      return;
    }
    if (gate?.call === call) {
      gate.waiting += 1;
      await gate.opened;
    }
    const reply = await passOn(upstream(), req, heard.body);
    const fields = fieldsOf(reply.body.toString());
    if (call === 'login') {
      overhear('session', fields.access_token ?? fields.token);
      overhear('second factor ticket', fields.login_2fa_token);
    }
    if (call === 'create') overhear('token', fields.token);
    res.writeHead(reply.status, reply.headers);
    res.end(reply.body);
  }

  const server = createServer((req, res) => {
    // The other side is gone, by its own deadline or its end.
    answer(req, res).catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: (call) => counts.get(call) ?? 0,
    echo(calls, echo) {
      echoed = echo && { calls, echo };
    },
    hold(call) {
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      const own = { call, waiting: 0, opened, open };
      gate = own;
      return () => own.waiting;
    },
    release() {
      gate?.open();
      gate = undefined;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function headOf({ method = '', url = '', headers }: IncomingMessage): Omit<Heard, 'body'> {
  return { method, path: url, authorization: headers.authorization ?? '' };
}

function callOf({ method, path }: Heard): HubCall {
  if (/^\/v2\/(?:auth\/token|users\/)/.test(path)) return 'login';
  if (!path.includes('access-tokens')) return 'date';
  if (method === 'POST') return 'create';
  if (method === 'DELETE') return 'delete';
  return /\/access-tokens(?:\?|$)/.test(path) ? 'list' : 'get';
}

async function bodyOf(message: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

async function passOn(upstream: string, { method, url, headers }: IncomingMessage, body: string) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { host: _, connection: __, ...others } = headers;
  const sent = request(`${upstream}${url}`, { method: method ?? 'GET', headers: others, agent: false }, resolve);
  sent.on('error', reject);
  sent.end(body);
  const reply = await promise;
  return { status: reply.statusCode ?? 502, headers: reply.headers, body: await bodyOf(reply) };
}

const json = { 'content-type': 'application/json' };
/** More than any answer of Docker Hub that is read. */
const HUGE_BYTES = 4 * 1024 * 1024;

function withStatus(status: number, headers: Record<string, string> = json): Echo {
  return (response, everything) => {
    response.writeHead(status, headers);
    response.end(
      `{"detail":${JSON.stringify(everything)},"message":${everything},"text":${JSON.stringify(everything)},` +
        `"fields":{${JSON.stringify(everything)}:["${everything.length}"]}}`,
    );
  };
}

/** Ways in which an answer gives back what it should not. */
export const ECHOES: readonly (readonly [name: string, echo: Echo])[] = [
  ...[200, 201, 400, 401, 403, 404, 409, 429, 500, 503].map(
    (status) => [`JSON under ${status}`, withStatus(status)] as const,
  ),
  ...[200, 403, 503].map(
    (status) => [`a page under ${status}`, withStatus(status, { 'content-type': 'text/html' })] as const,
  ),
  ['a text under 401', withStatus(401, { 'content-type': 'text/plain' })],
  [
    'fields of a wrong form',
    (response, everything, secrets) => {
      const [first = '', ...others] = secrets;
      response.writeHead(201, json);
      const fields = { uuid: first, id: first, token: `${others.at(-1)} `, access_token: `${others.at(-1)}\r\n` };
      response.end(JSON.stringify({ ...fields, results: [everything], count: everything, next: everything }));
    },
  ],
  [
    'a redirect',
    (response, everything) => {
      response.writeHead(307, { location: `https://elsewhere.example.com/?t=${encodeURIComponent(everything)}` });
      response.end();
    },
  ],
  [
    'headers',
    (response, _, secrets) => {
      const [value] = secrets.slice(-1).map((secret) => encodeURIComponent(secret));
      for (const name of ['retry-after', 'x-retry-after', 'date', 'x-ratelimit-remaining', 'x-ratelimit-reset'])
        response.setHeader(name, value ?? '');
      response.writeHead(429, encodeURIComponent(secrets[0] ?? ''), { ...json, 'www-authenticate': value });
      response.end('{}');
    },
  ],
  [
    'an endless body',
    (response, everything) => {
      response.writeHead(400, json);
      response.end(`{"detail":"${everything.replaceAll('"', "'").repeat(Math.ceil(HUGE_BYTES / everything.length))}"}`);
    },
  ],
  [
    'JSON that ends early',
    (response, everything) => {
      response.writeHead(400, json);
      response.end(everything.slice(0, -1));
    },
  ],
  [
    'a body that is cut off',
    (response, everything) => {
      response.writeHead(400, { ...json, 'content-length': String(2 * Buffer.byteLength(everything)) });
      response.write(everything, () => response.destroy());
    },
  ],
  [
    'bytes that call themselves gzip',
    (response, everything) => {
      response.writeHead(200, { ...json, 'content-encoding': 'gzip' });
      response.end(everything);
    },
  ],
  ['what is no HTTP', (response, everything) => void response.socket?.end(everything)],
  [
    'a header that is none',
    (response, everything) => void response.socket?.end(`HTTP/1.1 200 OK\r\n${everything}\r\nx: \u0001\r\n\r\n`),
  ],
];
