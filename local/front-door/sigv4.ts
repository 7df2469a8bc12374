import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * How far a request's date may lie from our clock, either way. Source: AWS IAM User Guide, "Elements of an AWS API request
 * signature": a request must arrive within five minutes of its time stamp.
 */
export const SIGNATURE_MAX_SKEW_MS = 5 * 60_000;

/** What a credential scope must name besides the date. */
export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

/** The scope of API Gateway, in the one region that the embedded edition plays. */
export const EMBEDDED_SCOPE: SigningScope = { region: 'us-east-1', service: 'execute-api' };

/** A request as it came over the wire, and what is needed to check who signed it. */
export interface SignedRequest {
  readonly method: string;
  /** As in the request line, without the query. Nothing decoded. */
  readonly rawPath: string;
  /** What follows the first `?`; empty without one. Nothing decoded. */
  readonly rawQuery: string;
  /** Every value of every header, by lower-case name, in the order sent. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array;
  readonly nowMs: number;
  /** The secret of an access key; undefined for an unknown one. */
  readonly lookup: (accessKeyId: string) => string | undefined;
}

/** Why a request was not accepted. Holds no secret and no text of the caller's but header names and times that were parsed. */
export type SignatureRefusal =
  | { readonly reason: 'missing_authentication' }
  | { readonly reason: 'presigned_unsupported' }
  | { readonly reason: 'malformed'; readonly problem: string }
  | { readonly reason: 'duplicate_header'; readonly header: string }
  | { readonly reason: 'header_not_signed'; readonly header: string }
  | { readonly reason: 'expired'; readonly signedAtMs: number; readonly nowMs: number }
  | { readonly reason: 'not_yet_current'; readonly signedAtMs: number; readonly nowMs: number }
  | { readonly reason: 'bad_scope'; readonly expected: string }
  | { readonly reason: 'unsigned_payload' }
  | { readonly reason: 'body_hash_mismatch' }
  | { readonly reason: 'unknown_key' }
  | { readonly reason: 'signature_mismatch' };

export type SignatureVerdict =
  | { readonly ok: true; readonly accessKeyId: string; readonly signedAtMs: number }
  | ({ readonly ok: false } & SignatureRefusal);

/**
 * Checks the AWS Signature Version 4 of a request that carries it in its `Authorization` header, as API Gateway does: host,
 * date and every `x-amz-*` header must be signed, the date must be current, and the body is always hashed here. A signed
 * `x-amz-security-token` has no further meaning, since the embedded edition issues no sessions.
 *
 * Never throws, whatever the request holds. Source of the algorithm: AWS IAM User Guide, "Create a signed AWS API request".
 */
