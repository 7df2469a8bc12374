import { describe, expect, it } from 'vitest';
import { fail } from '../../functions/core/model/failure.ts';
import { stored } from '../../functions/core/ports/stored.ts';
import { failureOf } from './world.ts';

describe('what a store answers', () => {
  it('passes through', async () => {
    expect(await stored(Promise.resolve('row'))).toBe('row');
    expect(await stored(Promise.resolve(undefined))).toBeUndefined();
  });

  it('is a failure of the store when it rejects, and its own words stay inside', async () => {
    const error = await stored(Promise.reject(new Error('the password is hunter2'))).catch((reason) => reason);
    expect(error.failure).toEqual({ tag: 'store_unavailable', retryAfterSeconds: 2 });
    expect(`${error.message} ${error.stack} ${error.cause}`).not.toContain('hunter2');
  });

  it('stays the failure that the store itself gave', async () => {
    const failure = { tag: 'invalid_field', field: 'nextToken', problem: 'unknown' } as const;
    expect(await failureOf(stored(Promise.reject(fail(failure))))).toEqual(failure);
  });
});
