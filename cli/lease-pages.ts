import type { Client } from '../client/client.ts';
import type { AnswerOf } from '../functions/wire/answers.ts';

export type Lease = AnswerOf<'getLease'>['body']['lease'];

/** The API's largest page. */
const PAGE_MAX = 100;

/** Leases page by page, newest first, up to `limit`. @throws as the client does. */
export async function collectLeases(
  api: Client,
  operation: 'listLeases' | 'listAllLeases',
  filter: Readonly<Record<string, string>>,
  limit: number,
): Promise<Lease[]> {
  const leases: Lease[] = [];
  let nextToken: string | undefined;
  do {
    const count = String(Math.min(PAGE_MAX, limit - leases.length));
    const query = { ...filter, limit: count, ...(nextToken && { nextToken }) };
    const { body } = await api.call(operation, { query });
    leases.push(...body.items);
    nextToken = body.nextToken;
  } while (nextToken !== undefined && leases.length < limit);
  return leases;
}
