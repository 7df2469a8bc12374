import Table from 'cli-table3';
import { Option } from 'commander';
import { CommandFailed, EXIT } from './exit.ts';
import type { Io } from './io.ts';

/** A table of plain columns without lines, for people and for `awk`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
  };
  const grid = new Table({
    head: [...head],
    chars: {
      ...none,
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  for (const row of rows) grid.push([...row]);
  return `${grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

/** The flag for a command's output format. The first one is the default. */
export function output(forms: readonly [string, ...string[]] = ['table', 'json']): Option {
  return new Option('-o, --output <format>', 'output format').choices(forms).default(forms[0]);
}

/** Stable JSON for scripts. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * One field of an answer without quotes: `lease.id`, `credential.password`.
 *
 * @throws CommandFailed `usage` if there is no such field.
 */
export function field(value: unknown, path: string): string {
  let at: unknown = value;
  for (const key of path.split('.')) {
    at =
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string, unknown>)[key]
        : undefined;
  }
  if (at === undefined) throw new CommandFailed(EXIT.usage, `the answer has no field "${path}"`);
  return `${typeof at === 'object' ? JSON.stringify(at) : String(at)}\n`;
}

/** A secret as a terminal shows it. */
export function masked(secret: string): string {
  return `${secret.slice(0, 9)}${'•'.repeat(8)}`;
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** A time in words: "in 14 minutes", "2 hours ago". */
export function spoken(instant: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(instant) - nowMs) / 1_000);
  const size = Math.abs(seconds);
  const [unit, unitSeconds] = UNITS.find(([, each]) => size >= each) ?? ['second', 1];
  const count = Math.floor(size / unitSeconds);
  if (count === 0) return 'now';
  const span = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return seconds > 0 ? `in ${span}` : `${span} ago`;
}

/** Shows the rest of a lease's life on a terminal, until it is over. */
export async function countDown(instant: string, io: Io): Promise<void> {
  for (;;) {
    const leftMs = Date.parse(instant) - io.nowMs();
    if (leftMs <= 0) break;
    const seconds = Math.ceil(leftMs / 1_000);
    const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
    const clock = [hours, minutes, seconds % 60].map((each) => String(each).padStart(2, '0')).join(':');
    io.err(`\r${clock} left`);
    await new Promise((resolve) => setTimeout(resolve, leftMs % 1_000 || 1_000));
  }
  io.err('\rexpired      \n');
}

/** Runs work. If it takes long, a terminal shows a spinner. */
export async function withSpinner<T>(io: Io, text: string, work: () => Promise<T>): Promise<T> {
  if (!io.errIsTerminal || io.env.CI !== undefined) return work();
  const { default: yoctoSpinner } = await import('yocto-spinner');
  const spinner = yoctoSpinner({ text });
  const late = setTimeout(() => spinner.start(), 1_000);
  try {
    return await work();
  } finally {
    clearTimeout(late);
    if (spinner.isSpinning) spinner.stop();
  }
}