export function verifySignature(request: SignedRequest, scope: SigningScope = EMBEDDED_SCOPE): SignatureVerdict {
  const { headers, nowMs } = request;
  const query = parseQuery(request.rawQuery);
  if (query === undefined) return refuse({ reason: 'malformed', problem: 'the query is not URL-encoded UTF-8' });
  if (query.some(([name]) => PRESIGNED.test(name))) return refuse({ reason: 'presigned_unsupported' });

  const duplicate = [...headers].find(([name, values]) => isSingle(name) && values.length > 1);
  if (duplicate !== undefined) return refuse({ reason: 'duplicate_header', header: duplicate[0] });

  const authorization = headers.get('authorization')?.[0];
  if (authorization === undefined) return refuse({ reason: 'missing_authentication' });
  const claim = parseAuthorization(authorization);
  if (claim === undefined) {
    return refuse({
      reason: 'malformed',
      problem: 'expected Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…',
    });
  }

  const dateHeader = headers.has('x-amz-date') ? 'x-amz-date' : 'date';
  const signedAtMs = parseDate(headers.get(dateHeader)?.[0] ?? '');
  if (signedAtMs === undefined) {
    return refuse({ reason: 'malformed', problem: 'expected a date in X-Amz-Date, such as 20261121T093000Z' });
  }
  if (signedAtMs < nowMs - SIGNATURE_MAX_SKEW_MS) return refuse({ reason: 'expired', signedAtMs, nowMs });
  if (signedAtMs > nowMs + SIGNATURE_MAX_SKEW_MS) return refuse({ reason: 'not_yet_current', signedAtMs, nowMs });

  const timestamp = basicIso(signedAtMs);
  const expectedScope = `${timestamp.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`;
  if (claim.scope !== expectedScope) return refuse({ reason: 'bad_scope', expected: expectedScope });

  const mustBeSigned = ['host', dateHeader, ...[...headers.keys()].filter((name) => name.startsWith('x-amz-'))];
  const unsigned = mustBeSigned.find((name) => !claim.signedHeaders.includes(name));
  if (unsigned !== undefined) return refuse({ reason: 'header_not_signed', header: unsigned });
  if (claim.signedHeaders.some((name) => !headers.has(name))) {
    return refuse({ reason: 'malformed', problem: 'SignedHeaders names a header that did not arrive' });
  }

  const bodySha256 = createHash('sha256').update(request.body).digest('hex');
  const statedSha256 = headers.get('x-amz-content-sha256')?.[0];
  if (statedSha256 === 'UNSIGNED-PAYLOAD') return refuse({ reason: 'unsigned_payload' });
  if (statedSha256 !== undefined && statedSha256 !== bodySha256) return refuse({ reason: 'body_hash_mismatch' });

  const secretAccessKey = request.lookup(claim.accessKeyId);
  if (secretAccessKey === undefined) return refuse({ reason: 'unknown_key' });

  const canonicalRequest = [
    request.method,
    canonicalPath(request.rawPath),
    canonicalQuery(query),
    ...claim.signedHeaders.map((name) => `${name}:${canonicalValue(headers.get(name) ?? [])}`),
    '',
    claim.signedHeaders.join(';'),
    bodySha256,
  ].join('\n');
  const canonicalSha256 = createHash('sha256').update(canonicalRequest).digest('hex');
  const key = [timestamp.slice(0, 8), scope.region, scope.service, 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${secretAccessKey}`,
  );
  const expected = hmac(key, ['AWS4-HMAC-SHA256', timestamp, expectedScope, canonicalSha256].join('\n'));
  return timingSafeEqual(expected, claim.signature)
    ? { ok: true, accessKeyId: claim.accessKeyId, signedAtMs }
    : refuse({ reason: 'signature_mismatch' });
}

/**
 * Decodes a query into its pairs, in the order sent. A parameter without `=` has an empty value. `+` stays a plus sign: read
 * as a space it would give one signature two meanings. Returns undefined unless it is URL-encoded UTF-8.
 */
export function parseQuery(rawQuery: string): [name: string, value: string][] | undefined {
  try {
    return rawQuery
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const equals = pair.indexOf('=');
        return equals < 0
          ? [decodeURIComponent(pair), '']
          : [decodeURIComponent(pair.slice(0, equals)), decodeURIComponent(pair.slice(equals + 1))];
      });
  } catch {
    return undefined;
  }
}

function refuse(refusal: SignatureRefusal): SignatureVerdict {
  return { ok: false, ...refusal };
}

/** Parameters that only a presigned URL has. */
const PRESIGNED = /^x-amz-(algorithm|credential|signature)$/i;

/** Headers of which a second value could be read where the first was checked. */
function isSingle(name: string): boolean {
  return name === 'authorization' || name === 'host' || name === 'date' || name.startsWith('x-amz-');
}

interface Claim {
  readonly accessKeyId: string;
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly signature: Buffer;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=(\w{1,128})\/([^,\s]{1,256}), *SignedHeaders=([^,\s]{1,4096}), *Signature=([0-9a-f]{64})$/;

function parseAuthorization(text: string): Claim | undefined {
  const match = AUTHORIZATION.exec(text);
  if (match === null) return undefined;
  const [, accessKeyId, scope, names, signature] = match as unknown as [string, string, string, string, string];
  const signedHeaders = names.split(';');
  const sorted = [...new Set(signedHeaders)].sort().join(';').toLowerCase();
  if (names !== sorted) return undefined;
  return { accessKeyId, scope, signedHeaders, signature: Buffer.from(signature, 'hex') };
}

/**
 * Reads `20261121T093000Z`, or what a `Date` header has: `Sat, 21 Nov 2026 09:30:00 GMT`, where botocore writes `-0000` for
 * `GMT`. Nothing that is only like these.
 */
function parseDate(text: string): number | undefined {
  const basic = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  const [, year, month, day, hour, minute, second] = basic ?? [];
  const atMs = Date.parse(basic === null ? text : `${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(atMs)) return undefined;
  return (basic === null ? new Date(atMs).toUTCString() : basicIso(atMs)) === text.replace(/-0000$/, 'GMT')
    ? atMs
    : undefined;
}

function basicIso(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/**
 * Every service but S3 signs the normalised path, each of its already encoded segments encoded once more. A path with empty
 * or dot segments therefore verifies here; it is not canonical, and the handler refuses it.
 */
function canonicalPath(rawPath: string): string {
  const segments: string[] = [];
  for (const segment of rawPath.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(uriEncode(segment));
  }
  const slash = segments.length > 0 && rawPath.endsWith('/') ? '/' : '';
  return `/${segments.join('/')}${slash}`;
}

/** Sorted by encoded name, then by encoded value; not by the joined pair, in which `=` would sort after `-`. */
function canonicalQuery(query: readonly [string, string][]): string {
  return query
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function canonicalValue(values: readonly string[]): string {
  return values.map((value) => value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '')).join(',');
}

/** Encodes all but `A-Z a-z 0-9 - . _ ~`, as AWS' UriEncode does. */
function uriEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
