import { expect, it } from 'vitest';
import { runLoad } from './run-load.ts';

it('16 clients at once log in once with a second factor, pass no quota, and lose and double no token', async () => {
  const { counts, faults } = await runLoad({ seconds: 5, clients: 16 });
  expect(faults).toEqual([]);
  // It proves nothing unless the quotas were fought over.
  expect(counts).toMatchObject({ 'most of target:acme-bot': 8, 'most of secret:load/few': 2, logins: 1 });
  expect(counts.quota_reached).toBeGreaterThan(0);
  expect(counts.minted).toBeGreaterThan(16);
}, 60_000);
