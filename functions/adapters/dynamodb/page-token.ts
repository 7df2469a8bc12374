import { createHash } from 'node:crypto';
import { pageTokens } from '../page-token.ts';

/**
 * The page tokens of the tables. Their checksum has no key, so whoever makes a token up can only choose where their own list goes
 * on; what a list may show is decided without it.
 */
export const { read: readPageToken, write: writePageToken } = pageTokens((list, cursor) => {
  const text = JSON.stringify([list.map((part) => part ?? null), cursor]);
  return createHash('sha256').update(text).digest();
});
