import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** A folder that is removed by `remove`. The data folder inside it is not there yet. */
export function tempFolder(): { readonly dataDir: string; remove(): void } {
  const root = mkdtempSync(join(tmpdir(), 'hublease-test-'));
  return { dataDir: join(root, 'data'), remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** The path of a data folder that is not there yet, removed when the test ends. */
export function dataFolder(): string {
  const { dataDir, remove } = tempFolder();
  onTestFinished(remove);
  return dataDir;
}

/** Another process with its own view of a data folder. */
export interface OtherProcess {
  /** Its next line of output. */
  line(): Promise<string>;
  /** Writes a line to its input. */
  say(text: string): void;
  /** Ends it as `kill -9` does, and waits until it is gone. */
  kill(): Promise<void>;
}

/**
 * Runs `script`, a module, in a process of its own: `openData(dataDir)` opens the folder, `build` makes
 * rows and `say` writes a line.
 */
export function otherProcess(dataDir: string, script: string): OtherProcess {
  const text = `
    const { openData } = await import(${here('../../local/sqlite/data.ts')});
    const build = await import(${here('../contract/builders.ts')});
    const dataDir = ${JSON.stringify(dataDir)};
    const say = (line) => process.stdout.write(line + '\\n');
    ${script}`;
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', text], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  onTestFinished(kill);
  return {
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error('the other process ended early');
      return value;
    },
    say(text) {
      child.stdin?.write(`${text}\n`);
    },
    kill,
  };
}

function here(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href);
}
