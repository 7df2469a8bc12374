import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { isLocalhost } from './loopback.ts';

/** Nothing that is asked for here is larger. A program that took hublease's place could send without end. */
const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

/** Answers that have no body. Source: Fetch Standard, "null body status". */
const NULL_BODY = [204, 205, 304];

/**
 * A fetch that never goes through a proxy, whatever the environment and the flags of Node say: requests to this machine must stay on
 * it. It knows what is used here: a URL, a method, headers, a text as body, a signal and `redirect`, which it never follows.
 *
 * @param socketPath a Unix socket to connect to in place of the URL's host and port. The `Host` header stays the URL's.
 */
export function directFetch(socketPath?: string): typeof fetch {
  return ((url: string, init: RequestInit = {}) => ask(new URL(url), init, socketPath)) as typeof fetch;
}

function ask(url: URL, init: RequestInit, socketPath: string | undefined): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { signal } = init;
  const fail = (error: Error) =>
    reject(signal?.aborted ? signal.reason : new TypeError('fetch failed', { cause: error }));
  const isTls = url.protocol === 'https:';
  const options: RequestOptions = {
    method: init.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    headers: { ...Object.fromEntries(new Headers(init.headers)), host: url.host },
    // Node's own agent takes a proxy from the environment when it was started with NODE_USE_ENV_PROXY; a new one does not.
    agent: isTls ? new HttpsAgent() : new HttpAgent(),
    ...(signal && { signal }),
    ...(isLocalhost(url.hostname) && { lookup: onThisMachine }),
    ...(socketPath === undefined ? { hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port } : { socketPath }),
  };
  const request = (isTls ? httpsRequest : httpRequest)(options, (message) => {
    read(message, init.redirect).then(resolve, fail);
  });
  request.on('error', fail);
  request.end(init.body as string | undefined);
  return promise;
}

async function read(message: IncomingMessage, redirect: RequestInit['redirect']): Promise<Response> {
  const status = message.statusCode ?? 0;
  try {
    if (redirect === 'error' && status >= 300 && status < 400 && message.headers.location !== undefined) {
      throw new Error('the answer leads elsewhere');
    }
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    for await (const part of message as AsyncIterable<Buffer>) {
      sizeBytes += part.length;
      if (sizeBytes > ANSWER_MAX_BYTES) throw new Error('the answer is too large');
      parts.push(part);
    }
    const headers = Object.entries(message.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    );
    return new Response(NULL_BODY.includes(status) ? null : Buffer.concat(parts), { status, headers });
  } finally {
    message.destroy();
  }
}

/** Where `localhost` and the names below it are, without asking a name server: it could lead them off this machine. */
const onThisMachine: LookupFunction = (_host, { all }, answer) => {
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ];
  if (all) answer(null, addresses);
  else answer(null, '127.0.0.1', 4);
};
