import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Client, hubleaseClient } from '../../client/client.ts';
import type { FakeHubOptions } from '../../fake-hub/options.ts';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import { type Spawned, spawnEmbedded } from '../../local/demo/spawn-embedded.ts';
import { openProfiles } from '../../local/front-door/profiles.ts';
import { tokensOf } from './verdict.ts';

/** The Docker Hub user of every load. It has two-factor authentication. */
export const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-fake', totpSecret: 'JBSWY3DPEHPK3PXP' };
/** The role whose clients lease. */
export const CI_ARN = 'arn:aws:iam::111122223333:role/ci';

/** Where a load is played: an embedded edition in a process of its own, before a fake Docker Hub in this one. */
export interface Stage {
  readonly hub: FakeHub;
  readonly edition: Spawned;
  /** For whatever belongs to the run. */
  readonly folder: string;
  /** Inside of it. */
  readonly dataFolder: string;
  readonly admin: Client;
  readonly ci: Client;
}

/** How a stage differs from the plain one. */
export interface StageOptions {
  readonly hub?: Partial<FakeHubOptions>;
  /** For the edition, besides port, data and hub. */
  readonly flags?: readonly string[];
  /** For the edition's Node, by the stage's folder. */
  readonly nodeFlags?: (folder: string) => readonly string[];
}

/**
 * Sets a stage up, plays on it and takes it down, however the play ends. Nothing stays of it. The fake ends no token by itself,
 * so that only hublease does.
 *
 * @throws whatever keeps the edition from starting, and whatever `play` throws.
 */
export async function onStage<T>(options: StageOptions, play: (stage: Stage) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hublease-load-'));
  const dataFolder = join(folder, 'data');
  const hub = await startFakeHub({ accounts: [ACCOUNT], expireTokens: false, ...options.hub });
  try {
    const flags = [
      '--port',
      '0',
      '--data',
      dataFolder,
      '--hub',
      hub.url,
      '--caller-rate',
      'off',
      ...(options.flags ?? []),
    ];
    const edition = await spawnEmbedded(flags, options.nodeFlags?.(folder));
    try {
      const profiles = await openProfiles(dataFolder);
      const client = (name: string) => {
        const credentials = profiles.find((profile) => profile.name === name);
        if (credentials === undefined) throw new Error(`no profile ${name}`);
        return hubleaseClient({ endpoint: edition.endpoint, credentials });
      };
      const [admin, ci] = [client('hublease-admin'), client('hublease-ci')];
      return await play({ hub, edition, folder, dataFolder, admin, ci });
    } finally {
      await edition.end('SIGKILL');
    }
  } finally {
    await hub.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits until no token of a lease is left on the fake, at most so long. What is left then is for the verdict to say. */
export async function untilQuiet(hub: FakeHub, patienceMs: number): Promise<void> {
  const giveUpAtMs = Date.now() + patienceMs;
  while (tokensOf(hub).some(({ live }) => live) && Date.now() < giveUpAtMs) await wait(250);
}
