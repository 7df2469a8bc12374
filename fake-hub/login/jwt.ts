/**
 * The fake's own HS256 tokens (RFC 7519). Docker signs its bearers with keys of its own; clients never verify them, they only
 * read the claims, so a symmetric key made by the fake serves.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

/** Signs claims; times in them are whole seconds. `more` stands in the header besides the algorithm and the type. */
export function signJwt(claims: Claims, key: Buffer, more: Claims = {}): string {
  const header = { alg: 'HS256', typ: 'JWT', ...more };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${mac(signed, key).toString('base64url')}`;
}

/** The claims of a token signed with `key` for `audience` that has not expired, or undefined. */
export function verifyJwt(token: string, key: Buffer, audience: string, nowMs: number): Claims | undefined {
  const [header, payload, signature, ...rest] = token.split('.');
  if (payload === undefined || signature === undefined || rest.length > 0) return undefined;
  const given = Buffer.from(signature, 'base64url');
  const expected = mac(`${header}.${payload}`, key);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  // Only what this fake signed gets here, so it is JSON.
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  const forAudience = claims.aud === audience || (Array.isArray(claims.aud) && claims.aud.includes(audience));
  return forAudience && typeof claims.exp === 'number' && claims.exp * 1_000 > nowMs ? claims : undefined;
}

function mac(text: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
