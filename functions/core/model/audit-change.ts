import { spellAllow } from './allow.ts';
import type { AuditEvent } from './audit-event.ts';
import type { DynamicSecret } from './secret.ts';
import type { Target } from './target.ts';

/** Maximum length of one value. A list of fifty pinned roles with usual names has 5,000 characters. */
const VALUE_MAX_CHARACTERS = 8_000;

/** Fields of a row that do not come from a person's request. */
const NOT_TOLD = new Set(['schema']);

/** The fields of a secret that decide who gets which token, and for how long. Of other fields, only the name is recorded. */
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

/** The same for a target: its account, and what hublease accepts from Docker Hub. Never its credential. */
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
 * The audit detail of a change of a secret. `changed` has the names of all changed fields. For the fields above, it also has the
 * values, such as `allowBefore` and `allowAfter`. A value that is not set is left out. Texts are cut at 8,000 characters.
 *
 * @param changed absent for a deletion. Then the detail has the values before.
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
