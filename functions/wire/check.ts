import type * as z from 'zod';
import { fail } from '../core/model/failure.ts';

/** A field's name is repeated to the caller only in this form: anything else may be a value in the wrong place. */
const SAFE_NAME = /^[A-Za-z][A-Za-z0-9]{0,31}$/;

/** What is added to a body's or query's own name when a field in it has no name that may be repeated. */
const NAMELESS = '*';

/**
 * Checks `input` against a schema.
 *
 * @param whole names the input itself (`body`, `query`) where a problem lies with no single field of it.
 * @throws Failed `invalid_field` for the first problem, with the field in dotted form (`resources.0.path`). The problem's
 *   text is ours throughout: it never repeats a value.
 */
export function check<S extends z.ZodType>(schema: S, input: unknown, whole: string): z.output<S> {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue === undefined) throw new Error('a schema failed without an issue');
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? NAMELESS] : issue.path;
  throw fail({ tag: 'invalid_field', field: fieldOf(path, whole), problem: problemOf(issue) });
}

function fieldOf(path: readonly PropertyKey[], whole: string): string {
  const names = path.map((part) =>
    typeof part === 'number' || SAFE_NAME.test(String(part)) ? String(part) : NAMELESS,
  );
  return names.length === 0 || names[0] === NAMELESS ? [whole, ...names].join('.') : names.join('.');
}

const KIND_TEXT: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'text',
};

const UNIT_TEXT: Readonly<Record<string, string>> = { array: ' entries', string: ' characters', record: ' entries' };

/** Zod's own texts are not used: its next version may quote input. Formats and rules of ours bring their text as message. */
function problemOf(issue: z.core.$ZodIssue): string {
  const missing = issue.input === undefined;
  switch (issue.code) {
    case 'invalid_type':
      return missing ? 'is required' : `expected ${KIND_TEXT[issue.expected] ?? 'another type'}`;
    case 'invalid_value':
      return missing ? 'is required' : `expected one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return missing ? 'is required' : issue.message;
    case 'too_big':
      return `expected at most ${issue.maximum}${UNIT_TEXT[issue.origin] ?? ''}`;
    case 'too_small':
      return `expected at least ${issue.minimum}${UNIT_TEXT[issue.origin] ?? ''}`;
    case 'unrecognized_keys':
      return 'unknown field';
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'not a valid name';
    case 'invalid_format':
    case 'custom':
      return issue.message;
    default:
      return 'not valid';
  }
}
