import { type AllowEntry, patternsIn } from '../../core/model/allow.ts';

/** Where an `allow` list admits more than it seems to, and what to do; undefined where it does not. */
export function allowWarnings(allow: readonly AllowEntry[]): string[] | undefined {
  const warnings = patternsIn(allow).map(
    (pattern) =>
      `allow: ${pattern} also lists roles that are made later. Anybody who can create a role with such a name in account ${pattern.split(':')[4]} can lease. List each role by its full name, or by {"role", "id"}.`,
  );
  return warnings.length === 0 ? undefined : warnings;
}
