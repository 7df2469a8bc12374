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

/** Whether something belongs to this user and is closed to others. Windows has no such modes, but protects the profile folder. */
export function isPrivate({ uid, mode }: Stats): boolean {
  return process.getuid === undefined || (uid === process.getuid() && (mode & OTHERS) === 0);
}

/** Whether a folder exists, belongs to this user, and is closed to others. */
export function isPrivateFolder(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && isPrivate(stat);
}

/**
 * The content of a file that only this user can read and write, in a folder of the same kind. Links are not followed.
 *
 * @returns undefined for other files, and for files that cannot be read.
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
 * Makes a folder for this user only, or closes an existing one to others.
 *
 * @throws CommandFailed if it cannot be made, or belongs to another user.
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
