import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { SignedRequest } from '../../local/front-door/sigv4.ts';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a client wants to send. */
export interface Draft {
  readonly method: string;
  /** As it goes over the wire: encoded, without the query. */
  readonly path: string;
  readonly query?: Record<string, string | string[]>;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A request as it goes over the wire. */
export interface Wire {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: [name: string, value: string][];
  readonly body: string;
}

/** The hash that the JavaScript SDK's signer asks for, on node:crypto. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof secret === 'string' ? secret : bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(typeof data === 'string' ? data : bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** Signs with the JavaScript SDK's signer. */
export async function sign(
  keys: Keys & { readonly sessionToken?: string },
  draft: Draft,
  atMs: number,
  { region = 'us-east-1', service = 'execute-api', host = '127.0.0.1', applyChecksum = true } = {},
): Promise<Wire> {
  const signer = new SignatureV4({ credentials: keys, region, service, sha256: Sha256, applyChecksum });
  const { method, path, query = {}, headers = {}, body = '' } = draft;
  const signed = await signer.sign(
    { method, protocol: 'http:', hostname: host, path, query, headers: { host, ...headers }, body },
    { signingDate: new Date(atMs) },
  );
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().map((value) => `${encode(name)}=${encode(value)}`),
  );
  return { method, path, query: pairs.join('&'), headers: Object.entries(signed.headers), body };
}

/** The request that the verifier gets when `wire` arrives. */
export function arrived(wire: Wire, keys: Keys, nowMs: number): SignedRequest {
  const groups = Map.groupBy(wire.headers, ([name]) => name.toLowerCase());
  return {
    method: wire.method,
    rawPath: wire.path,
    rawQuery: wire.query,
    headers: new Map([...groups].map(([name, pairs]) => [name, pairs.map(([, value]) => value)])),
    body: Buffer.from(wire.body),
    nowMs,
    lookup: (id) => (id === keys.accessKeyId ? keys.secretAccessKey : undefined),
  };
}

/** Replaces a header's values; none removes it. */
export function withHeader(wire: Wire, name: string, ...values: string[]): Wire {
  const others = wire.headers.filter(([other]) => other.toLowerCase() !== name.toLowerCase());
  return { ...wire, headers: [...others, ...values.map((value): [string, string] => [name, value])] };
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** Sends a request exactly as given. */
export function send(port: number, wire: Wire): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const req = request({
    host: '127.0.0.1',
    port,
    agent: false,
    method: wire.method,
    path: wire.query === '' ? wire.path : `${wire.path}?${wire.query}`,
    headers: [...wire.headers, ['content-length', String(Buffer.byteLength(wire.body))]].flat(),
  });
  req.on('error', reject);
  req.on('response', (res) => {
    res.setEncoding('utf8');
    let body = '';
    res.on('data', (chunk: string) => {
      body += chunk;
    });
    res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }));
    res.on('error', reject);
  });
  req.end(wire.body);
  return promise;
}
