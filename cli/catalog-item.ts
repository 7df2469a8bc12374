import type { Client } from '../client/client.ts';
import type { Kind } from './catalog-document.ts';

/** One secret or target as the API shows it. @throws as the client does. */
export async function readItem(client: Client, kind: Kind, name: string): Promise<Readonly<Record<string, unknown>>> {
  return kind === 'Secret'
    ? (await client.call('getSecret', { name })).body.secret
    : (await client.call('getTarget', { name })).body.target;
}
