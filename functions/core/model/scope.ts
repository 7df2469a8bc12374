import { fail } from './failure.ts';

/**
 * What a personal access token may do, narrowest first. Each scope implies those before it, and none can be limited to one
 * repository. Source: Docker Hub API reference, "Personal Access Tokens", scopes.
 */
export const PAT_SCOPES = ['repo:public_read', 'repo:read', 'repo:write', 'repo:admin'] as const;

export type PatScope = (typeof PAT_SCOPES)[number];

/** One entry of the resources of an organization access token. */
export interface OatResource {
  readonly type: 'TYPE_REPO' | 'TYPE_ORG';
  readonly path: string;
  readonly scopes: readonly string[];
}

/** Whether a token with scope `held` may do everything that `wanted` allows. */
export function covers(held: PatScope, wanted: PatScope): boolean {
  return PAT_SCOPES.indexOf(held) >= PAT_SCOPES.indexOf(wanted);
}

/**
 * Reads one scope, a comma-separated list or an array of scopes, and returns the widest one, which includes all others.
 *
 * @throws Failed `invalid_field` for an empty list or an unknown scope.
 */
export function effectiveScope(input: string | readonly string[], field: string): PatScope {
  const words = (typeof input === 'string' ? input.split(',') : input).map((word) => word.trim());
  const widest = PAT_SCOPES.findLast((scope) => words.includes(scope));
  if (widest === undefined || !words.every((word) => PAT_SCOPES.some((scope) => scope === word))) {
    throw fail({ tag: 'invalid_field', field, problem: `expected one or more of ${PAT_SCOPES.join(', ')}` });
  }
  return widest;
}
