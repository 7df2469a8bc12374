import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DynamicSecret } from '../../functions/core/model/secret.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { Catalog } from '../../functions/core/ports/catalog.ts';
import type { WriteOutcome } from '../../functions/core/ports/leases.ts';
import type { Page, PageRequest } from '../../functions/core/ports/pages.ts';
import { anOpId, aSecret, aTarget, unique } from './builders.ts';
import { allItems, expectDamageRefused, expectRefused, firstToken } from './paging.ts';
import { atOnce, type Settled } from './settled.ts';

/** A catalog to be tested. It may hold other rows; `close` runs once, after the last test. */
export interface CatalogUnderTest {
  readonly catalog: Catalog;
  /** How to wait for the lists; absent where nothing lags. */
  readonly settled?: Settled;
  close(): Promise<void>;
}

type Entry = DynamicSecret | Target;

/** One half of the catalog: the rules are the same for secrets and targets. */
interface Half<T extends Entry> {
  readonly noun: string;
  make(overrides: { name?: string; description?: string }): T;
  get(name: string): Promise<T | undefined>;
  put(entry: T): Promise<WriteOutcome>;
  remove(name: string, version: number): Promise<WriteOutcome>;
  list(filter: { readonly prefix?: string }, page: PageRequest): Promise<Page<T>>;
}

/** What the port Catalog promises, for any adapter. */
export function catalogContract(name: string, make: () => Promise<CatalogUnderTest>): void {
  describe(`${name} keeps the contract of Catalog`, () => {
    let made: CatalogUnderTest;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made?.close());
    const settled: Settled = (check) => (made.settled ?? atOnce)(check);

    halfContract<DynamicSecret>(settled, {
      noun: 'secret',
      make: aSecret,
      get: (secret) => made.catalog.getSecret(secret),
      put: (secret) => made.catalog.putSecret(secret),
      remove: (secret, version) => made.catalog.deleteSecret(secret, version),
      list: (filter, page) => made.catalog.listSecrets(filter, page),
    });
    halfContract<Target>(settled, {
      noun: 'target',
      make: aTarget,
      get: (target) => made.catalog.getTarget(target),
      put: (target) => made.catalog.putTarget(target),
      remove: (target, version) => made.catalog.deleteTarget(target, version),
      list: (filter, page) => made.catalog.listTargets(filter, page),
    });

    it('gives back every field of a secret', async () => {
      const { scope: _, ...rest } = aSecret();
      const secret: DynamicSecret = {
        ...rest,
        resources: [{ type: 'TYPE_ORG', path: 'acme', scopes: ['scope-image-pull'] }],
        renewable: true,
        maxActive: 3,
        description: 'pulls ✓ "quoted"',
        tags: { team: 'platform', empty: '' },
        deleteProtection: true,
        status: 'draining',
        managedBy: 'cdk',
      };
      expect(await made.catalog.putSecret(secret)).toBe('written');
      expect(await made.catalog.getSecret(secret.name)).toEqual(secret);
    });

    it('gives back every field of a target', async () => {
      const target = aTarget({
        kind: 'org',
        organization: 'acme',
        loginRoute: 'users-login',
        expiryGranularity: 'day',
        description: 'the ✓ organization',
        tags: { team: 'platform' },
        verification: {
          atMs: 1_700_000_000_000,
          account: 'acme',
          loginRoute: 'users-login',
          expiryGranularity: 'day',
          expiryMinSeconds: 86_400,
          expirySlackSeconds: 0,
          expiryUnproven: true,
          labelMaxCharacters: 59,
          creatorUserAgentKept: false,
          deleteStatus: 202,
          listDelayMs: 0,
          rateRemaining: 177,
        },
        maxActive: 10,
        allowUnprovenExpiry: true,
        dismissedTokenIds: ['a', 'b'],
        status: 'draining',
        managedBy: 'cdk',
      });
      expect(await made.catalog.putTarget(target)).toBe('written');
      expect(await made.catalog.getTarget(target.name)).toEqual(target);
    });

    it('keeps a secret and a target of one name apart', async () => {
      const both = unique('both');
      const [secret, target] = [aSecret({ name: both }), aTarget({ name: both })];
      expect(await made.catalog.putSecret(secret)).toBe('written');
      expect(await made.catalog.putTarget(target)).toBe('written');
      expect(await made.catalog.deleteSecret(both, 1)).toBe('written');
      expect(await made.catalog.getTarget(both)).toEqual(target);
      expect(await made.catalog.getSecret(both)).toBeUndefined();
    });

    it('lists the secrets of a target, alone and below a prefix', async () => {
      const [root, target] = [unique('team'), unique('target')];
      const [inside, elsewhere] = [aSecret({ name: `${root}/a`, target }), aSecret({ target })];
      const others = [aSecret({ name: root }), aSecret({ name: `${root}/b` }), aSecret({ target: `${target}/x` })];
      for (const secret of [inside, elsewhere, ...others]) await made.catalog.putSecret(secret);
      const listing = (filter: { prefix?: string; target?: string }) =>
        allItems((page) => made.catalog.listSecrets(filter, page), 1);
      await settled(async () => {
        expect(await listing({ target })).toEqual([inside, elsewhere].sort(byName));
        expect(await listing({ target, prefix: root })).toEqual([inside]);
        expect(await listing({ target, prefix: inside.name })).toEqual([inside]);
        expect(await listing({ target: unique('target') })).toEqual([]);
      });
    });

    it('refuses the token of another list', async () => {
      const [root, target] = [unique('team'), unique('target')];
      for (const last of ['a', 'b']) {
        await made.catalog.putSecret(aSecret({ name: `${root}/${last}`, target }));
        await made.catalog.putTarget(aTarget({ name: `${root}/${last}` }));
      }
      const secrets = (filter: { prefix?: string; target?: string }) => (page: PageRequest) =>
        made.catalog.listSecrets(filter, page);
      const targets = (page: PageRequest) => made.catalog.listTargets({ prefix: root }, page);
      await settled(async () => {
        expect((await secrets({ prefix: root, target })({ limit: 1 })).nextToken).toBeDefined();
        expect((await targets({ limit: 1 })).nextToken).toBeDefined();
      });
      await expectRefused(secrets({ prefix: root }), await firstToken(targets));
      await expectRefused(targets, await firstToken(secrets({ prefix: root })));
      await expectRefused(secrets({ target }), await firstToken(secrets({ prefix: root })));
      await expectRefused(secrets({ prefix: root, target }), await firstToken(secrets({ prefix: root })));
      await expectRefused(secrets({ prefix: unique('team') }), await firstToken(secrets({ prefix: root })));
    });
  });
}

