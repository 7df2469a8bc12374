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

/** Where podman, skopeo and buildah keep credentials that survive a logout. Source: containers-auth.json(5). */
export function podmanFileOf(env: Env): string {
  if (env.REGISTRY_AUTH_FILE) return env.REGISTRY_AUTH_FILE;
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'containers', 'auth.json');
}

/** All files that podman, skopeo and buildah look into, the first that knows a registry before the others. Source: the same. */
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

/** @throws CommandFailed when the text is no JSON object. */
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

/** What makes docker use a token that stands in the file itself. */
export function loginEntries({ credsStore, credHelpers }: DockerConfig, username: string, password: string): Entry[] {
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const entries: Entry[] = HUB_KEYS.map((key) => [['auths', key], { auth }]);
  for (const key of HUB_KEYS) {
    // An empty helper means this file to docker, and goes before a store for all registries; the others know no store.
    if (key === HUB_KEYS[0] && credsStore) entries.push([['credHelpers', key], '']);
    else if (credHelpers?.[key] !== undefined) entries.push([['credHelpers', key], undefined]);
  }
  return entries;
}

/**
 * Sets (or with undefined removes) one entry, leaving every other byte of the text as it was: laid out like the rest where that
 * touches nothing else, and without a layout where the formatter would have put the neighbours in order too.
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
 * Writes a file whole or not at all, through a link to where it leads, keeping the owner and the mode of the one it replaces.
 *
 * @param options with `closed`, others lose what permissions they had: the file holds a token from now on.
 * @throws CommandFailed when the file is another user's, who could read what is written.
 */
export function writeWhole(path: string, text: string, { closed = false } = {}): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const former = existsSync(path) ? statSync(path) : undefined;
  const target = former === undefined ? path : realpathSync(path);
  // A new one may come to hold a token.
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
 * Gives a new file to the owner and the group of the one that it will replace.
 *
 * @returns false when the group could not be kept, so that another group would get what its members may do.
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
