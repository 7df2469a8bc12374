import type { Caller } from './caller.ts';
import { fail } from './failure.ts';

/** A role with its unique id. If the role is deleted and created again with the same ARN, the new role is not allowed. */
export interface PinnedRole {
  /** An ARN without `*`. */
  readonly role: string;
  /** `AROA…`, as `GET /v1/whoami` and `aws iam get-role` show it. */
  readonly id: string;
}

/** One entry of an allow list: a role ARN (`*` in its name stands for any characters), an account root, or a pinned role. */
export type AllowEntry = string | PinnedRole;

const ALLOW_ROOT = /^arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:root$/;
const ALLOW_ROLE = /^arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:role\/[\w+=,.@*-]{1,64}$/;
const ALLOW_PATH = /^arn:[a-z-]+:iam::\d{12}:role\/.*\//;
const ROLE_ID = /^AROA[A-Z0-9]{12,124}$/;

/**
 * Checks one entry of a secret's `allow` list.
 *
 * @throws Failed `invalid_field` with the reason.
 */
export function parseAllow(entry: AllowEntry, field: string): AllowEntry {
  if (typeof entry === 'string') {
    if (ALLOW_ROOT.test(entry) || ALLOW_ROLE.test(entry)) return entry;
    throw fail({
      tag: 'invalid_field',
      field,
      problem: roleProblem(entry, ' or an account root such as arn:aws:iam::111122223333:root'),
    });
  }
  const { role, id } = entry;
  if (!ALLOW_ROLE.test(role))
    throw fail({ tag: 'invalid_field', field: `${field}.role`, problem: roleProblem(role, '') });
  if (role.includes('*')) {
    const problem = 'an id belongs to one role, so the role may not contain "*"';
    throw fail({ tag: 'invalid_field', field: `${field}.role`, problem });
  }
  if (ROLE_ID.test(id)) return { role, id };
  const problem = 'expected the unique id of the role, such as AROACKCEVSQ6C2EXAMPLE; "aws iam get-role" shows it';
  throw fail({ tag: 'invalid_field', field: `${field}.id`, problem });
}

function roleProblem(role: string, orRoot: string): string {
  return ALLOW_PATH.test(role)
    ? 'a role path is not visible in a signed request, so it cannot be matched: leave the path out, as in arn:aws:iam::111122223333:role/NAME'
    : `expected a role such as arn:aws:iam::111122223333:role/ci${orRoot}`;
}

/** Whether one of the `allow` entries matches the caller. An empty list allows nobody. */
export function isAllowed(allow: readonly AllowEntry[], caller: Caller): boolean {
  return allow.some((entry) => {
    if (typeof entry !== 'string') return entry.role === caller.arn && entry.id === caller.id;
    return entry.endsWith(':root')
      ? entry.split(':')[4] === caller.accountId && entry.split(':')[1] === caller.arn.split(':')[1]
      : matches(entry, caller.arn);
  });
}

/** Entries with a pattern. They also allow roles that do not exist yet. */
export function patternsIn(allow: readonly AllowEntry[]): readonly string[] {
  return allow.filter((entry) => typeof entry === 'string' && entry.includes('*')) as string[];
}

/** An entry as text without spaces, for logs. */
export function spellAllow(entry: AllowEntry): string {
  return typeof entry === 'string' ? entry : `${entry.role}#${entry.id}`;
}

/** Glob match with `*` only. Remembers only the last `*` to go back to, so no pattern makes it slow. */
function matches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = t;
    } else if (pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
