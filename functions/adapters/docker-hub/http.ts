import { Agent, type Dispatcher } from 'undici';
import type { HubMeta, HubProblem, HubReply } from '../../core/ports/docker-hub.ts';
import { parseJson } from './json.ts';
import { type HubHeaders, header, readMeta } from './meta.ts';

/** Docker Hub's API. Source: Docker Hub API reference, servers. */
export const DOCKER_HUB_ORIGIN = 'https://hub.docker.com';

/** One page of 100 tokens is some 50 KiB; twenty times that is no list of tokens. */
export const LIST_MAX_BYTES = 1_048_576;
/** A single token, a session or an error is below 8 KiB. */
export const ANSWER_MAX_BYTES = 65_536;
/** A host that does not take a connection within this will not answer the request either. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Node's own default, pinned: more bytes of headers than that is no answer of Docker Hub's. */
const HEADERS_MAX_BYTES = 16_384;

/** How to reach Docker Hub. */
export interface HubOptions {
  /** Scheme, host and port only. https, but for 127.0.0.1 and localhost; {@link DOCKER_HUB_ORIGIN} when absent. */
  readonly origin?: string;
  /** Most time one call takes, connecting and reading the body included; a login of two steps is one call. */
  readonly timeoutMs: number;
  /** `hublease/VERSION`. Docker Hub keeps it with each token (`creator_ua`), and its edge blocks nameless clients. */
  readonly userAgent: string;
  /** Our clock, by which retry and expiry times are given. */
  readonly nowMs: () => number;
  /** Carries every request; the caller closes it. See {@link hubDispatcher}. */
  readonly dispatcher: Dispatcher;
}

export interface HubRequest {
  /** PATCH is sent by `npm run live-check` alone. */
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Built from constants and checked names only. */
  readonly path: string;
  readonly bearer?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly maxBytes: number;
  /** `status`: of a 2xx only the status counts and its body is not read. */
  readonly expects: 'json' | 'status';
}

/** What the answer's Content-Type says it is; `none` where there is no Content-Type. */
export type BodyForm = 'json' | 'html' | 'none' | 'other';

/** An answer as it came, whatever its status. */
export interface HubAnswer {
  readonly status: number;
  readonly form: BodyForm;
  /** The parsed body, where it is JSON and was read. */
  readonly json?: unknown;
  readonly headers: HubHeaders;
  readonly meta: HubMeta;
}

/** Sends one request, once, and reads its answer. A `fault` when there was none that could be read. Never rejects. */
export type Exchange = (request: HubRequest, deadline: AbortSignal) => Promise<HubReply<HubAnswer>>;

/**
 * A dispatcher for Docker Hub: every request has a connection of its own, so none is sent into one that died while the
 * process was frozen. HTTP/1.1 only, because undici sends a request again by itself when the server ends an HTTP/2
 * connection before it was answered. Takes no proxy and no TLS setting from the environment.
 */
export function hubDispatcher(): Dispatcher {
  return new Agent({
    pipelining: 0,
    allowH2: false,
    maxHeaderSize: HEADERS_MAX_BYTES,
    connect: { timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: true },
  });
}

/**
 * Makes the one way in which this adapter talks HTTP: fixed origin, no redirects, no retries, bounded body and time.
 *
 * @throws Error when the origin is not one that a credential may be sent to.
 */
