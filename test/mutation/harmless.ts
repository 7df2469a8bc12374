import type { Mutant } from './mutants.ts';

/** A change of a condition that no behaviour shows, and why. */
export interface Harmless {
  readonly file: string;
  /** The line that holds it, without the space around it. */
  readonly line: string;
  readonly original: string;
  readonly replacement: string;
  readonly why: string;
}

export const HARMLESS: readonly Harmless[] = [
  {
    file: 'functions/adapters/dynamodb/catalog.ts',
    line: "return filter.target === undefined || ('target' in entry && entry.target === filter.target);",
    original: "'target' in entry",
    replacement: 'true',
    why: 'It is there for the type: the `target` of an entry without one is undefined, which is no name.',
  },
  {
    file: 'functions/adapters/dynamodb/leases.ts',
    line: 'const isAhead = resume > top;',
    original: '>',
    replacement: '>=',
    why: 'Where both are the same, either is taken.',
  },
  {
    file: 'functions/adapters/dynamodb/transaction.ts',
    line: 'const isPassing = reason !== undefined && PASSING_REASONS.includes(reason);',
    original: 'reason !== undefined',
    replacement: 'true',
    why: 'It is there for the type: undefined is none of the reasons that pass.',
  },
  {
    file: 'functions/adapters/aws/secrets-manager.ts',
    line: 'if (versions.length !== 1 || only === undefined || only[1].includes(EMPTY_STAGE)) return;',
    original: 'only === undefined',
    replacement: 'false',
    why: 'It is there for the type: one version is there when there is one.',
  },
  {
    file: 'local/sqlite/catalog.ts',
    line: "...(prefix === undefined ? [] : [`(name = :prefix OR (name > :prefix || '/' AND name < :prefix || '0'))`]),",
    original: '>',
    replacement: '>=',
    why: 'No name ends with a slash.',
  },
  {
    file: 'local/sqlite/commits.ts',
    line: 'if (waiting.length === 0) setImmediate(flush);',
    original: 'waiting.length === 0',
    replacement: 'true',
    why: 'A second flush in the same turn finds nothing that waits, and does nothing.',
  },
  {
    file: 'local/sqlite/leases.ts',
    line: 'if (known !== undefined) return known;',
    original: 'known !== undefined',
    replacement: 'false',
    why: 'It saves preparing the same statement again.',
  },
  {
    file: 'local/sqlite/leases.ts',
    line: "const isVague = column === 'status' && filter.status === 'revoked' && given.length > 1;",
    original: 'given.length > 1',
    replacement: 'true',
    why: 'The plus decides how rows are searched for, not which are found.',
  },
  {
    file: 'local/sqlite/leases.ts',
    line: "const isVague = column === 'status' && filter.status === 'revoked' && given.length > 1;",
    original: '>',
    replacement: '>=',
    why: 'The plus decides how rows are searched for, not which are found.',
  },
  {
    file: 'local/sqlite/rows.ts',
    line: "return changes === 1 || found()?.op_id === write.opId ? 'written' : 'conflict';",
    original: 'changes === 1',
    replacement: 'false',
    why: 'It saves a reading: a row that was just changed holds the write that changed it.',
  },
  {
    file: 'local/sqlite/sessions.ts',
    line: "WHERE json_extract(document, '$.claimUntilMs') IS NOT NULL`);",
    original: "json_extract(document, '$.claimUntilMs') IS NOT NULL",
    replacement: "(json_extract(document, '$.claimUntilMs') IS NOT NULL OR TRUE)",
    why: 'It saves writing: taking away what is not there leaves a document as it was.',
  },
];

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
