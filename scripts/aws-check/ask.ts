import { SignatureV4 } from '@smithy/signature-v4';
import { type Credentials, Sha256 } from '../../client/client.ts';

/** An answer as it came. */
export interface Reply {
  readonly status: number;
  /** Parsed JSON; undefined where the answer is none. */
  readonly body: unknown;
}

/**
 * Signs and sends one request, once. `path` stands below the endpoint and goes out byte for byte, so that a check can also send what
 * the typed client refuses to build.
 *
 * @throws any error of the network or of the credential provider.
 */
export type Ask = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) => Promise<Reply>;

export interface AskOptions {
  /** With the stage, without a slash at the end. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: () => Promise<Credentials>;
  /** Must refuse redirects as it is told. */
  readonly fetch: typeof fetch;
}

/** API Gateway itself ends a request after 29 s. */
const TIMEOUT_MS = 35_000;

/** Requests of one principal. */
export function signedAsk({ endpoint, region, credentials, fetch }: AskOptions): Ask {
  const base = new URL(endpoint);
  const signer = new SignatureV4({ credentials, region, service: 'execute-api', sha256: Sha256 });
  return async (method, path, body) => {
    const [pathname = '', search = ''] = (base.pathname + path).split('?');
    const text = body === undefined ? undefined : JSON.stringify(body);
    const signed = await signer.sign({
      method,
      protocol: base.protocol,
      hostname: base.hostname,
      path: pathname,
      query: Object.fromEntries(new URLSearchParams(search)),
      headers: { host: base.host, ...(text !== undefined && { 'content-type': 'application/json' }) },
      body: text,
    });
    const { host: _host, 'content-length': _length, ...headers } = signed.headers;
    const response = await fetch(`${base.origin}${pathname}${search === '' ? '' : `?${search}`}`, {
      method,
      headers,
      ...(text !== undefined && { body: text }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, body: parsed(await response.text()) };
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A member of an answer by its path, such as `lease.id`; undefined where there is none. */
export function member(body: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | null | undefined)?.[name], body);
}

/** The same, where it is text. */
export function textIn(body: unknown, path: string): string | undefined {
  const value = member(body, path);
  return typeof value === 'string' ? value : undefined;
}

/** Status and problem code of an answer, such as `403 access_denied`. Never the answer's own words. */
export function answerText({ status, body }: Reply): string {
  const code = textIn(body, 'code');
  return code !== undefined && /^[a-z][a-z0-9_]{0,60}$/.test(code) ? `${status} ${code}` : `${status}`;
}
