/** What an organization access token may reach. Source: Docker's "Access token permission reference". */

import type { Organization } from '../hub.ts';
import type { TokenResource } from './token-row.ts';

/** Docker's settings page takes 50 repositories per token. */
const MAX_RESOURCES = 50;

/** Any public repository. */
export const ALL_PUBLIC = '*/*/public';

/** In groups, narrowest first: a scope implies those before it in its group. */
const REPO_SCOPE_GROUPS: readonly (readonly string[])[] = [
  ['scope-image-pull', 'scope-image-push', 'scope-image-delete'],
  ['scope-repository-read', 'scope-repository-edit', 'scope-repository-admin'],
  ['scope-tag-read', 'scope-tag-admin'],
  ['scope-webhook-read', 'scope-webhook-edit', 'scope-webhook-admin'],
  ['scope-repo-group-read', 'scope-repo-group-edit', 'scope-repo-group-admin'],
  ['scope-repository-settings-admin'],
];

const REPO_SCOPES = new Set(REPO_SCOPE_GROUPS.flat());

/** The product scopes' resource type is not documented; the fake takes them on the organization. */
const ORG_SCOPES = new Set([
  'scope-member-read',
  'scope-member-edit',
  'scope-invite-read',
  'scope-invite-edit',
  'scope-group-read',
  'scope-group-edit',
  'scope-activity-read',
  'scope-siem_credentials-read',
  'scope-ram-read',
  'scope-ram-write',
  'scope-report-read',
  'scope-repository-create',
  'scope-repository-list',
  'scope-registry-usage-read',
  'scope-cloud-connect',
  'scope-audit_events-read',
  'scope-governance-policy-read',
  'scope-governance-policy-write',
]);

const IMAGE_SCOPES = ['scope-image-pull', 'scope-image-push', 'scope-image-delete'];
const IMAGE_ACTIONS = ['pull', 'push', 'delete'];

/** The resources as sent, or what is wrong with them. */
export function readResources(
  input: unknown,
  name: string,
  organization: Organization,
): { readonly resources: readonly TokenResource[] } | { readonly problem: string } {
  if (input === undefined) return { resources: [] };
  if (!Array.isArray(input) || input.length > MAX_RESOURCES) {
    return { problem: `must be an array of at most ${MAX_RESOURCES} resources` };
  }
  const resources: TokenResource[] = [];
  for (const [index, entry] of input.entries()) {
    const { type, path, scopes } = (entry ?? {}) as Record<string, unknown>;
    if (type !== 'TYPE_REPO' && type !== 'TYPE_ORG') return { problem: `resource ${index}: unknown type` };
    if (typeof path !== 'string' || !pathExists(type, path, name, organization)) {
      return { problem: `resource ${index}: path not found` };
    }
    const known = type === 'TYPE_REPO' ? REPO_SCOPES : ORG_SCOPES;
    if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every((scope) => known.has(scope))) {
      return { problem: `resource ${index}: unknown scope` };
    }
    resources.push({ type, path, scopes: scopes.map(String) });
  }
  return { resources };
}

/** Which of pull, push and delete the resources allow on a repository. */
export function imageActions(resources: readonly TokenResource[], repository: string, isPublic: boolean): string[] {
  const namespace = repository.split('/')[0];
  const widest = Math.max(
    -1,
    ...resources
      .filter(({ type, path }) => type === 'TYPE_REPO' && covers(path, repository, `${namespace}/*`, isPublic))
      .flatMap(({ scopes }) => scopes.map((scope) => IMAGE_SCOPES.indexOf(scope))),
  );
  return IMAGE_ACTIONS.slice(0, widest + 1);
}

function covers(path: string, repository: string, wholeNamespace: string, isPublic: boolean): boolean {
  return path === repository || path === wholeNamespace || (path === ALL_PUBLIC && isPublic);
}

function pathExists(type: string, path: string, name: string, organization: Organization): boolean {
  if (type === 'TYPE_ORG') return path === name;
  return path === ALL_PUBLIC || path === `${name}/*` || organization.repositories.has(path);
}
