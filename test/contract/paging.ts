import { expect } from 'vitest';
import type { Page, PageRequest } from '../../functions/core/ports/pages.ts';

/** A list that takes more pages than this never ends, or the table under test holds too much for these suites. */
const MAX_PAGES = 2_000;

/** Longest `nextToken` that passes through a query string, an access log and a shell without trouble. */
const TOKEN_MAX_CHARACTERS = 1_024;

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

type Fetch<T> = (page: PageRequest) => Promise<Page<T>>;

/** Walks a list to its end and checks that every page keeps the rules of paging. */
export async function allItems<T>(fetch: Fetch<T>, limit = 100): Promise<T[]> {
  const items: T[] = [];
  const tokens = new Set<string>();
  let nextToken: string | undefined;
  do {
    const page: Page<T> = await fetch(nextToken === undefined ? { limit } : { limit, nextToken });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    nextToken = page.nextToken;
    if (nextToken !== undefined) {
      expect(nextToken).toMatch(/^[\w.~-]+$/);
      expect(nextToken.length).toBeLessThanOrEqual(TOKEN_MAX_CHARACTERS);
      expect(tokens.has(nextToken), 'a page gives the token that led to it').toBe(false);
      tokens.add(nextToken);
      expect(tokens.size).toBeLessThan(MAX_PAGES);
    }
  } while (nextToken !== undefined);
  return items;
}

/** The `nextToken` of a list's first page of one. The list must hold two items or more. */
export async function firstToken<T>(fetch: Fetch<T>): Promise<string> {
  const { nextToken } = await fetch({ limit: 1 });
  expect(nextToken, 'a list of two gives a token after the first').toBeTypeOf('string');
  return nextToken as string;
}

/** Checks that a list refuses a token, and blames the field. */
export async function expectRefused<T>(fetch: Fetch<T>, nextToken: string): Promise<void> {
  await expect(
    fetch({ limit: 1, nextToken }),
    `nextToken ${JSON.stringify(nextToken.slice(0, 80))}`,
  ).rejects.toMatchObject({ name: 'Failed', failure: { tag: 'invalid_field', field: 'nextToken' } });
}

/** Checks that a list refuses its own token after any damage, and texts that never were tokens. */
export async function expectDamageRefused<T>(fetch: Fetch<T>): Promise<void> {
  const token = await firstToken(fetch);
  const damaged = Array.from(token, (character, at) => token.slice(0, at) + other(character) + token.slice(at + 1));
  // The last character of base64 may hold bits that decoding drops, and decoders pass over what is not of their alphabet.
  const ends = Array.from(BASE64URL, (character) => token.slice(0, -1) + character).filter((text) => text !== token);
  const grown = [`${token}A`, `${token}=`, `${token}!`, `${token}\n`, ` ${token}`, token + token];
  const cut = [token.slice(1), token.slice(0, -1), token.slice(0, token.length / 2)];
  const never = ['', '0', '-1', 'null', '{}', 'e30', '%00', '../x', '" OR 1=1 --', ' '.repeat(9), 'A'.repeat(100_000)];
  for (const text of [...damaged, ...ends, ...grown, ...cut, ...never]) await expectRefused(fetch, text);
}

function other(character: string): string {
  return character === 'A' ? 'B' : 'A';
}