function halfContract<T extends Entry>(settled: Settled, half: Half<T>): void {
  const next = (entry: T, description: string): T => ({
    ...entry,
    version: entry.version + 1,
    opId: anOpId(),
    description,
  });

  async function put(overrides: { name?: string } = {}): Promise<T> {
    const entry = half.make(overrides);
    expect(await half.put(entry)).toBe('written');
    return entry;
  }

  describe(`a ${half.noun}`, () => {
    it('is read back as it was written, and undefined when it never was', async () => {
      const entry = await put();
      expect(await half.get(entry.name)).toEqual(entry);
      expect(await half.get(unique('absent'))).toBeUndefined();
      expect(await half.get(`${entry.name}/below`)).toBeUndefined();
    });

    it('is made by version 1 only where there is none', async () => {
      const entry = await put();
      expect(await half.put(half.make({ name: entry.name }))).toBe('conflict');
      expect(await half.get(entry.name)).toEqual(entry);
    });

    it('is not made by a later version', async () => {
      const absent = next(half.make({}), 'second');
      expect(await half.put(absent)).toBe('conflict');
      expect(await half.get(absent.name)).toBeUndefined();
    });

    it('is replaced by the version that follows, fields that are gone included', async () => {
      const first = await put();
      const second = next(first, 'second');
      expect(await half.put(second)).toBe('written');
      const { description: _, ...third } = next(second, '');
      expect(await half.put(third as T)).toBe('written');
      expect(await half.get(first.name)).toEqual(third);
    });

    it('is kept when a write read another version', async () => {
      const first = await put();
      const second = next(first, 'second');
      await half.put(second);
      expect(await half.put(next(first, 'late'))).toBe('conflict');
      expect(await half.put(next(next(second, ''), 'early'))).toBe('conflict');
      expect(await half.get(first.name)).toEqual(second);
    });

    it('answers `written` to a write that is there already', async () => {
      const first = await put();
      expect(await half.put(first)).toBe('written');
      const second = next(first, 'second');
      await half.put(second);
      expect(await half.put(second)).toBe('written');
      expect(await half.get(first.name)).toEqual(second);
    });

    it('lets exactly one of many concurrent makers win, and one of many concurrent changers', async () => {
      const name = unique('entry');
      const makers = Array.from({ length: 8 }, () => half.make({ name }));
      const made = await Promise.all(makers.map((entry) => half.put(entry)));
      expect(made.filter((outcome) => outcome === 'written')).toHaveLength(1);
      const winner = makers[made.indexOf('written')] as T;
      expect(await half.get(name)).toEqual(winner);
      const changers = Array.from({ length: 8 }, (_, n) => next(winner, `change ${n}`));
      const outcomes = await Promise.all(changers.map((entry) => half.put(entry)));
      expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
      expect(await half.get(name)).toEqual(changers[outcomes.indexOf('written')]);
    });

    it('is deleted at the version that was read, and deleting it again is `written`', async () => {
      const entry = await put();
      expect(await half.remove(entry.name, entry.version)).toBe('written');
      expect(await half.get(entry.name)).toBeUndefined();
      expect(await half.remove(entry.name, entry.version)).toBe('written');
      expect(await half.remove(unique('absent'), 1)).toBe('written');
    });

    it('is kept when a delete read another version', async () => {
      const first = await put();
      const second = next(first, 'second');
      await half.put(second);
      expect(await half.remove(first.name, 1)).toBe('conflict');
      expect(await half.remove(first.name, 3)).toBe('conflict');
      expect(await half.get(first.name)).toEqual(second);
    });

    it('can be made again after it was deleted', async () => {
      const entry = await put();
      await half.remove(entry.name, 1);
      const again = await put({ name: entry.name });
      expect(await half.get(entry.name)).toEqual(again);
    });

    it('leaves its neighbours alone when it is deleted', async () => {
      const root = unique('team');
      const [entry, below] = [await put({ name: root }), await put({ name: `${root}/a` })];
      await half.remove(entry.name, 1);
      expect(await half.get(below.name)).toEqual(below);
    });
  });

  describe(`the list of ${half.noun}s`, () => {
    const below = (prefix: string) => (page: PageRequest) => half.list({ prefix }, page);
    const namesBelow = async (prefix: string, limit = 100) =>
      (await allItems(below(prefix), limit)).map((entry) => entry.name);

    it('is in ascending order of names and whole over pages of any size', async () => {
      const root = unique('team');
      const entries: T[] = [];
      for (const last of ['b', 'a', 'a-b', 'a/z', '9', 'a/b/c']) entries.push(await put({ name: `${root}/${last}` }));
      for (const limit of [1, 2, 4, 100]) {
        await settled(async () => expect(await allItems(below(root), limit)).toEqual([...entries].sort(byName)));
      }
    });

    it('takes a prefix for whole segments: `team/a` covers itself and `team/a/x`, not `team/ab` or `team/a-b`', async () => {
      const root = unique('team');
      const names = ['a', 'a-b', 'a/x', 'a/x/y', 'ab', 'a0', 'b'].map((last) => `${root}/${last}`);
      for (const name of names) await put({ name });
      await settled(async () => {
        expect(await namesBelow(`${root}/a`)).toEqual([`${root}/a`, `${root}/a/x`, `${root}/a/x/y`]);
        expect(await namesBelow(`${root}/a`, 1)).toEqual([`${root}/a`, `${root}/a/x`, `${root}/a/x/y`]);
        expect(await namesBelow(`${root}/a/x`)).toEqual([`${root}/a/x`, `${root}/a/x/y`]);
        expect(await namesBelow(root)).toHaveLength(names.length);
        expect(await namesBelow(root.slice(0, -1))).toEqual([]);
      });
    });

    it('takes a prefix as text, never as a pattern', async () => {
      const root = unique('team');
      await put({ name: `${root}/a` });
      for (const prefix of ['%', '_', `${root}/%`, `${root}/_`, `${root}/*`, `${root}' OR '1'='1`]) {
        expect(await namesBelow(prefix)).toEqual([]);
      }
    });

    it('takes in every name without a prefix', async () => {
      const [one, two] = [await put(), await put()];
      const own = new Set([one.name, two.name]);
      await settled(async () => {
        const names = (await allItems((page) => half.list({}, page))).map((entry) => entry.name);
        expect(names.filter((name) => own.has(name))).toEqual([...own].sort());
        expect(names).toEqual([...names].sort());
      });
    });

    it('lacks what was deleted and shows what was changed', async () => {
      const root = unique('team');
      const [gone, kept] = [await put({ name: `${root}/a` }), await put({ name: `${root}/b` })];
      await half.remove(gone.name, 1);
      const second = next(kept, 'second');
      await half.put(second);
      await settled(async () => expect(await allItems(below(root))).toEqual([second]));
    });

    it('gives no token with the last entry', async () => {
      const root = unique('team');
      for (const last of ['a', 'b']) await put({ name: `${root}/${last}` });
      await settled(async () => expect(await namesBelow(root)).toHaveLength(2));
      expect(await below(root)({ limit: 2 })).not.toHaveProperty('nextToken');
      const nextToken = await firstToken(below(root));
      expect(await below(root)({ limit: 1, nextToken })).not.toHaveProperty('nextToken');
    });

    it('goes on behind an entry that was deleted between two pages', async () => {
      const root = unique('team');
      for (const last of ['a', 'b', 'c']) await put({ name: `${root}/${last}` });
      await settled(async () => expect(await namesBelow(root)).toHaveLength(3));
      const token = await firstToken(below(root));
      await half.remove(`${root}/a`, 1);
      const rest = await allItems((page) => half.list({ prefix: root }, { nextToken: token, ...page }));
      expect(rest.map((entry) => entry.name)).toEqual([`${root}/b`, `${root}/c`]);
    });

    it('refuses a token that is damaged or never was one', async () => {
      const root = unique('team');
      for (const last of ['a', 'b']) await put({ name: `${root}/${last}` });
      await settled(async () => expect(await namesBelow(root)).toHaveLength(2));
      await expectDamageRefused(below(root));
    });
  });
}

function byName(a: Entry, b: Entry): number {
  return a.name < b.name ? -1 : 1;
}
