import { describe, expect, it } from 'vitest';
import { Failed } from '../../functions/core/model/failure.ts';
import { checkResources, namespaceResources, resourcesCover } from '../../functions/core/model/resource.ts';
import type { OatResource } from '../../functions/core/model/scope.ts';

function repo(path: string, ...scopes: string[]): OatResource {
  return { type: 'TYPE_REPO', path, scopes };
}

function org(path: string, ...scopes: string[]): OatResource {
  return { type: 'TYPE_ORG', path, scopes };
}

/** Narrow to wide. Source: Docker manuals, "Access token reference". */
const FAMILIES: [OatResource['type'], string, string[]][] = [
  ['TYPE_REPO', 'acme/app', ['scope-image-pull', 'scope-image-push', 'scope-image-delete']],
  ['TYPE_REPO', 'acme/app', ['scope-repository-read', 'scope-repository-edit', 'scope-repository-admin']],
  ['TYPE_REPO', 'acme/app', ['scope-tag-read', 'scope-tag-admin']],
  ['TYPE_REPO', 'acme/app', ['scope-webhook-read', 'scope-webhook-edit', 'scope-webhook-admin']],
  ['TYPE_REPO', 'acme/app', ['scope-repo-group-read', 'scope-repo-group-edit', 'scope-repo-group-admin']],
  ['TYPE_REPO', 'acme/app', ['scope-repository-settings-admin']],
  ['TYPE_ORG', 'acme', ['scope-member-read', 'scope-member-edit']],
  ['TYPE_ORG', 'acme', ['scope-invite-read', 'scope-invite-edit']],
  ['TYPE_ORG', 'acme', ['scope-group-read', 'scope-group-edit']],
  ['TYPE_ORG', 'acme', ['scope-activity-read']],
  ['TYPE_ORG', 'acme', ['scope-siem_credentials-read']],
  ['TYPE_ORG', 'acme', ['scope-ram-read', 'scope-ram-write']],
  ['TYPE_ORG', 'acme', ['scope-report-read']],
  ['TYPE_ORG', 'acme', ['scope-repository-create']],
  ['TYPE_ORG', 'acme', ['scope-repository-list']],
  ['TYPE_ORG', 'acme', ['scope-registry-usage-read']],
];

function known(type: OatResource['type']): string[] {
  return FAMILIES.flatMap(([of, , family]) => (of === type ? family : []));
}

function refusal(resources: readonly OatResource[]) {
  try {
    checkResources(resources, 'acme', 'resources');
    return undefined;
  } catch (error) {
    return (error as Failed).failure;
  }
}

describe('resources', () => {
  it.each([
    repo('acme/app', 'scope-image-pull'),
    repo('acme/a', 'scope-repository-read', 'scope-tag-admin', 'scope-webhook-edit'),
    repo('acme/my.app_2-x', 'scope-repo-group-edit'),
    repo(`acme/${'x'.repeat(255)}`, 'scope-image-delete'),
    repo('acme/*', 'scope-image-push'),
    repo('*/*/public', 'scope-image-pull'),
    repo('acme/app', 'scope-repository-settings-admin'),
    org('acme', 'scope-member-read', 'scope-invite-edit', 'scope-group-read', 'scope-activity-read'),
    org('acme', 'scope-siem_credentials-read', 'scope-ram-write', 'scope-report-read', 'scope-repository-create'),
    org('acme', 'scope-repository-list', 'scope-registry-usage-read'),
  ])('may be %j', (resource) => {
    expect(refusal([resource])).toBeUndefined();
  });

  it.each([
    repo('other/app', 'scope-image-pull'),
    repo('acme', 'scope-image-pull'),
    repo('acme/', 'scope-image-pull'),
    repo('acme/app/x', 'scope-image-pull'),
    repo('acme/App', 'scope-image-pull'),
    repo('acme/-app', 'scope-image-pull'),
    repo('acme/app-', 'scope-image-pull'),
    repo('acme/ap p', 'scope-image-pull'),
    repo('acme/ap*', 'scope-image-pull'),
    repo(`acme/${'x'.repeat(256)}`, 'scope-image-pull'),
    repo('other/*', 'scope-image-pull'),
    repo('*/*', 'scope-image-pull'),
    repo('acme/*/public', 'scope-image-pull'),
    repo('acme2/app', 'scope-image-pull'),
  ])('may not reach %j', (resource) => {
    expect(refusal([resource])).toEqual({
      tag: 'invalid_field',
      field: 'resources.0.path',
      problem: 'expected "acme/NAME", "acme/*" or "*/*/public"',
    });
  });

  it.each(['other', 'acme/app', 'acme/*', '*/*/public', ''])('of an organization may not reach %j', (path) => {
    expect(refusal([org(path, 'scope-member-read')])).toEqual({
      tag: 'invalid_field',
      field: 'resources.0.path',
      problem: 'expected the organization, "acme"',
    });
  });

  it.each([
    repo('acme/app'),
    repo('acme/app', 'scope-image-pull', 'scope-nonsense'),
    repo('acme/app', 'scope-member-read'),
    org('acme', 'scope-image-pull'),
    org('acme'),
  ])('may not have the scopes of %j', (resource) => {
    expect(refusal([repo('acme/app', 'scope-image-pull'), resource])).toMatchObject({
      tag: 'invalid_field',
      field: 'resources.1.scopes',
      problem: `expected scopes of ${resource.type}: ${known(resource.type).join(', ')}`,
    });
  });

  it('may be none', () => {
    expect(refusal([])).toBeUndefined();
  });

  it('of a whole namespace are all its repositories, with pull', () => {
    expect(namespaceResources('acme')).toEqual([repo('acme/*', 'scope-image-pull')]);
    expect(refusal(namespaceResources('acme'))).toBeUndefined();
  });

  it('are refused as a failure with its evidence', () => {
    expect(() => checkResources([repo('x', 'y')], 'acme', 'given')).toThrow(Failed);
  });
});

