import { spellAllow } from './allow.ts';
import type { AuditEvent } from './audit-event.ts';
import type { DynamicSecret } from './secret.ts';
import type { Target } from './target.ts';

/** Longest text of one value. A list of fifty pinned roles with usual names has 5,000 characters. */
const VALUE_MAX_CHARACTERS = 8_000;

/** Fields that stand in a row and say nothing of what a person asked for. */
const NOT_TOLD = new Set(['schema']);

/** What of a secret decides who gets which token, for how long. Its other fields are told of by name alone. */
const SECRET_FIELDS = [
  'allow',
  'target',
  'scope',
  'resources',
  'defaultTtlSeconds',
  'maxTtlSeconds',
  'renewable',
  'maxActive',
  'maxMintsPerMinute',
] as const satisfies readonly (keyof DynamicSecret)[];

/** The same of a target: its account and what is believed of Docker Hub, never its credential. */
const TARGET_FIELDS = [
  'kind',
  'username',
  'organization',
  'loginRoute',
  'maxActive',
  'allowUnprovenExpiry',
] as const satisfies readonly (keyof Target)[];

type Detail = NonNullable<AuditEvent['detail']>;

/**
 * What a change of a secret did: `changed`, the names of all fields that changed, and of those that decide who gets what the
 * values, as `allowBefore` and `allowAfter`. A value that was or is not set is left out. Texts are cut at 8,000 characters.
 *
 * @param changed absent for a deletion, which states what there was.
 */
export function secretChange(
  before: DynamicSecret | undefined,
  after: DynamicSecret | undefined,
  changed?: readonly string[],
): Detail {
  return changeDetail(SECRET_FIELDS, before, after, changed);
}

/** The same for a target. */
export function targetChange(
  before: Target | undefined,
  after: Target | undefined,
  changed?: readonly string[],
): Detail {
  return changeDetail(TARGET_FIELDS, before, after, changed);
}

function changeDetail<Row extends object>(
  fields: readonly (keyof Row & string)[],
  before: Row | undefined,
  after: Row | undefined,
  changed: readonly string[] | undefined,
): Detail {
  const told = fields.filter((field) => changed === undefined || changed.includes(field));
  const values = told.flatMap((field) => [
    [`${field}Before`, before?.[field]],
    [`${field}After`, after?.[field]],
  ]);
  const set = values.filter(([, value]) => value !== undefined).map(([name, value]) => [name, spell(value)]);
  return {
    ...(changed !== undefined && { changed: changed.filter((name) => !NOT_TOLD.has(name)).join(' ') }),
    ...Object.fromEntries(set),
  };
}

function spell(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const text = Array.isArray(value) ? value.map(spellEntry).join(' ') : String(value);
  if (text.length <= VALUE_MAX_CHARACTERS) return text;
  return `${text.slice(0, VALUE_MAX_CHARACTERS)}…`;
}

/** An entry of `allow`, or of an organization's resources. */
function spellEntry(entry: unknown): string {
  const { path, scopes } = entry as { readonly path?: string; readonly scopes?: readonly string[] };
  return path === undefined ? spellAllow(entry as Parameters<typeof spellAllow>[0]) : `${path}:${scopes?.join(',')}`;
}
