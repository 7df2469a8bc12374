import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../../client/client.ts';

/** One request as it is sent and its answer as it came. */
export interface Exchange {
  readonly method: string;
  /** With the stage and the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status: number;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answer: unknown;
}

export interface Request extends Pick<Exchange, 'method' | 'path' | 'body'> {
  readonly headers?: Readonly<Record<string, string>>;
}

/** Signs one request for the embedded edition and sends it. */
export async function sendSigned(
  origin: string,
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
  request: Request,
): Promise<Exchange> {
  const { method, path, body, headers = {} } = request;
  const url = new URL(path, origin);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const signer = new SignatureV4({ credentials, region: 'us-east-1', service: 'execute-api', sha256: Sha256 });
  const signed = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, ...headers, ...(text !== undefined && { 'content-type': 'application/json' }) },
    body: text,
  });
  const { host: _host, 'content-length': _length, ...sent } = signed.headers;
  const response = await fetch(url, { method, headers: sent, ...(text !== undefined && { body: text }) });
  return {
    method,
    path,
    headers,
    ...(body !== undefined && { body }),
    status: response.status,
    answerHeaders: Object.fromEntries(response.headers),
    answer: await response.json(),
  };
}
