import { basename, dirname, join } from 'node:path';
import { CommandFailed, EXIT } from './exit.ts';
import { type FileLock, tryLock } from './file-lock.ts';
import { openPrivateFolder } from './private-files.ts';

/** Longer than three attempts of a mint. The lock of a live holder is never taken over, so the wait needs an end. */
const WAIT_MAX_MS = 120_000;
/** Waiting processes retry after a random time between these, so that they do not retry together. */
const PAUSE_MS = { min: 25, max: 100 } as const;

/**
 * Runs work while no other process or call works on the same file. One docker or skopeo command asks twice within milliseconds, in
 * separate processes: the first one leases for all. The lock ends with its holder's process.
 *
 * @param done checked while waiting and before the work: the result of somebody else's work, which makes ours unnecessary.
 * @throws CommandFailed if the file's folder cannot be used, or the lock is held for too long. Also the errors of `work`.
 */
export async function alone<T>(
  file: string,
  work: () => Promise<T>,
  done: () => T | undefined = () => undefined,
): Promise<T> {
  openPrivateFolder(dirname(file));
  const giveUpAtMs = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const lock = lockOf(file);
    try {
      const value = done();
      if (value !== undefined) return value;
      if (lock !== undefined) return await work();
    } finally {
      lock?.release();
    }
    if (performance.now() > giveUpAtMs) {
      throw new CommandFailed(EXIT.error, 'another process is still leasing from this secret', 'Try again.');
    }
    const pauseMs = PAUSE_MS.min + Math.random() * (PAUSE_MS.max - PAUSE_MS.min);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/**
 * The lock of a file. All files share 16 locks, by the first digit of their names. Lock files are never removed: a lock file that is
 * removed while somebody waits for it locks nothing.
 */
function lockOf(file: string): FileLock | undefined {
  const folder = dirname(file);
  try {
    return tryLock(join(folder, `${basename(file).slice(0, 1)}.lock`));
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new CommandFailed(
      EXIT.error,
      `leases cannot be stored in ${folder} (${code})`,
      'Make the folder writable, or set XDG_CACHE_HOME to another one.',
    );
  }
}
