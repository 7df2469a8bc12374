import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Keeps a data folder out of Git, wherever it is: it holds keys, and Docker Hub passwords under one of them. A `.gitignore` that is
 * there stays. A disk that takes no file does not keep the edition from starting, and from revoking.
 */
export function keepOutOfGit(dataFolder: string): void {
  try {
    writeFileSync(join(dataFolder, '.gitignore'), '*\n', { mode: 0o600, flag: 'wx' });
  } catch {
    // It is there already, or the disk is full or read-only.
  }
}
