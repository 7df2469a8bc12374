import * as z from 'zod';
import type { Lease } from '../../core/model/lease.ts';
import type { Target } from '../../core/model/target.ts';
import type { Page } from '../../core/ports/pages.ts';
import { given } from '../given.ts';

/** What the answers of several resources have in common. */

export const Time = z.iso.datetime({ precision: 3 });
export const Seconds = z.int().min(1);
export const Tags = z.record(z.string(), z.string());

export const ResourceAnswer = z.strictObject({
  type: z.enum(['TYPE_REPO', 'TYPE_ORG']),
  path: z.string(),
  scopes: z.array(z.string()),
});

export const Changed = z
  .array(z.string())
  .meta({ description: 'Names of the fields that changed; empty when nothing did.' });

export function pageOf<S extends z.ZodType>(item: S) {
  return z.strictObject({ items: z.array(item), nextToken: z.string().exactOptional() });
}

/** What a row calls otherwise than its answer does, and what no answer shows. */
const FIELD_NAMES: Readonly<Record<string, string | undefined>> = {
  protectionJwk: 'protectionKey',
  credentialRef: 'credential',
  schema: undefined,
};

/** Names of changed fields as the answers have them. */
export function changedAnswer(changed: readonly string[]): string[] {
  const names = changed.map((name) => (Object.hasOwn(FIELD_NAMES, name) ? FIELD_NAMES[name] : name));
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

/** The version of a target or secret as a strong entity tag, RFC 9110 section 8.8.3. */
export function etagOf({ version }: Pick<Target, 'version'>): { readonly etag: string } {
  return { etag: `"${version}"` };
}

/** One page of a list. */
export function pageAnswer<T, A>(page: Page<T>, item: (row: T) => A): { items: A[]; nextToken?: string } {
  return given({ items: page.items.map(item), nextToken: page.nextToken });
}

export function resourcesAnswer(resources: Lease['resources']): z.output<typeof ResourceAnswer>[] | undefined {
  return resources?.map(({ type, path, scopes }) => ({ type, path, scopes: [...scopes] }));
}

/** An instant as every answer writes it. */
export function time(atMs: number): string {
  return new Date(atMs).toISOString();
}
