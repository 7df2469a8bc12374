/** `page` and `page_size` of Docker Hub's lists. */

import { type Answer, type HubRequest, invalid, json } from '../answer.ts';
import type { FakeHubSettings } from '../settings.ts';

/** Docker Hub API reference: `page_size` is 10 unless told. */
const DEFAULT_PAGE_SIZE = 10;

export interface PageOf<T> {
  readonly total: number;
  readonly next: string | null;
  readonly previous: string | null;
  readonly items: readonly T[];
}

export type PageRules = Pick<FakeHubSettings, 'maxPageSize' | 'pageSizeRule' | 'pageBeyondEndStatus' | 'countHidden'>;

/**
 * The page a request asks for, with absolute addresses of its neighbours. 400 for a number that is not
 * one or, by the rules, too large. 404 for a page beyond the end, if the rules say so.
 */
export function pageOf<T>(request: HubRequest, shown: readonly T[], rules: PageRules): PageOf<T> | Answer {
  const { maxPageSize, pageSizeRule, pageBeyondEndStatus, countHidden } = rules;
  const page = naturalNumber(request.query.get('page') ?? '1');
  const asked = naturalNumber(request.query.get('page_size') ?? String(DEFAULT_PAGE_SIZE));
  if (page === undefined) return invalid({ page: ['must be a positive integer'] });
  if (asked === undefined) return invalid({ page_size: ['must be a positive integer'] });
  if (pageSizeRule === '400' && asked > maxPageSize) return invalid({ page_size: [`must be at most ${maxPageSize}`] });
  const size = pageSizeRule === 'ignored' ? maxPageSize : Math.min(asked, maxPageSize);
  const total = shown.length + countHidden;
  const isBeyondEnd = page > Math.max(1, Math.ceil(total / size));
  if (isBeyondEnd && pageBeyondEndStatus === 404) return json(404, { detail: 'Invalid page.' });
  const address = (to: number) => `${request.baseUrl}${request.path}?page=${to}&page_size=${size}`;
  return {
    total,
    next: page * size < total ? address(page + 1) : null,
    previous: page > 1 ? address(page - 1) : null,
    items: shown.slice((page - 1) * size, page * size),
  };
}

function naturalNumber(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
