/** Reading a request from a socket, bounded, and writing an answer to it. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';

/** Names the fake in every answer, so that nobody takes it for Docker's. */
export const SERVER_NAME = 'hublease-fake-docker-hub';

/** More than any Docker Hub request of a token route needs. */
export const MAX_BODY_BYTES = 64 * 1024;

/** The whole body, or undefined when it is larger than `MAX_BODY_BYTES`. Rejects when the client goes away. */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    // What comes after the bound is read and dropped, so that the client gets to see its 413.
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
      else resolve(undefined);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}

/** Parsed JSON, or undefined for what does not call itself JSON or is none. */
export function parseBody(body: Buffer, contentType: string | undefined): unknown {
  if (!/^application\/json\b/i.test(contentType ?? '')) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** The fields of a form, or none for what does not call itself one. */
export function parseForm(body: Buffer, contentType: string | undefined): URLSearchParams {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType ?? '');
  return new URLSearchParams(isForm ? body.toString() : '');
}

/** Sends an answer with the fake's name and clock. Does nothing when the client is gone. */
export function send(
  response: ServerResponse,
  answer: Answer,
  nowMs: number,
  more: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed) return;
  response.sendDate = false;
  response.writeHead(answer.status, {
    date: new Date(nowMs).toUTCString(),
    server: SERVER_NAME,
    ...more,
    ...answer.headers,
    ...(hasLength(answer) ? { 'content-length': Buffer.byteLength(answer.body) } : {}),
  });
  response.end(answer.body);
}

function hasLength(answer: Answer): boolean {
  return answer.status !== 204 && answer.headers['transfer-encoding'] === undefined;
}

/** Ends the connection with a TCP reset. */
export function resetConnection(request: IncomingMessage): void {
  request.socket.resetAndDestroy();
}
