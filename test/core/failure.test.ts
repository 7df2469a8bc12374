import { describe, expect, it } from 'vitest';
import { Failed, fail } from '../../functions/core/model/failure.ts';

describe('a failure', () => {
  const failure = { tag: 'credential_refused', username: 'acme-bot', secondFactor: 'no' } as const;

  it('carries its evidence', () => {
    expect(fail(failure)).toBeInstanceOf(Failed);
    expect(fail(failure).failure).toEqual(failure);
  });

  it('that ends up in a log as an error says its kind, and nothing of its evidence', () => {
    expect(String(fail(failure))).toBe('Failed: credential_refused');
  });
});
