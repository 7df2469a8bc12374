import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { applyEdits, type FormattingOptions, modify, type ParseError, parse } from 'jsonc-parser';
import { CommandFailed, EXIT } from './exit.ts';
import { HUB_KEYS } from './hub-keys.ts';
import { stepBetween } from './text-step.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The parts of Docker's configuration that concern credentials. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** Docker's configuration folder. */
export function dockerFolderOf(env: Env): string {
  return env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');
}

/** The file in which podman, skopeo and buildah keep credentials after a logout. Source: containers-auth.json(5). */
export function podmanFileOf(env: Env): string {
  if (env.REGISTRY_AUTH_FILE) return env.REGISTRY_AUTH_FILE;
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'containers', 'auth.json');
}

/** All files that podman, skopeo and buildah read. The first that has a registry wins. Source: the same. */
export function podmanFilesOf(env: Env): readonly string[] {
  if (env.REGISTRY_AUTH_FILE) return [env.REGISTRY_AUTH_FILE];
  const session = env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json')] : [];
  return [...session, podmanFileOf(env), dockerFileOf(env)];
}

/** Docker's configuration file. */
export function dockerFileOf(env: Env): string {
  return join(dockerFolderOf(env), 'config.json');
}

/** A configuration file as text; undefined when there is none. @throws CommandFailed when it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandFailed(EXIT.error, `cannot read ${path}`, 'Check who owns it.');
  }
}

/** @throws CommandFailed if the text is not a JSON object. */
export function parseConfig(text: string | undefined, path: string): DockerConfig {
  const errors: ParseError[] = [];
  const config: unknown =
    text === undefined || text.trim() === '' ? {} : parse(text, errors, { allowTrailingComma: false });
  if (errors.length > 0 || typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new CommandFailed(
      EXIT.error,
      `${path} is not a JSON object. Nothing was changed in it`,
      'Fix or delete it first.',
    );
  }
  return config as DockerConfig;
}

/** One entry of a configuration; undefined removes it. */
export type Entry = readonly [path: readonly string[], value: unknown];

/** Entries that make docker use a token in the file itself. */
export function loginEntries({ credsStore, credHelpers }: DockerConfig, username: string, password: string): Entry[] {
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const entries: Entry[] = HUB_KEYS.map((key) => [['auths', key], { auth }]);
  for (const key of HUB_KEYS) {
    // For docker, an empty helper means this file, and wins over a store for all registries. Other clients know no store.
    if (key === HUB_KEYS[0] && credsStore) entries.push([['credHelpers', key], '']);
    else if (credHelpers?.[key] !== undefined) entries.push([['credHelpers', key], undefined]);
  }
  return entries;
}

/**
 * Sets one entry, or removes it with undefined. Every other byte of the text stays. The entry is formatted like the rest, unless the
 * formatter would also change its neighbours.
 */
export function edit(text: string | undefined, path: readonly string[], value: unknown): string {
  const from = text === undefined || text.trim() === '' ? '{}\n' : text;
  const plain = applyEdits(from, modify(from, [...path], value, {}));
  const laidOut = applyEdits(from, modify(from, [...path], value, { formattingOptions: indentOf(from) }));
  const [bare, dressed] = [plain, laidOut].map((after) => stepBetween(from, after).former.replace(/\s/g, ''));
  return bare === dressed ? laidOut : plain;
}

/** Permissions of a file's owner. */
const OWNER = 0o700;

/**
 * Replaces a file atomically. A link is followed. Owner and mode stay.
 *
 * @param options with `closed`, others lose their permissions, because the file now holds a token.
 * @throws CommandFailed if the file belongs to another user, who could read the new content.
 */
export function writeWhole(path: string, text: string, { closed = false } = {}): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const former = existsSync(path) ? statSync(path) : undefined;
  const target = former === undefined ? path : realpathSync(path);
  // A new file may hold a token later.
  const mode = former === undefined ? 0o600 : former.mode & (closed ? OWNER : 0o777);
  const part = `${target}.${randomBytes(8).toString('hex')}.part`;
  try {
    writeFileSync(part, text, { mode: 0o600, flag: 'wx' });
    chmodSync(part, former === undefined || keepsOwner(part, former, path) ? mode : mode & OWNER);
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

/**
 * Gives a new file the owner and the group of the file that it replaces.
 *
 * @returns false if the group could not be kept. Another group would then get its permissions.
 */
function keepsOwner(part: string, { uid, gid }: Stats, path: string): boolean {
  const made = statSync(part);
  if (made.uid === uid && made.gid === gid) return true;
  try {
    chownSync(part, uid, gid);
    return true;
  } catch {
    if (made.uid === uid) return false;
    throw new CommandFailed(
      EXIT.error,
      `${path} belongs to another user`,
      'Set DOCKER_CONFIG to a folder of your own.',
    );
  }
}

function indentOf(text: string): FormattingOptions {
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? '\t';
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  return { insertSpaces: indent[0] === ' ', tabSize: indent[0] === ' ' ? indent.length : 1, eol };
}
