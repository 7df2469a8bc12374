import { Failed, fail } from '../model/failure.ts';

/**
 * Waits for a store. What a store's own error says stays inside; the caller hears that it may try again.
 *
 * @throws Failed: the store's own where it gave one (a bad `nextToken`), else `store_unavailable`.
 */
export async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Failed ? error : fail({ tag: 'store_unavailable', retryAfterSeconds: 2 });
  }
}
