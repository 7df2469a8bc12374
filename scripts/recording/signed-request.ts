import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

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

/** The hash that the signer asks for, on node:crypto. */
class Sha256 {
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
