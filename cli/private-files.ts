import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { CommandFailed, EXIT } from './exit.ts';

/** Permissions of the group and of others. */
const OTHERS = 0o077;

/** Whether something is this user's and closed to all others. Windows has no such modes: there the user's profile folder is. */
export function isPrivate({ uid, mode }: Stats): boolean {
  return process.getuid === undefined || (uid === process.getuid() && (mode & OTHERS) === 0);
}

/** Whether a folder is there, is this user's, and is closed to all others. */
export function isPrivateFolder(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && isPrivate(stat);
}

/**
 * The content of a file that this user alone could have written and can read, in a folder of the same kind. No link is followed.
 *
 * @returns undefined for any other, and for one that cannot be read.
 */
export function readPrivateFile(folder: string, path: string): string | undefined {
  try {
    if (!isPrivateFolder(folder)) return undefined;
    const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      const stat = fstatSync(file);
      return stat.isFile() && isPrivate(stat) ? readFileSync(file, 'utf8') : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/**
 * Makes a folder for this user alone, or closes one of this user's to others.
 *
 * @throws CommandFailed when it cannot be made, or is another user's.
 */
export function openPrivateFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(path);
    if (process.getuid !== undefined && uid !== process.getuid()) {
      throw new CommandFailed(
        EXIT.error,
        `${path} belongs to another user, who could read and change the leases in it`,
        'Set XDG_CACHE_HOME to a folder of your own.',
      );
    }
    if ((mode & OTHERS) !== 0) chmodSync(path, 0o700);
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new CommandFailed(
      EXIT.error,
      `leases cannot be stored in ${path} (${code})`,
      'Make the folder writable, or set XDG_CACHE_HOME to another one.',
    );
  }
}
