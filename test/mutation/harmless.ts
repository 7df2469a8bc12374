import type { Mutant } from './mutants.ts';

/** A change of a condition that no behaviour shows, and why. */
export interface Harmless {
  readonly file: string;
  /** The line that holds it, without the space around it. Must be there once. */
  readonly line: string;
  readonly original: string;
  readonly replacement: string;
  readonly why: string;
}

export const HARMLESS: readonly Harmless[] = [];

/** Why a mutant changes nothing; undefined for one that must be killed. */
export function whyHarmless(mutant: Mutant, source: string): string | undefined {
  const line = source.split('\n')[mutant.line - 1]?.trim();
  return HARMLESS.find(
    (each) =>
      each.file === mutant.file &&
      each.line === line &&
      each.original === mutant.original &&
      each.replacement === mutant.replacement,
  )?.why;
}
