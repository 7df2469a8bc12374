import type { HubToken, HubTokenPage, TokenPlace } from '../../core/ports/docker-hub.ts';
import { property } from './json.ts';

/** Ids were always UUIDs so far. Any other id is accepted if it fits into one segment of a path. */
const TOKEN_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** Docker Hub is younger than this, so an earlier time means no time. Some services write the year 1. */
const FIRST_INSTANT_MS = Date.UTC(2000, 0, 1);
const USER_AGENT_MAX_CHARACTERS = 256;
/** Allows more than Docker Hub's own rule (4 to 30 letters and digits), but nothing that could leave its path segment. */
const ORGANIZATION = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/**
 * Path of a place's tokens.
 *
 * @throws Error if the organization's name is not allowed in a path, which is a bug in hublease. Nothing was sent.
 */
export function tokensPath(place: TokenPlace): string {
  if (place.kind === 'pat') return '/v2/access-tokens';
  if (!ORGANIZATION.test(place.organization)) throw new Error('not the name of a Docker Hub organization');
  return `/v2/orgs/${place.organization}/access-tokens`;
}

/**
 * Path of one token.
 *
 * @throws Error as {@link tokensPath}, and when the id does not belong into a path. Neither is quoted: it might be the token
 *   itself.
 */
export function tokenPath(place: TokenPlace, tokenId: string): string {
  if (!isTokenId(tokenId)) throw new Error('not the id of a Docker Hub token');
  return `${tokensPath(place)}/${tokenId}`;
}

export function isTokenId(value: unknown): value is string {
  return typeof value === 'string' && TOKEN_ID.test(value) && !value.startsWith('dckr_');
}

/** The member that holds a token's id, in lists and in the answer to a create. */
export function idField(place: TokenPlace): 'uuid' | 'id' {
  return place.kind === 'pat' ? 'uuid' : 'id';
}

/** Reads a page of tokens; undefined when it has no count or list, or a token without an id. */
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
 * Reads one token; undefined without an id. One unusual token, which may belong to anybody, must not make an account's list
 * unusable. So all other members may be missing: the label is then empty, times are null, and the token counts as active.
 */
export function decodeToken(json: unknown, place: TokenPlace): HubToken | undefined {
  const pat = place.kind === 'pat';
  const tokenId = property(json, idField(place));
  if (!isTokenId(tokenId)) return undefined;
  const label = property(json, labelField(place));
  const creator = property(json, pat ? 'creator_ua' : 'created_by');
  const isNamed = typeof creator === 'string' && creator !== '';
  return {
    tokenId,
    label: typeof label === 'string' ? label : '',
    createdAtMs: instant(property(json, 'created_at')),
    isActive: property(json, 'is_active') !== false,
    expiresAtMs: instant(property(json, 'expires_at')),
    lastUsedAtMs: instant(property(json, pat ? 'last_used' : 'last_used_at')),
    ...(isNamed && { [pat ? 'creatorUserAgent' : 'createdBy']: creator.slice(0, USER_AGENT_MAX_CHARACTERS) }),
  };
}

/** The member that holds a token's label. */
export function labelField(place: TokenPlace): 'token_label' | 'label' {
  return place.kind === 'pat' ? 'token_label' : 'label';
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds of an RFC 3339 time from the year 2000 on, null for anything else. */
export function instant(value: unknown): number | null {
  const atMs = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : Number.NaN;
  return atMs >= FIRST_INSTANT_MS ? atMs : null;
}
