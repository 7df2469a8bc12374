import { vi } from 'vitest';
import type { FunctionName } from '../../functions/env.ts';

/** The file of each function that Lambda runs. */
const ENTRIES: Readonly<Record<FunctionName, () => Promise<{ readonly handler: unknown }>>> = {
  broker: () => import('../../functions/entry/broker.ts'),
  admin: () => import('../../functions/entry/admin.ts'),
  revoker: () => import('../../functions/entry/revoker.ts'),
  sweeper: () => import('../../functions/entry/sweeper.ts'),
  catalogResource: () => import('../../functions/entry/catalog-resource.ts'),
};
export const FUNCTION_NAMES = Object.keys(ENTRIES) as FunctionName[];

/** Starts a function as Lambda does: its environment first, then its module. */
export async function startEntry<H>(name: FunctionName, environment: Readonly<Record<string, string>>): Promise<H> {
  for (const [variable, value] of Object.entries(environment)) vi.stubEnv(variable, value);
  vi.resetModules();
  return (await ENTRIES[name]()).handler as H;
}
