import { describe, expect, it } from 'vitest';
import { decideGrant, type MintOrder, readyTarget } from '../../functions/core/leases/grant.ts';
import type { OatResource } from '../../functions/core/model/scope.ts';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { Target } from '../../functions/core/model/target.ts';
import { failureOf, ORG, ORIGIN, SECRET, VERIFICATION, World } from './world.ts';

const { caller } = ORIGIN;
const PUSH: OatResource = {
  type: 'TYPE_REPO',
  path: 'acme/app',
  scopes: ['scope-image-pull', 'scope-image-push'],
};
const PULL: OatResource = { ...PUSH, scopes: ['scope-image-pull'] };

function grantFrom(secret: Partial<DynamicSecret>, order: Partial<MintOrder> = {}, target: Partial<Target> = {}) {
  const world = new World();
  world.addTarget(target);
  world.addSecret(secret);
  return decideGrant(world.ports, caller, { secret: 'ci/release', ...order });
}

function orgGrant(resources: readonly OatResource[] | undefined, order: Partial<MintOrder> = {}) {
  const world = new World();
  world.addTarget(ORG);
  const { scope: _, ...secret } = SECRET;
  const kept = { ...secret, target: 'acme', ...(resources !== undefined && { resources }) };
  world.catalog.secrets.set(secret.name, kept);
  return decideGrant(world.ports, caller, { secret: 'ci/release', ...order });
}

describe('what is granted', () => {
  it('is what the secret gives, where nothing else was asked for', async () => {
    const world = new World();
    const target = world.addTarget();
    world.addSecret();
    expect(await decideGrant(world.ports, caller, { secret: 'ci/release' })).toStrictEqual({
      secretName: 'ci/release',
      target,
      ttlSeconds: 900,
      maxTtlSeconds: 900,
      renewable: false,
      scope: 'repo:write',
      quotas: [],
    });
  });

  it('of a renewable secret may last until its maximum', async () => {
    expect(await grantFrom({ renewable: true }, { ttlSeconds: 70 })).toMatchObject({
      ttlSeconds: 70,
      maxTtlSeconds: 3_600,
      renewable: true,
    });
  });

  it('carries label, reason and protection key', async () => {
    const protectionJwk = { kty: 'EC' };
    const order = { label: 'build', reason: 'v1' };
    expect(await grantFrom({ protectionJwk }, order)).toMatchObject({ ...order, protectionJwk });
  });

  it.each([
    ['repo:write', 'repo:write'],
    ['repo:write', 'repo:read'],
    ['repo:admin', 'repo:public_read'],
  ] as const)('of %s may be narrowed to %s', async (held, scope) => {
    expect(await grantFrom({ scope: held }, { scope })).toMatchObject({ scope });
  });

  it('is never wider than the secret’s scope', async () => {
    expect(await failureOf(grantFrom({ scope: 'repo:read' }, { scope: 'repo:write' }))).toEqual({
      tag: 'scope_too_wide',
      asked: 'repo:write',
      allowed: 'repo:read',
    });
  });

  it('of an organization is what the secret gives, or less', async () => {
    expect((await orgGrant([PUSH])).resources).toEqual([PUSH]);
    expect((await orgGrant([PUSH], { resources: [PULL] })).resources).toEqual([PULL]);
    expect(await orgGrant([PUSH])).not.toHaveProperty('scope');
  });

  it('of an organization is never wider than the secret’s resources', async () => {
    expect(await failureOf(orgGrant([PULL], { resources: [PUSH] }))).toEqual({
      tag: 'scope_too_wide',
      asked: 'acme/app (scope-image-pull, scope-image-push)',
      allowed: 'acme/app (scope-image-pull)',
    });
    const two = [PULL, { ...PULL, path: 'acme/web' }];
    expect(await failureOf(orgGrant(two, { resources: [PUSH] }))).toMatchObject({
      allowed: 'acme/app (scope-image-pull); acme/web (scope-image-pull)',
    });
  });

  it('of an organization whose secret has lost its resources is nothing', async () => {
    expect((await orgGrant(undefined)).resources).toEqual([]);
    expect(await failureOf(orgGrant(undefined, { resources: [PULL] }))).toMatchObject({ tag: 'scope_too_wide' });
  });

  it('is checked against what Docker Hub documents before it is compared', async () => {
    const resources = [{ ...PULL, path: 'other/app' }];
    expect(await failureOf(orgGrant([PULL], { resources }))).toMatchObject({
      tag: 'invalid_field',
      field: 'resources.0.path',
    });
  });

  it('is of the target’s kind', async () => {
    expect(await failureOf(orgGrant([PULL], { scope: 'repo:read' }))).toEqual({
      tag: 'scope_needs_user_target',
      target: 'acme',
    });
    expect(await failureOf(grantFrom({}, { resources: [PULL] }))).toEqual({
      tag: 'resources_need_org_target',
      target: 'acme-bot',
    });
  });
});

