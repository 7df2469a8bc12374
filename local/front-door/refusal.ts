import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { APIGatewayProxyResult } from 'aws-lambda';
import { PROBLEM_CONTENT_TYPE, type Problem } from '../../functions/wire/problem.ts';
import { STAGE } from '../../functions/wire/route.ts';
import type { ForeignRefusal } from './own-requests.ts';
import { EMBEDDED_SCOPE, type SignatureRefusal } from './sigv4.ts';

/** A refusal of the front door itself, in the form that the handlers' refusals have: an RFC 9457 problem. */
export function problem(status: number, code: string, detail: string, requestId: string): APIGatewayProxyResult {
  const body: Problem = {
    type: `urn:hublease:problem:${code}`,
    title: STATUS_CODES[status] ?? '',
    status,
    detail,
    code,
    requestId,
  };
  return {
    statusCode: status,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE, 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}

/** What Node's HTTP parser and timers found wrong before there was a request. */
export const WIRE_FAULTS: Readonly<Record<string, readonly [status: number, code: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'headers_too_large', 'The headers are larger than 16 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'body_too_large', 'The chunk extensions are larger than 16 KiB.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'request_timeout', 'The request did not arrive in time.'],
};

/** Anything else that it found wrong. */
export const BAD_HTTP = [400, 'bad_http', 'The request is not valid HTTP/1.1.'] as const;

/** The whole answer, as bytes for the socket, to what never became a request. */
export function rawRefusal(faultCode: string | undefined): string {
  const requestId = randomUUID();
  const [status, code, detail] = WIRE_FAULTS[faultCode ?? ''] ?? BAD_HTTP;
  const { headers, body } = problem(status, code, detail, requestId);
  const lines = Object.entries({
    ...headers,
    'x-amzn-requestid': requestId,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

/** Says what failed and what to do, as precisely as AWS does. */
export function detailOf(refusal: SignatureRefusal | ForeignRefusal): string {
  const { region, service } = EMBEDDED_SCOPE;
  switch (refusal.reason) {
    case 'missing_authentication':
      return `The request is not signed. Sign it with AWS Signature Version 4 for service ${service} in region ${region}.`;
    case 'presigned_unsupported':
      return 'A presigned URL is not accepted. Sign the request in its Authorization header.';
    case 'malformed':
      return `The signature cannot be read: ${refusal.problem}.`;
    case 'duplicate_header':
      return `The header ${refusal.header} was sent more than once.`;
    case 'header_not_signed':
      return `The header ${refusal.header} must be present and among SignedHeaders.`;
    case 'expired':
      return `The signature has expired: ${timesOf(refusal)}. Check the clock of the machine that signs.`;
    case 'not_yet_current':
      return `The signature is not yet current: ${timesOf(refusal)}. Check the clock of the machine that signs.`;
    case 'bad_scope':
      return `The credential scope must be ${refusal.expected}.`;
    case 'unsigned_payload':
      return 'UNSIGNED-PAYLOAD is not accepted. Sign the hash of the body.';
    case 'body_hash_mismatch':
      return 'X-Amz-Content-Sha256 is not the SHA-256 of the body that arrived.';
    case 'unknown_key':
      return 'This server does not know the access key. Use the credentials file in its data folder. A new data folder has new keys.';
    case 'signature_mismatch':
      return 'The signature does not match the request that arrived. Check the secret access key, and that nothing on the way changed the method, path, query, signed headers or body.';
    case 'other_host':
      return `The request is signed for another host. Use http://${refusal.expected}/${STAGE} as the endpoint.`;
    case 'signed_before_start':
      return `The request was signed at ${timeOf(refusal.signedAtMs)}, and this server has listened since ${timeOf(refusal.readyAtMs)}. Sign it again.`;
  }
}

function timesOf({ signedAtMs, nowMs }: { signedAtMs: number; nowMs: number }): string {
  return `signed at ${timeOf(signedAtMs)}, received at ${timeOf(nowMs)}, 5 minutes allowed`;
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
