/** One page of a list. `nextToken` is opaque; absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

export interface PageRequest {
  /** 1 to 100. */
  readonly limit: number;
  /** From the page before. A token that the store did not issue for this list causes Failed `invalid_field` `nextToken`. */
  readonly nextToken?: string;
}

/** Maximum number of items on one page of a list. */
const PAGE = 100;

/** Every item of a list, page by page. */
export async function* everyPage<T>(list: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<T> {
  for await (const items of pagesOf(list)) yield* items;
}

/** The pages of a list. A page can be empty without being the last. */
export async function* pagesOf<T>(list: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<readonly T[]> {
  let nextToken: string | undefined;
  do {
    const page: Page<T> = await list({ limit: PAGE, ...(nextToken !== undefined && { nextToken }) });
    yield page.items;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}
