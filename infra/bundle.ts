import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { BuildOptions, Metafile } from 'esbuild';

/** The Lambda functions, named as their entries in `functions/entry`. */
export const FUNCTION_ENTRIES = ['broker', 'admin', 'revoker', 'sweeper', 'catalog-resource'] as const;

export type FunctionEntry = (typeof FUNCTION_ENTRIES)[number];

/** Where the sources lie when this file is one of them, and nothing when it is part of a built package. */
export const ENTRY_FOLDER = join(import.meta.dirname, '..', 'functions', 'entry');

/** File and exported name that Lambda starts. */
export const LAMBDA_HANDLER = 'index.handler';

/** undici and others are CommonJS and ask for Node's own modules by `require`, which an ES module does not have. */
const REQUIRE_BANNER =
  "import { createRequire as createRequireOf } from 'node:module'; const require = createRequireOf(import.meta.url);";

/**
 * Bundles one function, the AWS SDK included (the runtime's own copy starts slower), into `outputFolder/index.mjs`. What is
 * deployed, packed, measured and tested is made here, so that all four are the same.
 *
 * esbuild is loaded only now: prebuilt functions are deployed without it.
 *
 * @returns which files went into it, and how much of each.
 * @throws Error of esbuild, which has then written to stderr what is wrong.
 */
export function bundle(entry: FunctionEntry, outputFolder: string): Metafile {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const options = {
    entryPoints: [join(ENTRY_FOLDER, `${entry}.ts`)],
    outfile: join(outputFolder, 'index.mjs'),
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // ES modules first: of those, only what is used is kept.
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE_BANNER },
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
  } satisfies BuildOptions;
  return buildSync(options).metafile;
}
