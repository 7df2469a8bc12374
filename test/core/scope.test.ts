import { describe, expect, it } from 'vitest';
import { covers, effectiveScope, PAT_SCOPES } from '../../functions/core/model/scope.ts';

describe('the scopes of a personal access token', () => {
  it('each cover themselves and the narrower ones, and nothing wider', () => {
    const table = PAT_SCOPES.map((held) => PAT_SCOPES.map((wanted) => covers(held, wanted)));
    expect(table).toEqual([
      [true, false, false, false],
      [true, true, false, false],
      [true, true, true, false],
      [true, true, true, true],
    ]);
  });

  it.each([
    ['repo:read', 'repo:read'],
    ['repo:read,repo:write', 'repo:write'],
    ['repo:write, repo:read', 'repo:write'],
    [['repo:public_read', 'repo:admin', 'repo:read'], 'repo:admin'],
    [['repo:public_read'], 'repo:public_read'],
  ])('%j amounts to %s', (input, scope) => {
    expect(effectiveScope(input, 'scope')).toBe(scope);
  });

  it.each(['', 'repo:pull', 'repo:read,', 'REPO:READ', [], ['repo:read', 'x']].map((input) => [input]))(
    'refuses %j, names the field, and lists what there is',
    (input) => {
      expect(() => effectiveScope(input, 'scopes')).toThrow(
        expect.objectContaining({
          failure: {
            tag: 'invalid_field',
            field: 'scopes',
            problem: 'expected one or more of repo:public_read, repo:read, repo:write, repo:admin',
          },
        }),
      );
    },
  );
});
