import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCli, type CliBuild } from '../../scripts/build-cli.ts';

/** The command line as it is published, in a folder of its own. */
export interface Bundle {
  readonly build: CliBuild;
  readonly folder: string;
  readonly hublease: string;
  readonly helper: string;
  close(): void;
}

export async function bundleCli(): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), 'hublease-bundle-'));
  const build = await buildCli(join(folder, 'cli'));
  return {
    build,
    folder: join(folder, 'cli'),
    hublease: join(folder, 'cli', 'hublease.js'),
    helper: join(folder, 'cli', 'docker-credential-hublease.js'),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
