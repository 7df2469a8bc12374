import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { AuditEvent } from '../../core/model/audit-event.ts';
import type { Audit } from '../../core/ports/audit.ts';
import type { Clock } from '../../core/ports/environment.ts';
import { AwsCallFailed, awsCall, failedWith } from './call.ts';

/** Maximum time that a decision waits for its audit event. After that, the event goes to the function's own log. */
const RECORD_TIMEOUT_MS = 2_000;
/** Maximum length of a field. An ARN has about 200 characters. Longer texts are cut, so that no event is too large for the log. */
const MAX_TEXT_CHARACTERS = 1_024;
/** Maximum length of a text in `detail`, which may contain an allow list, and of all of them together. An event may have 256 KiB. */
const MAX_DETAIL_CHARACTERS = 8_001;
const ALL_DETAILS_CHARACTERS = 40_000;
/** Maximum entries of `detail`. */
const MAX_DETAILS = 32;

const TEXT_FIELDS = [
  'requestId',
  'sourceIp',
  'caller',
  'callerId',
  'secret',
  'target',
  'leaseId',
  'tokenId',
  'tokenSha256',
  'code',
] as const satisfies readonly (keyof AuditEvent)[];

export interface AuditLogOptions {
  readonly client: CloudWatchLogsClient;
  readonly logGroup: string;
  /** The name of this process among all writers of the log group: function and a random part. Neither `:` nor `*`. */
  readonly writer: string;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Receives one line of JSON if the log group could not be written. Default: stderr. */
  readonly writeLine?: (line: string) => void;
  readonly timeoutMs?: number;
}

/**
 * Writes audit events to a CloudWatch log group of their own, one stream per process and day (`2026/11/21/WRITER`). Only the
 * fields that AuditEvent names are written, even if the object has others. Never rejects: an event that could not be stored
 * within two seconds is `lost`, and goes to the function's own log with the code of the failure.
 *
 * IAM actions: PutLogEvents, CreateLogStream. Source: CloudWatch Logs API reference, PutLogEvents.
 */
export function cloudWatchAudit(options: AuditLogOptions): Audit {
  const { client, logGroup, writer, clock } = options;
  const writeLine = options.writeLine ?? ((line) => process.stderr.write(`${line}\n`));

  async function store(message: string, atMs: number, abortSignal: AbortSignal): Promise<void> {
    const logStreamName = `${new Date(clock.nowMs()).toISOString().slice(0, 10).replaceAll('-', '/')}/${writer}`;
    const place = { logGroupName: logGroup, logStreamName };
    const put = () =>
      awsCall('PutLogEvents', () =>
        client.send(new PutLogEventsCommand({ ...place, logEvents: [{ message, timestamp: atMs }] }), { abortSignal }),
      );
    let answer: Awaited<ReturnType<typeof put>>;
    try {
      answer = await put();
    } catch (error) {
      if (!failedWith(error, 'ResourceNotFoundException')) throw error;
      await awsCall('CreateLogStream', () => client.send(new CreateLogStreamCommand(place), { abortSignal })).catch(
        (cause) => {
          if (!failedWith(cause, 'ResourceAlreadyExistsException')) throw cause;
        },
      );
      answer = await put();
    }
    // An event with a time outside the log group's window is refused, although the answer is a success.
    if (answer.rejectedLogEventsInfo !== undefined) throw new AwsCallFailed('PutLogEvents', 'EventRejected');
  }

  return {
    async record(event) {
      const audit = fieldsOf(event);
      try {
        await within(options.timeoutMs ?? RECORD_TIMEOUT_MS, (signal) =>
          store(JSON.stringify(audit), event.atMs, signal),
        );
        return 'stored';
      } catch (error) {
        const code = error instanceof AwsCallFailed ? error.message : 'Unknown';
        try {
          writeLine(JSON.stringify({ level: 'ERROR', message: 'audit event not stored', code, audit }));
        } catch {
          // There is no other place to report this, and a decision must not fail because its audit event failed.
        }
        return 'lost';
      }
    },
  };
}

function fieldsOf(event: AuditEvent): Record<string, unknown> {
  const fields: Record<string, unknown> = { event: event.event, atMs: event.atMs, at: isoTime(event.atMs) };
  for (const name of TEXT_FIELDS) if (event[name] !== undefined) fields[name] = cut(event[name]);
  if (event.detail !== undefined) {
    let left = ALL_DETAILS_CHARACTERS;
    const entries = Object.entries(event.detail).slice(0, MAX_DETAILS);
    const details = entries.map(([name, value]) => {
      const text = cut(value, Math.min(MAX_DETAIL_CHARACTERS, left));
      left = Math.max(0, left - String(text).length);
      return [cut(name), text];
    });
    fields.detail = Object.fromEntries(details);
  }
  return fields;
}

function isoTime(atMs: number): string | undefined {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function cut(value: unknown, mostCharacters = MAX_TEXT_CHARACTERS): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : typeof value;
  return text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}…`;
}

/** Ends with the call or after the timeout, whichever is first. The SDK's pauses between tries ignore its own abort signal. */
async function within(timeoutMs: number, call: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new AwsCallFailed('PutLogEvents', 'TimeUp'));
      abort.abort();
    }, timeoutMs);
  });
  try {
    await Promise.race([call(abort.signal), timeUp]);
  } finally {
    clearTimeout(timer);
  }
}
