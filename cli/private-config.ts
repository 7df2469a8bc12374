import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerFolderOf, edit, HUB_KEYS, parseConfig, readText, writeWhole } from './docker-config.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A Docker configuration of one job's own, so that jobs side by side do not log each other out. */
export interface PrivateConfig {
  readonly folder: string;
  /** What to add to the environment of whatever is to use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Puts a token in, in place of the one before. */
  login(username: string, password: string): void;
  remove(): void;
}

/**
 * Copies the configuration in force into a private folder: plugins, contexts and all other files by link, and `config.json` with
 * everything in it, other registries' credentials and helpers included. Only Docker Hub's credentials become ours.
 */
export function privateConfig(env: Env): PrivateConfig {
  const from = dockerFolderOf(env);
  const folder = mkdtempSync(join(tmpdir(), 'hublease-docker-'));
  for (const name of existsSync(from) ? readdirSync(from) : []) {
    if (name !== 'config.json') symlinkSync(join(from, name), join(folder, name));
  }
  const path = join(folder, 'config.json');
  const original = readText(join(from, 'config.json'));
  const { credsStore, credHelpers } = parseConfig(original, join(from, 'config.json'));
  return {
    folder,
    // podman, skopeo and buildah read this one.
    env: { DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: path },
    login(username, password) {
      const auth = Buffer.from(`${username}:${password}`).toString('base64');
      let text = original;
      for (const key of HUB_KEYS) text = edit(text, ['auths', key], { auth });
      for (const key of HUB_KEYS) {
        // An empty helper means this file to docker, and goes before a store for all registries; the others know no store.
        const helper = key === HUB_KEYS[0] && credsStore !== undefined ? '' : undefined;
        if (helper !== undefined || credHelpers?.[key] !== undefined) text = edit(text, ['credHelpers', key], helper);
      }
      writeWhole(path, text as string);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
