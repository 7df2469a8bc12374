import { describe, expect, it } from 'vitest';
import { changedFields } from '../../functions/core/catalog/versioned.ts';

describe('what changed in an entry of the catalog', () => {
  it.each<[string, object | undefined, object, string[]]>([
    ['nothing, where all is as it was', { name: 'a', tags: { x: '1' } }, { name: 'a', tags: { x: '1' } }, []],
    ['all of a new one', undefined, { name: 'a', kind: 'user' }, ['kind', 'name']],
    ['what has another value', { name: 'a', kind: 'user' }, { name: 'a', kind: 'org' }, ['kind']],
    ['what came', { name: 'a' }, { name: 'a', description: 'x' }, ['description']],
    ['what went', { name: 'a', description: 'x' }, { name: 'a' }, ['description']],
    ['not the order of keys, however deep', { t: { a: { x: 1, y: 2 }, b: 3 } }, { t: { b: 3, a: { y: 2, x: 1 } } }, []],
    ['the order of a list: it may mean something', { allow: ['a', 'b'] }, { allow: ['b', 'a'] }, ['allow']],
    ['a list that became an object of the same places', { t: ['a'] }, { t: { 0: 'a' } }, ['t']],
    ['nothing, where nothing stands for a value', { t: null }, { t: null }, []],
    ['what became nothing', { t: {} }, { t: null }, ['t']],
  ])('is %s', (_, before, after, changed) => {
    expect(changedFields(before, after, [])).toEqual(changed);
  });

  it.each(['version', 'opId', 'createdAtMs', 'updatedAtMs', 'verification', 'expiryGranularity'])(
    'is never %s, which no person asked for',
    (name) => {
      expect(changedFields({ name: 'a', [name]: 1 }, { name: 'a', [name]: 2 }, [])).toEqual([]);
    },
  );

  it('is told in order, with what stands elsewhere', () => {
    expect(changedFields({ tags: 1 }, { tags: 2, allow: 1 }, ['credential'])).toEqual(['allow', 'credential', 'tags']);
  });
});
