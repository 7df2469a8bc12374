/** Docker Hub's answers nest five levels at most. */
const MAX_DEPTH = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Parses untrusted JSON; undefined if it is not UTF-8, not JSON, or nested too deep. The parser's own error quotes its input, so
 * it is not passed on.
 */
export function parseJson(bytes: Buffer): { readonly value: unknown } | undefined {
  if (!nestsWithin(bytes)) return undefined;
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

/** An own member of a parsed object, or undefined. */
export function property(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, name)
    ? (json as Record<string, unknown>)[name]
    : undefined;
}

/**
 * Whether no bracket outside a string is deeper than allowed. Works on bytes, because in UTF-8 longer characters contain no
 * ASCII.
 */
function nestsWithin(bytes: Buffer): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (OPENING.has(byte) && ++depth > MAX_DEPTH) return false;
    else if (CLOSING.has(byte)) depth--;
  }
  return true;
}
