import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startFakeHub } from '../../local/fake-hub/server.ts';

const SCRIPT = resolve(import.meta.dirname, '../../scripts/live-check.ts');
const run = promisify(execFile);
const PASSWORD = 'canary-password-of-the-account';

describe('the live check', () => {
  it('asks every question, answers none with a secret, and leaves no token behind', { timeout: 60_000 }, async () => {
    const hub = await startFakeHub({ accounts: [{ username: 'throwaway', password: PASSWORD }] });
    const laptop = hub.control.createForeignToken({ account: 'throwaway', kind: 'pat', label: 'my laptop' });
    try {
      const env = {
        ...process.env,
        HUBLEASE_LIVE_USERNAME: 'throwaway',
        HUBLEASE_LIVE_PASSWORD: PASSWORD,
        HUBLEASE_LIVE_HUB: hub.url,
      };
      const { stdout } = await run(process.execPath, [SCRIPT], { env });
      expect(stdout).toMatch(/DELETE of what is gone answers\s+│ status 404, application\/json/);
      expect(stdout).toMatch(/a deleted token is refused by the registry\s+│ after \d+ ms/);
      expect(stdout).toMatch(/life of a \/v2\/auth\/token session\s+│ \d+ s/);
      expect(stdout).not.toMatch(/dckr_|canary|eyJ/);
      expect(
        hub.control
          .tokens()
          .filter(({ live }) => live)
          .map(({ id }) => id),
      ).toEqual([laptop.id]);
    } finally {
      await hub.close();
    }
  });

  it('says what it needs', async () => {
    await expect(run(process.execPath, [SCRIPT], { env: {} })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('set HUBLEASE_LIVE_USERNAME'),
    });
  });
});
