import type { Client } from '../client/client.ts';
import type { AnswerOf } from '../functions/wire/operations.ts';

export type Lease = AnswerOf<'getLease'>['body']['lease'];
/** A lease as administrators see it. */
export type AdminLease = AnswerOf<'getAnyLease'>['body']['lease'];

/** The API's largest page. */
const PAGE_MAX = 100;

type Filter = Readonly<Record<string, string>>;

interface Paged<T> {
  readonly body: { readonly items: readonly T[]; readonly nextToken?: string };
}

/** Own leases page by page, newest first, up to `limit`. @throws as the client does. */
export function collectLeases(api: Client, filter: Filter, limit: number): Promise<Lease[]> {
  return collect((page) => api.call('listLeases', { query: { ...filter, ...page } }), limit);
}

/** The same for leases of all callers, for administrators. @throws as the client does. */
export function collectAllLeases(api: Client, filter: Filter, limit: number): Promise<AdminLease[]> {
  return collect((page) => api.call('listAllLeases', { query: { ...filter, ...page } }), limit);
}

/** Every target by name. @throws as the client does. */
export function collectTargets(api: Client, filter: Filter = {}) {
  return collect((page) => api.call('listTargets', { query: { ...filter, ...page } }));
}

/** Every dynamic secret by name. @throws as the client does. */
export function collectSecrets(api: Client, filter: Filter = {}) {
  return collect((page) => api.call('listSecrets', { query: { ...filter, ...page } }));
}

async function collect<T>(
  ask: (page: Readonly<Record<string, string>>) => Promise<Paged<T>>,
  limit = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const items: T[] = [];
  let nextToken: string | undefined;
  do {
    const count = String(Math.min(PAGE_MAX, limit - items.length));
    const { body } = await ask({ limit: count, ...(nextToken && { nextToken }) });
    items.push(...body.items);
    nextToken = body.nextToken;
  } while (nextToken !== undefined && items.length < limit);
  return items;
}
