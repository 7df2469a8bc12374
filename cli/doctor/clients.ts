import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type DockerConfig, dockerFileOf, parseConfig, podmanFilesOf, readText } from '../docker-config.ts';
import { EXIT } from '../exit.ts';
import { HELPER, HUB_KEYS } from '../hub-keys.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Finds what prevents docker, podman and others on this machine from asking hublease. Only reads files. */
export function examineClients(env: Env): Finding[] {
  return [...examineVariable(env), ...examineDocker(env), ...examinePodman(env), ...examinePath(env)];
}

function examineVariable(env: Env): Finding[] {
  if (!env.DOCKER_AUTH_CONFIG) return [];
  const next = 'Unset it, or remove Docker Hub from it. "hublease exec" does this for its command.';
  return [warning('environment', 'DOCKER_AUTH_CONFIG is set, and docker prefers it to every file and helper', next)];
}

function examineDocker(env: Env): Finding[] {
  const path = dockerFileOf(env);
  const config = configAt(path);
  if (config === undefined) return [unreadable('docker', path)];
  const missing = HUB_KEYS.filter((key) => config.credHelpers?.[key] !== HELPER);
  if (missing.length === HUB_KEYS.length) {
    const store = config.credsStore ? `; credsStore "${config.credsStore}" answers for Docker Hub` : '';
    const next = 'Run "hublease setup docker --secret NAME", unless you use "hublease exec" or "hublease login".';
    return [warning('docker', `hublease is not set up in ${path}${store}`, next), ...stale('docker', path, config)];
  }
  if (missing.length > 0) {
    const store =
      config.credsStore && missing[0] === HUB_KEYS[0] ? `; credsStore "${config.credsStore}" answers for it` : '';
    const next = 'Run "hublease setup docker" again.';
    return [failed('docker', `credHelpers lacks "${missing[0]}" in ${path}${store}`, next, EXIT.notConfigured)];
  }
  return [ok('docker', `asks hublease: ${path}`), ...stale('docker', path, config)];
}

function examinePodman(env: Env): Finding[] {
  return podmanFilesOf(env)
    .filter((path) => path !== dockerFileOf(env))
    .flatMap((path) => {
      const config = configAt(path);
      if (config === undefined) return [unreadable('podman', path)];
      const asks = config.credHelpers?.['docker.io'] === HELPER;
      return [...(asks ? [ok('podman', `asks hublease: ${path}`)] : []), ...stale('podman', path, config)];
    });
}

/** Old logins, which some clients prefer to any helper. Logins by "hublease login" do not count. */
function stale(check: string, path: string, { auths = {}, credHelpers = {} }: DockerConfig): Finding[] {
  const keys = Object.entries(auths)
    .filter(([key, { auth }]) => (HUB_KEYS.some((each) => each === key) || key.startsWith('docker.io/')) && auth)
    .filter(([key]) => credHelpers[key] === HELPER || !isLeased(auths[key]?.auth))
    .map(([key]) => `"${key}"`);
  if (keys.length === 0) return [];
  return [
    warning(
      check,
      `an old login for ${keys.join(', ')} in ${path}`,
      'Remove it with "docker logout" or "podman logout docker.io".',
    ),
  ];
}

/** Whether the token in an `auth` is an access token, as hublease's are. An old password is not. */
function isLeased(auth = ''): boolean {
  return /:dckr_[po]at_/.test(Buffer.from(auth, 'base64').toString());
}

function examinePath(env: Env): Finding[] {
  const name = `docker-credential-${HELPER}`;
  const folder = (env.PATH ?? '').split(delimiter).find((each) => each !== '' && isExecutable(join(each, name)));
  if (folder !== undefined) return [ok('helper', join(folder, name))];
  const next = 'Install hublease with "npm install --global", or put its folder on PATH.';
  const isWanted = [dockerFileOf(env), ...podmanFilesOf(env)].some((path) =>
    HUB_KEYS.some((key) => configAt(path)?.credHelpers?.[key] === HELPER),
  );
  const detail = `${name} is not on PATH`;
  return [isWanted ? failed('helper', detail, next, EXIT.notConfigured) : warning('helper', detail, next)];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function configAt(path: string): DockerConfig | undefined {
  try {
    return parseConfig(readText(path), path);
  } catch {
    return undefined;
  }
}

function unreadable(check: string, path: string): Finding {
  return failed(check, `${path} cannot be read, or is not a JSON object`, 'Fix or delete it.', EXIT.error);
}
