/** One page of a list. `nextToken` is opaque; absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

export interface PageRequest {
  /** 1 to 100. */
  readonly limit: number;
  /** From a former page. A token that the store did not issue for this list rejects with Failed `invalid_field` `nextToken`. */
  readonly nextToken?: string;
}

/** The most that one page of a list may hold. */
const PAGE = 100;

/** Every item of a list, page by page. */
export async function* everyPage<T>(list: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<T> {
  for await (const items of pagesOf(list)) yield* items;
}

/** The pages of a list, each as a whole. One may be empty and still not the last. */
export async function* pagesOf<T>(list: (page: PageRequest) => Promise<Page<T>>): AsyncGenerator<readonly T[]> {
  let nextToken: string | undefined;
  do {
    const page: Page<T> = await list({ limit: PAGE, ...(nextToken !== undefined && { nextToken }) });
    yield page.items;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}
