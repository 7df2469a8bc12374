import { describe, expect, it } from 'vitest';
import { isName, isUnder, parseName } from '../../functions/core/model/name.ts';

describe('a name', () => {
  it.each(['a', '0', 'ci/release', 'a-b/c-d/e/f', 'a'.repeat(32), 'team/a/b/c'])('may be %j', (name) => {
    expect(isName(name)).toBe(true);
    expect(parseName(name, 'name')).toBe(name);
  });

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '-a',
    'a/-b',
    'A',
    'a_b',
    'a.b',
    '..',
    'a/../b',
    'a b',
    'ä',
    'a'.repeat(33),
    'a/b/c/d/e',
    'a%2fb',
    'a\n',
  ])('may not be %j', (name) => {
    expect(isName(name)).toBe(false);
    expect(() => parseName(name, 'target')).toThrow(
      expect.objectContaining({
        failure: { tag: 'invalid_field', field: 'target', problem: expect.stringContaining('1 to 4 segments') },
      }),
    );
  });

  it('lies under a prefix by whole segments only', () => {
    expect(isUnder('team/a', 'team/a')).toBe(true);
    expect(isUnder('team/a/x', 'team/a')).toBe(true);
    expect(isUnder('team/ab', 'team/a')).toBe(false);
    expect(isUnder('team', 'team/a')).toBe(false);
  });
});
