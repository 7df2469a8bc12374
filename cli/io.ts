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
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    async readAll() {
      const parts: Buffer[] = [];
      for await (const part of process.stdin) parts.push(part as Buffer);
      return Buffer.concat(parts).toString('utf8');
    },
    env: process.env,
    outIsTerminal: process.stdout.isTTY === true,
    errIsTerminal: process.stderr.isTTY === true,
    nowMs: Date.now,
  };
}
