import { fail } from '../model/failure.ts';

interface Versioned {
  readonly version: number;
}

/** These fields change with every write, and do not come from a person's request. */
const BOOKKEEPING = new Set(['version', 'opId', 'createdAtMs', 'updatedAtMs', 'verification', 'expiryGranularity']);

/**
 * Refuses a change if the current version is not the one that its author saw.
 *
 * @throws Failed `precondition_failed` with the current version, 0 for none.
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

/** Sorted names of the fields that differ from the entry before; all fields of a new entry. */
export function changedFields(existing: object | undefined, wanted: object, besides: readonly string[]): string[] {
  const before = (existing ?? {}) as Record<string, unknown>;
  const after = wanted as Record<string, unknown>;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => !BOOKKEEPING.has(name) && spell(before[name]) !== spell(after[name]));
  return [...changed, ...besides].sort();
}

/** A value as text with sorted keys, because not every store keeps the order of keys. */
function spell(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
