import { describe, expect, it } from 'vitest';
import type { Page, PageRequest } from '../../functions/core/ports/pages.ts';
import { everyPage } from '../../functions/core/ports/pages.ts';

/** Walks a list that is made of these pages, and notes what was asked for. */
async function walk(...pages: Page<string>[]) {
  const asked: PageRequest[] = [];
  const items: string[] = [];
  const list = async (request: PageRequest) => {
    asked.push(request);
    return pages[asked.length - 1] as Page<string>;
  };
  for await (const item of everyPage(list)) items.push(item);
  return { items, asked };
}

describe('a list walked to its end', () => {
  it('is asked for page by page, each with what the one before said, and none after the last', async () => {
    const { items, asked } = await walk({ items: ['a', 'b'], nextToken: 'b' }, { items: ['c'] }, { items: ['d'] });
    expect(items).toEqual(['a', 'b', 'c']);
    expect(asked).toStrictEqual([{ limit: 100 }, { limit: 100, nextToken: 'b' }]);
  });

  it('goes on behind a page that is empty: a filter may have left nothing of it', async () => {
    expect((await walk({ items: [], nextToken: 'x' }, { items: ['a'] })).items).toEqual(['a']);
  });

  it('may be empty', async () => {
    expect((await walk({ items: [] })).items).toEqual([]);
  });

  it('asks for no page whose items nobody wants', async () => {
    let asked = 0;
    const pages = everyPage(async () => ({ items: [++asked], nextToken: 'more' }));
    for await (const item of pages) if (item === 2) break;
    expect(asked).toBe(2);
  });
});
