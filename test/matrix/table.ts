import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const PAGE = resolve(import.meta.dirname, '../../docs/docker-hub.md');
const HEADING = '## Variations that hublease was tried on';
export const COLUMNS = ['this Docker Hub', 'verification says', 'a lease there ends', 'what to know'] as const;

/** A row of the table, whose first cell begins with the variation's name. */
export interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

/** The table of variations in docs/docker-hub.md. @throws Error where there is none. */
export function readTable(): readonly Row[] {
  const [, section] = readFileSync(PAGE, 'utf8').split(`\n${HEADING}\n`);
  const lines = (section?.split('\n## ', 1)[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  const [head, rule, ...rows] = lines.map(cellsOf);
  if (head?.join() !== COLUMNS.join() || rule === undefined) throw new Error(`no table below "${HEADING}"`);
  return rows.map((cells) => ({ name: /^`([a-z0-9-]+)`/.exec(cells[0] ?? '')?.[1] ?? '', cells }));
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}
