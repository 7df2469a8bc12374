import { fail } from '../model/failure.ts';

interface Versioned {
  readonly version: number;
}

/** Differ with every write and say nothing of what a person asked for. */
const BOOKKEEPING = new Set(['version', 'opId', 'createdAtMs', 'updatedAtMs', 'verification', 'expiryGranularity']);

/**
 * Refuses a change to another version than the one that its author saw.
 *
 * @throws Failed `precondition_failed` with the version in force, 0 for none.
 */
export function checkVersion(
  name: string,
  existing: Versioned | undefined,
  ifVersion: number | 'any' | undefined,
): void {
  if (ifVersion === undefined) return;
  const version = existing?.version ?? 0;
  if (ifVersion === 'any' ? version > 0 : version === ifVersion) return;
  throw fail({ tag: 'precondition_failed', name, version });
}

/** Names of the fields in which an entry differs from the one before it, in order; all of a new one's. */
export function changedFields(existing: object | undefined, wanted: object, besides: readonly string[]): string[] {
  const before = (existing ?? {}) as Record<string, unknown>;
  const after = wanted as Record<string, unknown>;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => !BOOKKEEPING.has(name) && spell(before[name]) !== spell(after[name]));
  return [...changed, ...besides].sort();
}

/** A value as text, its keys in order: not every store keeps theirs. */
function spell(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
