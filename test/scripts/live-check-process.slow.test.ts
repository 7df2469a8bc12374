import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { type FakeHubOptions, startFakeHub } from '../../fake-hub/server.ts';

const MAIN = resolve(import.meta.dirname, '../../scripts/live-check/main.ts');
const PASSWORD = 'canary-password-of-the-account';

/** Starts the live check as its owner does, before a fake on the real clock. */
async function start({ onTestFinished }: TestContext, settings: Partial<FakeHubOptions> = {}) {
  const fake = await startFakeHub({ accounts: [{ username: 'throwaway', password: PASSWORD }], ...settings });
  const folder = mkdtempSync(join(tmpdir(), 'hublease-live-check-'));
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...process.env,
      HUBLEASE_LIVE_USERNAME: 'throwaway',
      HUBLEASE_LIVE_PASSWORD: PASSWORD,
      HUBLEASE_LIVE_HUB: fake.url,
      HUBLEASE_LIVE_REPORT: folder,
    },
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
    await fake.close();
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const live = () => fake.control.tokens().filter((token) => token.live);
  return { child, fake, folder, live, output: () => output };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(20);
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describe.concurrent('the process of the live check', () => {
  it.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'deletes what it made on %s, and prints the table',
    async (signal, context) => {
      const { child, live, output, folder } = await start(context);
      const exit = exitOf(child);
      await until(() => live().length > 0);
      child.kill(signal);
      expect(await exit).toBe(3);
      expect(live()).toEqual([]);
      expect(output()).toContain('POST /v2/auth/token');
      expect(output()).toContain('The run was interrupted.');
      expect(output()).not.toMatch(/dckr_|canary|eyJ/);
      const files = readdirSync(folder).map((name) => join(folder, name));
      expect(files.map((file) => file.split('.').pop()).sort()).toEqual(['json', 'md']);
      for (const file of files) {
        expect(statSync(file).mode & 0o077).toBe(0);
        expect(readFileSync(file, 'utf8')).not.toMatch(/dckr_|canary|eyJ/);
      }
    },
  );

  it('ends its cleanup on a second signal, and names what is left', async (context) => {
    const { child, live, output, fake } = await start(context, { deleteErrorStatus: 500 });
    const exit = exitOf(child);
    await until(() => live().length > 0);
    child.kill('SIGINT');
    await until(() => fake.control.calls().routes['pat-delete'] > 0);
    child.kill('SIGINT');
    expect(await exit).toBe(1);
    expect(output()).toContain(`LEFT: personal token ${live().at(0)?.id}`);
  });
});
