import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Handler = (event: unknown, context: object) => Promise<unknown>;

const EXTENSIONS = ['mjs', 'js', 'cjs'];
const OF_THE_RUNTIME = new Set(['@aws-sdk/client-lambda', '@aws-sdk/client-sfn']);
const SDK = new URL('./sdk.ts', import.meta.url).href;

/**
 * Loads what `FILE.EXPORT` names in a folder, as Lambda does it.
 *
 * @throws Error of the module, or when there is no such thing.
 */
export async function loadHandler(folder: string, name: string): Promise<Handler> {
  registerHooks({
    resolve: (specifier, context, next) =>
      OF_THE_RUNTIME.has(specifier)
        ? { url: SDK, format: 'module-typescript', shortCircuit: true }
        : next(specifier, context),
  });
  const [file = '', exported = ''] = name.split('.');
  const path = EXTENSIONS.map((extension) => join(folder, `${file}.${extension}`)).find(existsSync);
  if (path === undefined) throw new Error(`there is no module ${file}`);
  const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const handler = module[exported] ?? (module.default as Record<string, unknown> | undefined)?.[exported];
  if (typeof handler !== 'function') throw new Error(`module ${file} exports no function ${exported}`);
  return handler as Handler;
}
