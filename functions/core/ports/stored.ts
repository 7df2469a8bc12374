import { Failed, fail } from '../model/failure.ts';

/**
 * Waits for a store. The store's own error is not passed on. The caller is told that it may try again.
 *
 * @throws Failed: the store's own failure if it is one (a bad `nextToken`), else `store_unavailable`.
 */
export async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Failed ? error : fail({ tag: 'store_unavailable', retryAfterSeconds: 2 });
  }
}
