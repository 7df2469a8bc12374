import { describe, expect, it } from 'vitest';
import { VARIATION_NAMES } from '../../fake-hub/variations.ts';
import { COLUMNS, readTable } from './table.ts';

describe('the table of variations in docs/docker-hub.md', () => {
  const rows = readTable();

  it('has one row for every variation, in the same order', () => {
    expect(rows.map(({ name }) => name)).toEqual(VARIATION_NAMES);
  });

  it.each(rows)('says something in every column of $name', ({ cells }) => {
    expect(cells).toHaveLength(COLUMNS.length);
    expect(cells.filter((cell) => cell === '')).toEqual([]);
  });
});
