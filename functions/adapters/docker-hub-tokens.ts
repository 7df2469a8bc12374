import type { HubToken, HubTokenPage, TokenPlace } from '../core/ports.ts';
import { property } from './docker-hub-json.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Wider than Docker Hub's own rule (4 to 30 letters and digits), and still nothing that could leave its path segment. */
const ORGANIZATION = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/**
 * Path of a place's tokens.
 *
 * @throws Error when the organization's name does not belong into a path: a fault in hublease. Nothing was sent.
 */
export function tokensPath(place: TokenPlace): string {
  if (place.kind === 'pat') return '/v2/access-tokens';
  if (!ORGANIZATION.test(place.organization)) throw new Error('not the name of a Docker Hub organization');
  return `/v2/orgs/${place.organization}/access-tokens`;
}

/**
 * Path of one token.
 *
 * @throws Error as {@link tokensPath}, and when the id is no UUID. Neither is quoted: it might be the token itself.
 */
export function tokenPath(place: TokenPlace, tokenId: string): string {
  if (!isTokenId(tokenId)) throw new Error('not the id of a Docker Hub token');
  return `${tokensPath(place)}/${tokenId}`;
}

export function isTokenId(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** The member that holds a token's id, in lists and in the answer to a create. */
export function idField(place: TokenPlace): 'uuid' | 'id' {
  return place.kind === 'pat' ? 'uuid' : 'id';
}

/** Reads a page of tokens; undefined when any part of it is not as Docker Hub writes it. */
export function decodePage(json: unknown, place: TokenPlace): HubTokenPage | undefined {
  const total = property(json, place.kind === 'pat' ? 'count' : 'total');
  const next = property(json, 'next') ?? '';
  const results = property(json, 'results');
  if (!Number.isSafeInteger(total) || (total as number) < 0 || typeof next !== 'string' || !Array.isArray(results)) {
    return undefined;
  }
  const tokens = results.map((item) => decodeToken(item, place));
  if (!tokens.every((token) => token !== undefined)) return undefined;
  return { tokens, total: total as number, more: next !== '' };
}

/**
 * Reads one token; undefined when it is not as Docker Hub writes it. Times may be null, absent or empty where there is none.
 * A token that does not say whether it is active counts as active.
 */
export function decodeToken(json: unknown, place: TokenPlace): HubToken | undefined {
  const pat = place.kind === 'pat';
  const tokenId = property(json, idField(place));
  const label = property(json, pat ? 'token_label' : 'label');
  const isActive = property(json, 'is_active') ?? true;
  const createdAtMs = instant(property(json, 'created_at'));
  const expiresAtMs = instant(property(json, 'expires_at'));
  const lastUsedAtMs = instant(property(json, pat ? 'last_used' : 'last_used_at'));
  if (!isTokenId(tokenId) || typeof label !== 'string' || typeof isActive !== 'boolean') return undefined;
  if (typeof createdAtMs !== 'number' || expiresAtMs === undefined || lastUsedAtMs === undefined) return undefined;
  return { tokenId, label, createdAtMs, isActive, expiresAtMs, lastUsedAtMs };
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds of an RFC 3339 time, null where there is none, undefined when it is anything else. */
function instant(value: unknown): number | null | undefined {
  if (value === undefined || value === null || value === '') return null;
  const atMs = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : atMs;
}
