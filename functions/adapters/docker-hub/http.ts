import { Agent, type Dispatcher } from 'undici';
import type { HubMeta, HubProblem, HubReply } from '../../core/ports/docker-hub.ts';
import { parseJson } from './json.ts';
import { type HubHeaders, header, readMeta } from './meta.ts';

/** Docker Hub's API. Source: Docker Hub API reference, servers. */
export const DOCKER_HUB_ORIGIN = 'https://hub.docker.com';

/** A page of 100 tokens has about 50 KiB. An answer of twenty times that is not a list of tokens. */
export const LIST_MAX_BYTES = 1_048_576;
/** A single token, a session or an error is below 8 KiB. */
export const ANSWER_MAX_BYTES = 65_536;
/** Connect timeout. A host that accepts no connection within this time will not answer the request either. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Node's own default, pinned. An answer with more header bytes is not from Docker Hub. */
const HEADERS_MAX_BYTES = 16_384;

/** How to reach Docker Hub. */
export interface HubOptions {
  /** Scheme, host and port only. https, but for 127.0.0.1 and localhost; {@link DOCKER_HUB_ORIGIN} when absent. */
  readonly origin?: string;
  /** Timeout of one call, including connecting and reading the body. A login with two steps is one call. */
  readonly timeoutMs: number;
  /** `hublease/VERSION`. Docker Hub stores it with each token (`creator_ua`), and its edge blocks clients without a User-Agent. */
  readonly userAgent: string;
  /** Our clock, by which retry and expiry times are given. */
  readonly nowMs: () => number;
  /** Sends every request; the caller closes it. See {@link hubDispatcher}. */
  readonly dispatcher: Dispatcher;
}

export interface HubRequest {
  /** Only `npm run live-check` sends PATCH. */
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Built from constants and checked names only. */
  readonly path: string;
  readonly bearer?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly maxBytes: number;
  /** `status`: of a 2xx only the status counts and its body is not read. */
  readonly expects: 'json' | 'status';
}

/** The kind of the answer by its Content-Type; `none` if there is no Content-Type. */
export type BodyForm = 'json' | 'html' | 'none' | 'other';

/** An answer as received, with any status. */
export interface HubAnswer {
  readonly status: number;
  readonly form: BodyForm;
  /** The parsed body, if it is JSON and was read. */
  readonly json?: unknown;
  readonly headers: HubHeaders;
  readonly meta: HubMeta;
}

/** Sends one request, once, and reads its answer. A `fault` if no answer could be read. Never rejects. */
export type Exchange = (request: HubRequest, deadline: AbortSignal) => Promise<HubReply<HubAnswer>>;

/**
 * A dispatcher for Docker Hub: every request has its own connection, so none is sent on a connection that died while the process
 * was frozen. HTTP/1.1 only, because undici sends a request again by itself when the server ends an HTTP/2 connection before it
 * was answered. Takes no proxy and no TLS setting from the environment.
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
 * Makes the only function with which this adapter sends HTTP requests: fixed origin, no redirects, no retries, limited body and
 * time.
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
      // undici's errors can contain headers and the body, so nothing of them is passed on.
      return faultReply(deadline.aborted ? 'timeout' : 'connection', {});
    }
    // A body that is not read to its end emits an error that nothing else would catch.
    answer.body.on('error', () => {});
    try {
      return await readAnswer(answer, request, deadline);
    } finally {
      answer.body.destroy();
    }
  };
}

/**
 * Runs work with a signal that aborts it after a timeout, and then clears the timer. With a plain timeout signal, thousands of
 * timers and listeners would outlive their requests.
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

/** The reply of a call whose effect is unknown. */
export function faultReply(
  code: Extract<HubProblem, { tag: 'fault' }>['code'],
  meta: HubMeta,
): Extract<HubReply<never>, { ok: false }> {
  return { ok: false, problem: { tag: 'fault', code }, meta };
}

function checkedOrigin(text: string): string {
  // URL's own error quotes its input.
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
  // A 429 needs no body, so an unreadable body does not matter.
  if (status === 429) return { ok: true, value: { ...bare, meta: unread }, meta: unread };
  return faultReply(typeof body === 'string' ? body : 'malformed', unread);
}

/**
 * If a signal aborts while undici still connects, undici drops the request. But it reports this only after the connection is open
 * or has failed. So do not wait for it.
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
