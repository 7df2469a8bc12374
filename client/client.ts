import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AnswerOf, Operation } from '../functions/wire/operations.ts';
import type { Problem } from '../functions/wire/problem.ts';
import { type AnyRoute, ROUTES } from '../functions/wire/routes.ts';
import { directFetch } from './direct-fetch.ts';
import { isLoopback } from './loopback.ts';

/** What signs the requests. Any credential provider of the AWS SDK gives these. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface ClientOptions {
  /** With the stage: `https://ID.execute-api.REGION.amazonaws.com/v1`. */
  readonly endpoint: string;
  /** `us-east-1` when absent, which the embedded edition expects. */
  readonly region?: string;
  readonly credentials: Credentials | (() => Promise<Credentials>);
  /** Most time one request takes; API Gateway itself ends it after 29 s. 30 s when absent. */
  readonly timeoutMs?: number;
  /**
   * Sends the requests. It must refuse redirects as it is told. When absent, requests to this machine go straight to it, past every
   * proxy, and others go by Node's own `fetch`.
   */
  readonly fetch?: typeof fetch;
}

/** What one operation takes. */
export interface Call {
  /** The name or id in the operation's path. */
  readonly name?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of a mint: sent again with the same key, it answers for the same lease and never leaves two live tokens. */
  readonly idempotencyKey?: string;
  /** Of a PUT: an `etag`, so that only what was seen is changed, or `*` for whatever there is. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

/** An operation's answer. */
export type Answered<Op extends Operation> = AnswerOf<Op> & {
  /** The version of the one target or secret that was answered, as `ifMatch` takes it. */
  readonly etag?: string;
};

/** hublease answered with an error: an RFC 9457 problem. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  /** From the `Retry-After` header. */
  readonly retryAfterSeconds: number | undefined;

  constructor(problem: Problem, retryAfterSeconds: number | undefined) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** There was no answer of hublease: no connection, too late, or something else answered in its place. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  /** Absent where nothing answered. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

export interface Client {
  /**
   * Signs and sends one request, once: a `mintLease` repeated without an `idempotencyKey` would mint twice.
   *
   * @throws ProblemError, NoAnswerError, or whatever the credential provider throws.
   */
  call<Op extends Operation>(operation: Op, call?: Call): Promise<Answered<Op>>;
}

/** hublease's API, typed after its operations, for Node. */
export function hubleaseClient(options: ClientOptions): Client {
  const { endpoint, region = 'us-east-1', timeoutMs = 30_000 } = options;
  const base = new URL(endpoint.replace(/\/+$/, ''));
  const ask = options.fetch ?? (isLoopback(base) ? directFetch() : fetch);
  const signer = new SignatureV4({
    credentials: typeof options.credentials === 'function' ? options.credentials : { ...options.credentials },
    region,
    service: 'execute-api',
    sha256: Sha256,
  });

  return {
    async call(operation, { name, query = {}, body, idempotencyKey, ifMatch, signal } = {}) {
      const route: AnyRoute = ROUTES.find((each) => each.operation === operation) as AnyRoute;
      const path = base.pathname + route.path.replace(/\{\w+\+?\}/, () => name ?? '');
      const text = body === undefined ? undefined : JSON.stringify(body);
      const signed = await signer.sign({
        method: route.method,
        protocol: base.protocol,
        hostname: base.hostname,
        path,
        query: { ...query },
        headers: {
          host: base.host,
          ...(text !== undefined && { 'content-type': 'application/json' }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
          ...(ifMatch !== undefined && { 'if-match': ifMatch }),
        },
        body: text,
      });
      // fetch sets these two itself, to the very values that were signed.
      const { host: _host, 'content-length': _length, ...headers } = signed.headers;
      const search = new URLSearchParams(query).toString().replaceAll('+', '%20');
      const timeout = AbortSignal.timeout(timeoutMs);
      const response = await send(ask, `${base.origin}${path}${search === '' ? '' : `?${search}`}`, {
        method: route.method,
        headers,
        ...(text !== undefined && { body: text }),
        redirect: 'error',
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      return (await readAnswer(response)) as Answered<typeof operation>;
    },
  };
}

async function send(ask: typeof fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await ask(url, init);
  } catch (error) {
    throw noAnswer(error);
  }
}

/** Why a request, or the rest of its answer, came to nothing. Of the error only its name and code go further. */
function noAnswer(error: unknown): NoAnswerError {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  if (name === 'TimeoutError') return new NoAnswerError('hublease did not answer in time');
  if (name === 'AbortError') return new NoAnswerError('the request was given up');
  return new NoAnswerError(`hublease could not be reached (${cause?.code ?? 'no connection'})`);
}

async function readAnswer(response: Response): Promise<{ status: number; body: unknown; etag?: string }> {
  const text = await response.text().catch((error: unknown) => Promise.reject(noAnswer(error)));
  const json = parsed(text);
  if (response.ok && json !== undefined) {
    const etag = response.headers.get('etag');
    return { status: response.status, body: json, ...(etag !== null && { etag }) };
  }
  if (isProblem(json)) {
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
    throw new ProblemError(json, Number.isFinite(retryAfter) ? retryAfter : undefined);
  }
  throw new NoAnswerError(`status ${response.status} from something that is not hublease`, response.status);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(json: unknown): json is Problem {
  const { code, detail } = (json ?? {}) as Partial<Problem>;
  return typeof code === 'string' && typeof detail === 'string';
}

/** The hash that the signer asks for, on node:crypto. */
export class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
