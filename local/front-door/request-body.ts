import type { IncomingMessage } from 'node:http';

/** Largest body that is handed on: four times what the handler accepts, so that the handler's own answer names its limit. */
export const BODY_MAX_BYTES = 64 * 1024;

/** How much of a larger body is read and dropped, so that its sender sees the answer rather than a reset connection. */
const DISCARD_MAX_BYTES = 1024 * 1024;

/** Reads a body; undefined when it is larger than {@link BODY_MAX_BYTES}. Rejects when the caller goes away. */
export async function readBody(req: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= BODY_MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
    if (sizeBytes > DISCARD_MAX_BYTES) break;
  }
  return sizeBytes > BODY_MAX_BYTES ? undefined : Buffer.concat(chunks);
}
