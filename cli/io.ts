import { readFileSync, writeSync } from 'node:fs';

/** What a command reads and writes, so that tests need no process. */
export interface Io {
  /** Data. */
  readonly out: (text: string) => void;
  /** Prose. */
  readonly err: (text: string) => void;
  /** All of standard input. */
  readonly readAll: () => Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output, and standard error, is a terminal. */
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  readonly nowMs: () => number;
}

/** This process's own. */
export function processIo(): Io {
  for (const stream of [process.stdout, process.stderr]) {
    // Whoever reads us may have had enough, `head` for one.
    stream.on('error', () => {});
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readAll,
    env: process.env,
    outIsTerminal: process.stdout.isTTY === true,
    errIsTerminal: process.stderr.isTTY === true,
    nowMs: Date.now,
  };
}

/**
 * The same for a program that says little and must start fast: Node's streams cost a credential helper more than its whole work.
 * No stream here is a terminal.
 */
export function plainIo(): Io {
  return {
    out: (text) => write(1, text),
    err: (text) => write(2, text),
    async readAll() {
      try {
        return readFileSync(0, 'utf8');
      } catch {
        // Somebody made it one that does not wait.
        return readAll();
      }
    },
    env: process.env,
    outIsTerminal: false,
    errIsTerminal: false,
    nowMs: Date.now,
  };
}

function write(descriptor: 1 | 2, text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // Whoever was to read it has gone.
  }
}

async function readAll(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
