import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Entry, edit, readText, writeWhole } from './docker-config.ts';
import { type Step, stepBetween } from './text-step.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The data to undo an edit of a file. It holds only the replaced parts, never the rest of the file. */
export interface EditRecord {
  readonly file: string;
  /** Whether the edit created the file. */
  readonly created: boolean;
  /** Hash of the edited text. If the file differs, somebody else has changed it since. */
  readonly sha256: string;
  readonly steps: readonly Step[];
  /** More data for the undo. */
  readonly note: Readonly<Record<string, string>>;
}

/**
 * Sets entries of a configuration file and remembers how to undo it.
 *
 * @param kind one record is kept for each kind and file.
 * @param options without `remembersFormer` (the replaced text may be a secret), the record cannot restore the file byte for byte. With
 *   `closed`, the file now holds a token, so others permanently lose their permissions.
 */
export function editTracked(
  env: Env,
  kind: string,
  file: string,
  entries: readonly Entry[],
  note: EditRecord['note'],
  { remembersFormer = true, closed = false } = {},
): void {
  const before = readText(file);
  const earlier = recordOf(env, kind, file);
  const steps: Step[] = [];
  let text = before;
  for (const [path, value] of entries) {
    const next = edit(text, path, value);
    steps.push(stepBetween(text ?? '', next));
    text = next;
  }
  if (text === undefined || text === before) return;
  writeWhole(file, text, { closed });
  // A second edit of the same file cannot be undone byte for byte: somebody else may have changed the file in between.
  const inBytes = remembersFormer && earlier === undefined;
  const record: EditRecord = {
    file,
    created: before === undefined,
    sha256: inBytes ? sha256(text) : '',
    steps: inBytes ? steps : [],
    note: { ...note, ...earlier?.note },
  };
  saveRecord(env, kind, file, record);
}

/** Replaces the record. */
export function saveRecord(env: Env, kind: string, file: string, record: EditRecord): void {
  mkdirSync(stateFolderOf(env), { recursive: true, mode: 0o700 });
  writeWhole(recordFileOf(env, kind, file), `${JSON.stringify(record)}\n`);
}

/** The record of a kind and file; undefined if there is none, or if it cannot be read. */
export function recordOf(env: Env, kind: string, file: string): EditRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFileOf(env, kind, file), 'utf8')) as EditRecord;
  } catch {
    return undefined;
  }
}

/**
 * Undoes a recorded edit: byte for byte if nobody has changed the file, else by setting the entries given for that case. Removes the
 * record.
 *
 * @returns whether there was anything to undo.
 */
export function undoTracked(env: Env, kind: string, file: string, entriesIfTouched: () => readonly Entry[]): boolean {
  const record = recordOf(env, kind, file);
  const text = readText(file);
  let undone = text;
  if (text !== undefined && record?.sha256 === sha256(text)) {
    for (const { offset, length, former } of record.steps.toReversed()) {
      undone = (undone as string).slice(0, offset) + former + (undone as string).slice(offset + length);
    }
    if (record.created) undone = undefined;
  } else if (text !== undefined) {
    for (const [path, value] of entriesIfTouched()) undone = edit(undone, path, value);
  }
  if (undone === undefined) rmSync(file, { force: true });
  else if (undone !== text) writeWhole(file, undone);
  const recorded = existsSync(recordFileOf(env, kind, file));
  rmSync(recordFileOf(env, kind, file), { force: true });
  return recorded || undone !== text;
}

/** The folder for state that must outlive a cache. Source: XDG Base Directory Specification. */
function stateFolderOf(env: Env): string {
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'hublease');
}

function recordFileOf(env: Env, kind: string, file: string): string {
  return join(stateFolderOf(env), `${kind}-${sha256(file).slice(0, 16)}.json`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