describe('the label of a lease that gives none', () => {
  it.each([
    ['{secret} by {role}', 'ci/release by ci'],
    ['{role}{role}', 'cici'],
    ['plain', 'plain'],
  ])('is the secret’s, %s, filled in: %s', async (labelTemplate, label) => {
    expect((await grantFrom({ labelTemplate })).label).toBe(label);
  });

  it('is not the secret’s where the caller gave one', async () => {
    expect((await grantFrom({ labelTemplate: 'x' }, { label: 'mine' })).label).toBe('mine');
  });

  it('is none without a template', async () => {
    expect(await grantFrom({})).not.toHaveProperty('label');
  });

  it('is cut to what fits behind our mark', async () => {
    const { label } = await grantFrom({ labelTemplate: 'x'.repeat(200) });
    expect(label).toMatch(/^x{30,60}$/);
    expect((await grantFrom({ labelTemplate: 'x'.repeat(label?.length ?? 0) })).label).toBe(label);
  });

  it('never ends in a space, which Docker Hub may drop', async () => {
    const { label } = await grantFrom({ labelTemplate: `${'x'.repeat(39)} and more` });
    expect(label).toBe('x'.repeat(39));
  });

  it.each([
    ['what Docker Hub was seen to keep', 80, 'x'.repeat(20)],
    ['one character', 61, 'x'],
    ['nothing where Docker Hub keeps our mark and a space', 60, undefined],
    ['nothing where Docker Hub keeps our mark alone', 59, undefined],
  ])('is cut to %s', async (_, labelMaxCharacters, label) => {
    const target = { verification: { ...VERIFICATION, labelMaxCharacters } };
    expect((await grantFrom({ labelTemplate: 'x'.repeat(50) }, {}, target)).label).toBe(label);
  });

  it.each([
    ['arn:aws:iam::111122223333:user/team/alice', 'alice'],
    ['arn:aws:iam::111122223333:root', 'root'],
  ])('names %s as %s', async (arn, name) => {
    const world = new World();
    world.addTarget();
    world.addSecret({ labelTemplate: '{role}', allow: ['arn:aws:iam::111122223333:root'] });
    const grant = await decideGrant(world.ports, { ...caller, arn }, { secret: 'ci/release' });
    expect(grant.label).toBe(name);
  });
});

describe('a label that the caller gives', () => {
  const granted = (characters: number, target: Partial<Target> = {}) =>
    grantFrom({}, { label: 'x'.repeat(characters) }, target);
  const keeps = (labelMaxCharacters: number) => ({ verification: { ...VERIFICATION, labelMaxCharacters } });

  it.each<[string, number, Partial<Target>]>([
    ['documented', 40, {}],
    [
      'documented, where only the login was proven',
      40,
      { verification: { atMs: 0, account: 'a', loginRoute: 'auth-token' } },
    ],
    ['seen', 20, keeps(80)],
  ])('may be as long as Docker Hub is %s to keep, and no longer', async (_, characters, target) => {
    expect((await granted(characters, target)).label).toBe('x'.repeat(characters));
    expect(await failureOf(granted(characters + 1, target))).toEqual({
      tag: 'invalid_field',
      field: 'label',
      problem: `Docker Hub keeps at most ${characters} characters of it on target "acme-bot"`,
    });
  });

  it('may be as long as is documented where nothing was verified', async () => {
    const world = new World();
    const { verification: _, ...target } = world.addTarget();
    world.catalog.targets.set(target.name, target);
    world.addSecret();
    const order = { secret: 'ci/release', label: 'x'.repeat(40) };
    expect((await decideGrant(world.ports, caller, order)).label).toHaveLength(40);
    const longer = decideGrant(world.ports, caller, { ...order, label: 'x'.repeat(41) });
    expect(await failureOf(longer)).toMatchObject({ tag: 'invalid_field', field: 'label' });
  });

  it('is refused where Docker Hub keeps our mark alone', async () => {
    expect(await failureOf(granted(1, keeps(59)))).toMatchObject({
      tag: 'invalid_field',
      problem: 'Docker Hub keeps at most 0 characters of it on target "acme-bot"',
    });
  });
});

describe('the quotas of a grant', () => {
  it('are the secret’s, then the target’s', async () => {
    expect((await grantFrom({ maxActive: 0 }, {}, { maxActive: 5 })).quotas).toEqual([
      { counter: 'secret:ci/release', most: 0 },
      { counter: 'target:acme-bot', most: 5 },
    ]);
    expect((await grantFrom({}, {}, { maxActive: 5 })).quotas).toEqual([{ counter: 'target:acme-bot', most: 5 }]);
  });
});

describe('a target to mint from', () => {
  it('is ready, and there', async () => {
    const world = new World();
    const target = world.addTarget();
    expect(await readyTarget(world.ports, 'acme-bot')).toEqual(target);
    world.addTarget({ status: 'draining' });
    expect(await failureOf(readyTarget(world.ports, 'acme-bot'))).toEqual({ tag: 'draining', name: 'acme-bot' });
    expect(await failureOf(readyTarget(world.ports, 'gone'))).toEqual({ tag: 'target_not_found', target: 'gone' });
  });
});
