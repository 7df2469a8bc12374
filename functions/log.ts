import type { Clock } from './core/ports/environment.ts';

/**
 * The operator's log. It takes only these fields, and of an unexpected error only its name and where it came from: a message
 * may quote what a caller or Docker Hub sent.
 */
export interface LogFields {
  readonly requestId?: string;
  /** Stable code of a failure. */
  readonly code?: string;
  /** Name of the operation or trigger. */
  readonly route?: string;
  readonly status?: number;
  readonly durationMs?: number;
  readonly leaseId?: string;
  readonly secret?: string;
  readonly target?: string;
  readonly errorName?: string;
  /** Stack frames, without the message above them. */
  readonly frames?: readonly string[];
}

export interface Log {
  /** @param event a stable name of what happened, such as `request`. */
  info(event: string, fields: LogFields): void;
  error(event: string, fields: LogFields): void;
}

/** Least level that is written. */
export type LogLevel = 'info' | 'error' | 'silent';

const RANK: Record<LogLevel, number> = { info: 0, error: 1, silent: 2 };

/** The types alone would let an object with more fields pass; this list is what is written. */
const FIELDS = [
  'requestId',
  'code',
  'route',
  'status',
  'durationMs',
  'leaseId',
  'secret',
  'target',
  'errorName',
  'frames',
] as const satisfies readonly (keyof LogFields)[];

/** No legal value is longer; CloudWatch bills by the byte. */
const VALUE_MAX_CHARACTERS = 256;
const FRAMES_MAX = 20;

/** Writes one JSON object per line. */
export function jsonLines(
  stream: { write(line: string): unknown },
  clock: Pick<Clock, 'nowMs'>,
  level: LogLevel = 'info',
): Log {
  const write = (rank: 'info' | 'error', event: string, fields: LogFields) => {
    if (RANK[rank] < RANK[level]) return;
    const kept = FIELDS.flatMap((name) => (fields[name] === undefined ? [] : [[name, bounded(fields[name])]]));
    const at = new Date(clock.nowMs()).toISOString();
    stream.write(`${JSON.stringify({ at, level: rank, event, ...Object.fromEntries(kept) })}\n`);
  };
  return {
    info: (event, fields) => write('info', event, fields),
    error: (event, fields) => write('error', event, fields),
  };
}

function bounded(value: string | number | readonly string[]): unknown {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return value.slice(0, VALUE_MAX_CHARACTERS);
  return value.slice(0, FRAMES_MAX).map((frame) => frame.slice(0, VALUE_MAX_CHARACTERS));
}

const FRAME =
  /^ {4}at (?:async )?(?:[\w.$<>[\] ]{1,128} \()?(?:file:\/\/|node:|\/|[A-Za-z]:\\)[^\s()]{1,200}:\d+:\d+\)?$/;
/** What V8 writes before the message: `TypeError: `, `Error [ERR_X]: `, or the name alone when there is no message. */
const HEAD = /^[A-Za-z]{1,64}(?: \[\w{1,64}\])?(?:: )?/;
const ERROR_NAME = /^[A-Za-z]{1,64}$/;

/**
 * What may be logged of an unexpected error: its name and its stack frames, never its message. Whatever was thrown: looking at it
 * may throw as well.
 */
export function errorFields(error: unknown): Pick<LogFields, 'errorName' | 'frames'> {
  try {
    return error instanceof Error ? nameAndFrames(error) : { errorName: 'NotAnError', frames: [] };
  } catch {
    return { errorName: 'Unreadable', frames: [] };
  }
}

function nameAndFrames({ name, message, stack = '' }: Error): Pick<LogFields, 'errorName' | 'frames'> {
  // A message may hold line breaks and look like frames, so the stack counts only when, and behind where, it has the message.
  const head = HEAD.exec(stack)?.[0] ?? '';
  const frames = stack.startsWith(`${message}\n`, head.length)
    ? stack.slice(head.length + message.length).split('\n')
    : [];
  return {
    errorName: ERROR_NAME.test(name) ? name : 'Error',
    frames: frames.filter((frame) => FRAME.test(frame)).map((frame) => frame.trim()),
  };
}
