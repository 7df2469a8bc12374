import { existsSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type FileLock, tryLock } from './file-lock.ts';
import { isPrivateFolder } from './private-files.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A folder of one run's own. */
export interface PrivateFolder {
  readonly path: string;
  remove(): void;
}

/** A folder whose run holds the lock in it. */
const PREFIX = 'hublease-exec-';
/** One that is being made: nothing is in it yet but perhaps the lock. */
const DRAFT_PREFIX = 'hublease-new-';
const DRAFT_FORGOTTEN_AFTER_MS = 86_400_000;
/** The lock's file, which the run holds until it ends. */
const LOCK = '.hublease-lock';

/**
 * Makes a folder for one `hublease exec`, and removes those of runs that were killed: they hold other registries' credentials.
 * It is in `XDG_RUNTIME_DIR` where there is one, which is in memory and ends with the user's session, else in the system's folder for
 * temporary files.
 */
export function execFolder(env: Env): PrivateFolder {
  const runtime = env.XDG_RUNTIME_DIR;
  const roots = [...(runtime && isPrivateFolder(runtime) ? [runtime] : []), tmpdir()];
  for (const root of roots) removeOrphans(root);
  return makeFolder(roots[0] as string);
}

/** A run is told by its lock, never by the id of a process, which another process may have by now, or in another container. */
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
      // Its own run, or another one that looks for orphans, is just removing it.
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

/** Whether there is a lock that nobody holds. Without one its run could not lock it, and may live. */
function isUnlocked(path: string): boolean {
  if (!existsSync(path)) return false;
  const lock = tryLock(path);
  lock?.release();
  return lock !== undefined;
}

function makeFolder(root: string): PrivateFolder {
  // Locked before it has the name that others look for.
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

/** Where no lock can be had, on a disk over the network say, the folder is used without, and nobody else removes it. */
function lockIn(folder: string): FileLock | undefined {
  // Windows renames no folder that has an open file.
  if (process.platform === 'win32') return undefined;
  try {
    return tryLock(join(folder, LOCK));
  } catch {
    rmSync(join(folder, LOCK), { force: true });
    return undefined;
  }
}
