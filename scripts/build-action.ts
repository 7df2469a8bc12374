import { copyFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');

/**
 * Bundles the GitHub Action, with all that it imports, into `folder`, which is then the whole Action: a repository that holds
 * what is in it can be named behind `uses:`.
 */
export async function buildAction(folder = join(ROOT, 'dist', 'action')): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['action/main.ts', 'action/post.ts'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    // What `runs.using` of action.yml names.
    target: 'node24',
    // The CommonJS form of some packages asks for its parts in a way that cannot be bundled.
    mainFields: ['module', 'main'],
    legalComments: 'external',
    logLevel: 'warning',
    // Some of what is bundled is CommonJS and asks for Node's own modules with require.
    banner: {
      js: "import{createRequire as hubleaseRequire}from'node:module';const require=hubleaseRequire(import.meta.url);",
    },
  });
  copyFileSync(join(ROOT, 'action', 'action.yml'), join(folder, 'action.yml'));
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
}

if (import.meta.main) await buildAction();
