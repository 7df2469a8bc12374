import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DockerConfig,
  dockerFileOf,
  dockerFolderOf,
  edit,
  loginEntries,
  parseConfig,
  podmanFilesOf,
  readText,
  writeWhole,
} from './docker-config.ts';
import type { PrivateFolder } from './exec-folder.ts';
import { HUB_KEYS } from './hub-keys.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A separate Docker configuration for one job, so that parallel jobs do not log each other out. */
export interface PrivateConfig {
  readonly folder: string;
  /** Environment variables for its users; undefined removes a variable. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a token, and replaces the one before. */
  login(username: string, password: string): void;
  remove(): void;
}

/**
 * Copies the current configuration into a private folder: plugins, contexts and all other files as links, and the whole `config.json`
 * with the credentials and helpers of other registries. Only Docker Hub's credentials are replaced. podman, skopeo and buildah get
 * a separate file beside it, made of all the files that they would have read.
 *
 * @param makeFolder called once the configuration has been read.
 * @throws CommandFailed when a configuration cannot be read.
 */
export function privateConfig(env: Env, makeFolder: () => PrivateFolder): PrivateConfig {
  const from = dockerFolderOf(env);
  const original = readText(dockerFileOf(env));
  const config = parseConfig(original, dockerFileOf(env));
  const podman = podmanConfig(env);
  const { path: folder, remove } = makeFolder();
  for (const name of existsSync(from) ? readdirSync(from) : []) {
    if (name !== 'config.json' && name !== 'auth.json') symlinkSync(join(from, name), join(folder, name));
  }
  return {
    folder,
    env: {
      DOCKER_CONFIG: folder,
      REGISTRY_AUTH_FILE: join(folder, 'auth.json'),
      DOCKER_AUTH_CONFIG: withoutHub(env.DOCKER_AUTH_CONFIG),
    },
    login(username, password) {
      let text = original;
      for (const [path, value] of loginEntries(config, username, password)) text = edit(text, path, value);
      writeWhole(join(folder, 'config.json'), text as string);
      const auth = Buffer.from(`${username}:${password}`).toString('base64');
      const auths = { ...podman.auths, 'docker.io': { auth } };
      writeWhole(join(folder, 'auth.json'), `${JSON.stringify({ ...podman, auths }, null, 2)}\n`);
    },
    remove,
  };
}

/** The entries of all podman files, without Docker Hub. podman prefers the longest name, so entries below it are removed too. */
function podmanConfig(env: Env): DockerConfig {
  const configs = podmanFilesOf(env).map((path) => parseConfig(readText(path), path));
  // The first file is applied last, because it wins.
  const auths = Object.assign({}, ...configs.toReversed().map((config) => config.auths));
  const credHelpers = Object.assign({}, ...configs.toReversed().map((config) => config.credHelpers));
  return { auths: withoutHubKeys(auths), credHelpers: withoutHubKeys(credHelpers) };
}

function withoutHubKeys<T>(entries: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).filter(([key]) => !isHub(key)));
}

function isHub(key: string): boolean {
  return key.startsWith('docker.io/') || HUB_KEYS.some((each) => each === key);
}

/** docker prefers this variable to every file. Its entries for other registries stay. */
function withoutHub(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    const config = JSON.parse(text) as DockerConfig;
    const auths = withoutHubKeys(config.auths ?? {});
    return Object.keys(auths).length === 0 ? undefined : JSON.stringify({ ...config, auths });
  } catch {
    // docker could not read it either.
    return undefined;
  }
}
