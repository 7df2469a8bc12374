/** `page` and `page_size` of Docker Hub's lists. */

import { type Answer, type HubRequest, invalid } from './answer.ts';

/** Docker Hub API reference: `page_size` is 10 unless told. */
const DEFAULT_PAGE_SIZE = 10;

export interface PageOf<T> {
  readonly total: number;
  readonly next: string | null;
  readonly previous: string | null;
  readonly items: readonly T[];
}

/** The page a request asks for, with absolute addresses of its neighbours; 400 for numbers that are none. */
export function pageOf<T>(request: HubRequest, all: readonly T[], maxPageSize: number): PageOf<T> | Answer {
  const page = naturalNumber(request.query.get('page') ?? '1');
  const asked = naturalNumber(request.query.get('page_size') ?? String(DEFAULT_PAGE_SIZE));
  if (page === undefined) return invalid({ page: ['must be a positive integer'] });
  if (asked === undefined) return invalid({ page_size: ['must be a positive integer'] });
  const size = Math.min(asked, maxPageSize);
  const address = (to: number) => `${request.baseUrl}${request.path}?page=${to}&page_size=${size}`;
  return {
    total: all.length,
    next: page * size < all.length ? address(page + 1) : null,
    previous: page > 1 ? address(page - 1) : null,
    items: all.slice((page - 1) * size, page * size),
  };
}

function naturalNumber(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