export function hubExchange(options: HubOptions): Exchange {
  const origin = checkedOrigin(options.origin ?? DOCKER_HUB_ORIGIN);
  return async (request, deadline) => {
    let answer: Dispatcher.ResponseData;
    try {
      const sent = options.dispatcher.request({
        origin,
        path: request.path,
        method: request.method,
        headers: headersOf(request, options.userAgent),
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: deadline,
        // The deadline covers both; undici's own timers are coarser.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      answer = await beforeDeadline(sent, deadline);
    } catch {
      // undici's errors can hold headers and the body: nothing of them goes further.
      return faultReply(deadline.aborted ? 'timeout' : 'connection', {});
    }
    // A body that is given up emits an error which nobody would catch.
    answer.body.on('error', () => {});
    try {
      return await readAnswer(answer, request, deadline);
    } finally {
      answer.body.destroy();
    }
  };
}

/**
 * Runs what may take so long, with the signal that ends it then. Of a signal that only times out, its timer and all that listens
 * to it would outlive the request: thousands at a time.
 */
export async function withDeadline<T>(timeoutMs: number, work: (deadline: AbortSignal) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), timeoutMs);
  try {
    return await work(ending.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** The reply of a call of whose effect nothing is known. */
export function faultReply(
  code: Extract<HubProblem, { tag: 'fault' }>['code'],
  meta: HubMeta,
): Extract<HubReply<never>, { ok: false }> {
  return { ok: false, problem: { tag: 'fault', code }, meta };
}

function checkedOrigin(text: string): string {
  // URL's own error quotes what it was given.
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const local = url?.hostname === '127.0.0.1' || url?.hostname === 'localhost';
  const schemeFits = url?.protocol === 'https:' || (url?.protocol === 'http:' && local);
  if (url === undefined || !schemeFits || (text !== url.origin && text !== `${url.origin}/`)) {
    throw new Error('the address of Docker Hub must be an https origin such as https://hub.docker.com, without a path');
  }
  return url.origin;
}

function headersOf(request: HubRequest, userAgent: string): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': userAgent,
    ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(request.bearer === undefined ? {} : { authorization: `Bearer ${request.bearer}` }),
  };
}

async function readAnswer(
  answer: Dispatcher.ResponseData,
  request: HubRequest,
  deadline: AbortSignal,
): Promise<HubReply<HubAnswer>> {
  const { statusCode: status, headers } = answer;
  const form = bodyForm(header(headers, 'content-type'));
  const meta: HubMeta = { ...readMeta(headers), httpStatus: status, ...(form === 'json' && { isJson: true }) };
  const bare: HubAnswer = { status, form, headers, meta };
  const succeeded = status >= 200 && status < 300;
  if (
    form !== 'json' ||
    status >= 500 ||
    (status >= 300 && status < 400) ||
    (succeeded && request.expects === 'status')
  ) {
    return { ok: true, value: bare, meta };
  }
  const body = await readBody(answer.body, request.maxBytes, deadline);
  const json = typeof body === 'string' ? undefined : parseJson(body);
  const { isJson: _, ...unread } = meta;
  if (json !== undefined) return { ok: true, value: { ...bare, json: json.value }, meta };
  // Too many requests need no words; a body that cannot be read takes nothing from them.
  if (status === 429) return { ok: true, value: { ...bare, meta: unread }, meta: unread };
  return faultReply(typeof body === 'string' ? body : 'malformed', unread);
}

/**
 * undici drops a request whose signal aborts while it still connects, but says so only once the connection stands or has
 * failed; nobody should wait for that.
 */
async function beforeDeadline<T>(sent: Promise<T>, deadline: AbortSignal): Promise<T> {
  const over = new Promise<never>((_, reject) => {
    const stop = () => reject(new Error('timeout'));
    if (deadline.aborted) stop();
    else deadline.addEventListener('abort', stop, { once: true });
  });
  return Promise.race([sent, over]);
}

function bodyForm(contentType: string | undefined): BodyForm {
  if (contentType === undefined) return 'none';
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  if (/^application\/(?:[\w.-]+\+)?json$/.test(type.trim())) return 'json';
  return type.trim() === 'text/html' ? 'html' : 'other';
}

async function readBody(
  body: AsyncIterable<Buffer>,
  maxBytes: number,
  deadline: AbortSignal,
): Promise<Buffer | 'too_large' | 'timeout' | 'connection'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > maxBytes) return 'too_large';
      chunks.push(chunk);
    }
  } catch {
    return deadline.aborted ? 'timeout' : 'connection';
  }
  return Buffer.concat(chunks);
}
