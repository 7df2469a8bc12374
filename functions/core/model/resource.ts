import { fail } from './failure.ts';
import type { OatResource } from './scope.ts';

/**
 * Scopes of organization access tokens, each family from narrow to wide, if it has an order. Source: Docker manuals, "Access
 * token reference".
 */
const REPO_FAMILIES = [
  ['scope-image-pull', 'scope-image-push', 'scope-image-delete'],
  ['scope-repository-read', 'scope-repository-edit', 'scope-repository-admin'],
  ['scope-tag-read', 'scope-tag-admin'],
  ['scope-webhook-read', 'scope-webhook-edit', 'scope-webhook-admin'],
  ['scope-repo-group-read', 'scope-repo-group-edit', 'scope-repo-group-admin'],
  ['scope-repository-settings-admin'],
] as const;

const ORG_FAMILIES = [
  ['scope-member-read', 'scope-member-edit'],
  ['scope-invite-read', 'scope-invite-edit'],
  ['scope-group-read', 'scope-group-edit'],
  ['scope-activity-read'],
  ['scope-siem_credentials-read'],
  ['scope-ram-read', 'scope-ram-write'],
  ['scope-report-read'],
  ['scope-repository-create'],
  ['scope-repository-list'],
  ['scope-registry-usage-read'],
] as const;

const FAMILIES: Record<OatResource['type'], readonly (readonly string[])[]> = {
  TYPE_REPO: REPO_FAMILIES,
  TYPE_ORG: ORG_FAMILIES,
};

/** Any public repository of anybody. Source: Docker Hub API reference, organization access tokens, TYPE_REPO paths. */
const ALL_PUBLIC = '*/*/public';
const REPOSITORY = /^[a-z0-9](?:[a-z0-9._-]{0,253}[a-z0-9])?$/;

/** Pull for all repositories of one organization. `namespace` is short for this. */
export function namespaceResources(namespace: string): readonly OatResource[] {
  return [{ type: 'TYPE_REPO', path: `${namespace}/*`, scopes: ['scope-image-pull'] }];
}

/**
 * Checks resources against what Docker Hub documents for an organization: repositories of its own, all of them, or all public
 * ones, with repository scopes; or the organization itself, with organization scopes.
 *
 * @throws Failed `invalid_field` that names the first entry that does not fit.
 */
export function checkResources(resources: readonly OatResource[], organization: string, field: string): void {
  for (const [index, { type, path, scopes }] of resources.entries()) {
    if (!isPathOf(type, path, organization)) {
      const problem =
        type === 'TYPE_ORG'
          ? `expected the organization, "${organization}"`
          : `expected "${organization}/NAME", "${organization}/*" or "${ALL_PUBLIC}"`;
      throw fail({ tag: 'invalid_field', field: `${field}.${index}.path`, problem });
    }
    const known = FAMILIES[type].flat();
    if (scopes.length === 0 || !scopes.every((scope) => known.includes(scope))) {
      const problem = `expected scopes of ${type}: ${known.join(', ')}`;
      throw fail({ tag: 'invalid_field', field: `${field}.${index}.scopes`, problem });
    }
  }
}

function isPathOf(type: OatResource['type'], path: string, organization: string): boolean {
  if (type === 'TYPE_ORG') return path === organization;
  if (path === ALL_PUBLIC || path === `${organization}/*`) return true;
  const [owner, name, ...rest] = path.split('/');
  return owner === organization && rest.length === 0 && REPOSITORY.test(name ?? '');
}

/** Whether `held` allows everything that `wanted` allows. */
export function resourcesCover(held: readonly OatResource[], wanted: readonly OatResource[]): boolean {
  return wanted.every((want) =>
    want.scopes.every((scope) =>
      held.some(
        (have) =>
          have.type === want.type &&
          pathCovers(have.path, want.path) &&
          have.scopes.some((granted) => scopeCovers(FAMILIES[have.type], granted, scope)),
      ),
    ),
  );
}

function pathCovers(held: string, wanted: string): boolean {
  if (held === wanted) return true;
  // Only Docker Hub knows which repositories are public, so "all public ones" covers only itself.
  return held.endsWith('/*') && wanted.startsWith(held.slice(0, -1)) && !wanted.endsWith('/*');
}

function scopeCovers(families: readonly (readonly string[])[], held: string, wanted: string): boolean {
  const family = families.find((each) => each.includes(wanted)) ?? [];
  return family.includes(held) && family.indexOf(held) >= family.indexOf(wanted);
}
