import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { lock as lockFile } from 'proper-lockfile';
import { CommandFailed, EXIT } from './exit.ts';

/**
 * One docker or skopeo command asks twice within milliseconds, in processes of their own: whoever is first leases for all. A
 * holder shows every second that it lives; those who wait do so for longer than a mint may take.
 */
const LOCK = {
  stale: 5_000,
  update: 1_000,
  retries: { retries: 600, factor: 1, minTimeout: 50, maxTimeout: 100, randomize: true },
  realpath: false,
  // Somebody took us for dead, after a suspension say. Then there are two leases for once, and both are recorded.
  onCompromised: () => {},
};

/**
 * Works while nobody else works on the same file, in this process or another. The lock of a process that was killed is taken
 * over a few seconds after its end.
 *
 * @throws CommandFailed when the file's folder cannot be written, or the lock is held for too long; and whatever `work` throws.
 */
export async function alone<T>(file: string, work: () => Promise<T>): Promise<T> {
  const unlock = await lock(file);
  try {
    return await work();
  } finally {
    await unlock().catch(() => {
      // It was taken from us, or the folder is gone.
    });
  }
}

async function lock(file: string): Promise<() => Promise<void>> {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return await lockFile(file, LOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const folder = dirname(file);
    throw code === 'ELOCKED'
      ? new CommandFailed(EXIT.error, 'another process has been leasing the same for too long', 'Try again.')
      : new CommandFailed(
          EXIT.error,
          `leases cannot be kept in ${folder} (${code ?? 'unknown error'})`,
          'Make it writable, or set XDG_CACHE_HOME to a folder that is.',
        );
  }
}
