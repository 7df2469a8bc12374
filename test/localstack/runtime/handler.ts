import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Handler = (event: unknown, context: object) => Promise<unknown>;

const EXTENSIONS = ['mjs', 'js', 'cjs'];
/** Lambda's runtime has these, and this repository does not. */
const RUNTIME_PACKAGES = new Set(['@aws-sdk/client-lambda', '@aws-sdk/client-sfn']);
const SDK = new URL('./sdk.ts', import.meta.url).href;

/**
 * Loads a handler by its name, `FILE.EXPORT`, from the function's folder.
 *
 * @throws Error when the file or the export is missing, or the error that the module itself throws.
 */
export async function loadHandler(folder: string, name: string): Promise<Handler> {
  registerHooks({
    resolve: (specifier, context, next) =>
      RUNTIME_PACKAGES.has(specifier)
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
