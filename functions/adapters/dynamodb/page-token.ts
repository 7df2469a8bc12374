import { createHash } from 'node:crypto';
import { pageTokens } from '../page-token.ts';

/**
 * The page tokens of the tables. Their checksum has no key. A caller that makes up a token can only choose where its own list
 * continues. The token does not decide what a list may show.
 */
export const { read: readPageToken, write: writePageToken } = pageTokens((list, cursor) => {
  const text = JSON.stringify([list.map((part) => part ?? null), cursor]);
  return createHash('sha256').update(text).digest();
});
