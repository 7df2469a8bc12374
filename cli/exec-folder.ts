import { existsSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type FileLock, tryLock } from './file-lock.ts';
import { isPrivateFolder } from './private-files.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A separate folder for one run. */
export interface PrivateFolder {
  readonly path: string;
  remove(): void;
}

/** A folder whose run holds the lock in it. */
const PREFIX = 'hublease-exec-';
/** A folder that is being made. It contains at most the lock. */
const DRAFT_PREFIX = 'hublease-new-';
const DRAFT_FORGOTTEN_AFTER_MS = 86_400_000;
/** The lock's file, which the run holds until it ends. */
const LOCK = '.hublease-lock';

/**
 * Makes a folder for one `hublease exec`, and removes those of killed runs, which hold other registries' credentials. The folder is in
 * `XDG_RUNTIME_DIR` if that is set: it is in memory and ends with the user's session. Otherwise it is in the system's folder for
 * temporary files.
 */
export function execFolder(env: Env): PrivateFolder {
  const runtime = env.XDG_RUNTIME_DIR;
  const roots = [...(runtime && isPrivateFolder(runtime) ? [runtime] : []), tmpdir()];
  for (const root of roots) removeOrphans(root);
  return makeFolder(roots[0] as string);
}

/** A live run is recognised by its lock. A process id could meanwhile belong to another process or container. */
function removeOrphans(root: string): void {
  for (const name of namesIn(root)) {
    if (!name.startsWith(PREFIX) && !name.startsWith(DRAFT_PREFIX)) continue;
    const path = join(root, name);
    try {
      const stat = lstatSync(path);
      const isOurs = stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid());
      if (!isOurs) continue;
      const isLeft = name.startsWith(PREFIX)
        ? isUnlocked(join(path, LOCK))
        : Date.now() - stat.mtimeMs > DRAFT_FORGOTTEN_AFTER_MS;
      if (isLeft) rmSync(path, { recursive: true, force: true });
    } catch {
      // Its own run, or another cleanup, is removing it.
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether there is a lock that nobody holds. Without a lock file, the run could not lock, and may be alive. */
function isUnlocked(path: string): boolean {
  if (!existsSync(path)) return false;
  const lock = tryLock(path);
  lock?.release();
  return lock !== undefined;
}

function makeFolder(root: string): PrivateFolder {
  // Lock it before it gets the name that cleanups look for.
  const draft = mkdtempSync(join(root, DRAFT_PREFIX));
  const path = join(root, basename(draft).replace(DRAFT_PREFIX, PREFIX));
  const lock = lockIn(draft);
  renameSync(draft, path);
  return {
    path,
    remove() {
      lock?.release();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** If no lock is possible, for example on a network disk, the folder is used without one, and nobody else removes it. */
function lockIn(folder: string): FileLock | undefined {
  // Windows cannot rename a folder with an open file.
  if (process.platform === 'win32') return undefined;
  try {
    return tryLock(join(folder, LOCK));
  } catch {
    rmSync(join(folder, LOCK), { force: true });
    return undefined;
  }
}
