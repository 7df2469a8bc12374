import { readFileSync, writeSync } from 'node:fs';

/** The inputs and outputs of a command, so that tests need no process. */
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
    // A reader such as `head` may close the pipe early.
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
 * The same for a program that prints little and must start fast: Node's streams take longer than a credential helper's whole work. No
 * stream here is a terminal.
 */
export function plainIo(): Io {
  return {
    out: (text) => write(1, text),
    err: (text) => write(2, text),
    async readAll() {
      try {
        return readFileSync(0, 'utf8');
      } catch {
        // Standard input does not block.
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
    // The reader has closed the pipe.
  }
}

async function readAll(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