describe.each(FAMILIES)('the scopes of %s on %s, %j', (type, path, family) => {
  const everyScope = FAMILIES.flatMap(([, , scopes]) => scopes);
  const holds = (scope: string): OatResource => ({ type, path, scopes: [scope] });

  it('are known', () => {
    expect(refusal(family.map(holds))).toBeUndefined();
  });

  it('each cover themselves and the narrower ones of the family, and nothing else', () => {
    for (const [index, held] of family.entries()) {
      const covered = everyScope.filter((wanted) => resourcesCover([holds(held)], [holds(wanted)]));
      expect(covered).toEqual(family.slice(0, index + 1));
    }
  });
});

describe('what resources cover', () => {
  it.each<[string, OatResource[], OatResource[], boolean]>([
    ['the same', [repo('acme/app', 'scope-image-pull')], [repo('acme/app', 'scope-image-pull')], true],
    ['a narrower scope', [repo('acme/app', 'scope-image-delete')], [repo('acme/app', 'scope-image-pull')], true],
    ['a wider scope', [repo('acme/app', 'scope-image-pull')], [repo('acme/app', 'scope-image-push')], false],
    [
      'a scope of another family',
      [repo('acme/app', 'scope-image-delete')],
      [repo('acme/app', 'scope-tag-read')],
      false,
    ],
    ['a scope that nobody knows', [repo('acme/app', 'scope-image-delete')], [repo('acme/app', 'scope-x')], false],
    ['a scope that nobody knows from itself', [repo('acme/app', 'scope-x')], [repo('acme/app', 'scope-x')], false],
    ['one repository of all', [repo('acme/*', 'scope-image-pull')], [repo('acme/app', 'scope-image-pull')], true],
    ['all of all', [repo('acme/*', 'scope-image-pull')], [repo('acme/*', 'scope-image-pull')], true],
    [
      'a narrow scope where others that do not cover it were given with it',
      [repo('acme/app', 'scope-image-push', 'scope-tag-read')],
      [repo('acme/app', 'scope-image-pull')],
      true,
    ],
    [
      'a pattern that Docker Hub does not document, of all',
      [repo('acme/*', 'scope-image-pull')],
      [repo('acme/team/*', 'scope-image-pull')],
      false,
    ],
    ['all of one', [repo('acme/app', 'scope-image-pull')], [repo('acme/*', 'scope-image-pull')], false],
    ['another repository', [repo('acme/app', 'scope-image-pull')], [repo('acme/app2', 'scope-image-pull')], false],
    [
      'a repository of a namespace with the same beginning',
      [repo('acme/*', 'scope-image-pull')],
      [repo('acme2/app', 'scope-image-pull')],
      false,
    ],
    [
      'all public ones from all of its own',
      [repo('acme/*', 'scope-image-pull')],
      [repo('*/*/public', 'scope-image-pull')],
      false,
    ],
    [
      'its own from all public ones: who is public is Docker Hub’s to say',
      [repo('*/*/public', 'scope-image-pull')],
      [repo('acme/app', 'scope-image-pull')],
      false,
    ],
    [
      'all public ones from themselves',
      [repo('*/*/public', 'scope-image-pull')],
      [repo('*/*/public', 'scope-image-pull')],
      true,
    ],
    ['the organization', [org('acme', 'scope-member-edit')], [org('acme', 'scope-member-read')], true],
    ['another type', [org('acme', 'scope-member-edit')], [repo('acme', 'scope-member-read')], false],
    [
      'scopes given by two entries together',
      [repo('acme/app', 'scope-image-pull'), repo('acme/*', 'scope-tag-read')],
      [repo('acme/app', 'scope-image-pull', 'scope-tag-read')],
      true,
    ],
    [
      'one of two that is not covered',
      [repo('acme/app', 'scope-image-push')],
      [repo('acme/app', 'scope-image-push'), repo('acme/web', 'scope-image-pull')],
      false,
    ],
    ['nothing', [], [], true],
    ['anything from nothing', [], [repo('acme/app', 'scope-image-pull')], false],
  ])('%s', (_, held, wanted, covered) => {
    expect(resourcesCover(held, wanted)).toBe(covered);
  });
});
