import { rmSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');
/** The least Node that the command line runs on; undici 8 needs it. */
const MIN_NODE = [22, 19] as const;
/** What the credential helper loads when its cache has no answer: files of `cli` that it imports at run time. */
const LATER = ['api', 'explain', 'lock', 'minting', 'yaml'] as const;
/** What other programs start, often: name of the file, and of its entry in `cli`. */
const HELPERS = {
  'docker-credential-hublease': 'docker-credential-hublease',
  'hublease-kubelet-credential-provider': 'kubelet-credential-provider',
} as const;

const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  minify: true,
  metafile: true,
  logLevel: 'warning',
  // The CommonJS form of some packages asks for its parts in a way that cannot be bundled.
  mainFields: ['module', 'main'],
} satisfies BuildOptions;

/** What is in which file, as esbuild accounts for it. */
export interface CliBuild {
  /** The credential helper's own file: all that an answer from the cache loads. */
  readonly helper: Metafile;
  readonly rest: Metafile;
}

/**
 * Bundles the command line, with all that it imports, into `folder`, where `hublease.js` and the helpers are started. A helper is one
 * CommonJS file, for Node starts those faster, and loads the rest only to lease; the rest are modules in pieces, so that each command
 * loads what it needs.
 */
export async function buildCli(folder = join(ROOT, 'dist', 'cli')): Promise<CliBuild> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile: rest } = await build({
    ...COMMON,
    entryPoints: ['hublease', ...LATER].map((name) => ({ in: `cli/${name}.ts`, out: `parts/${name}` })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'parts/[name]-[hash]',
    splitting: true,
    format: 'esm',
    target: `node${MIN_NODE.join('.')}`,
    legalComments: 'external',
    // Some of what is bundled is CommonJS and asks for Node's own modules with require.
    banner: {
      js: "import{createRequire as hubleaseRequire}from'node:module';const require=hubleaseRequire(import.meta.url);",
    },
  });
  const helpers = await Promise.all(Object.entries(HELPERS).map(([name, entry]) => buildHelper(folder, name, entry)));
  const start = `#!/usr/bin/env node\n${guard('hublease')}import('./parts/hublease.mjs');\n`;
  await writeFile(join(folder, 'hublease.js'), start);
  for (const name of ['hublease', ...Object.keys(HELPERS)]) await chmod(join(folder, `${name}.js`), 0o755);
  // Says which form they are in, wherever the folder is copied to.
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}\n');
  return { helper: helpers[0] as Metafile, rest };
}

async function buildHelper(folder: string, name: string, entry: string): Promise<Metafile> {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [{ in: `cli/${entry}.ts`, out: name }],
    outdir: folder,
    format: 'cjs',
    // Written so plainly that an old Node gets as far as the message.
    target: 'node10',
    supported: { 'dynamic-import': true },
    plugins: [laterFromParts],
    banner: { js: guard(name) },
  });
  return metafile;
}

/** Leaves what the helper imports at run time where the other build has put it. */
const laterFromParts: Plugin = {
  name: 'later-from-parts',
  setup({ onResolve }) {
    onResolve({ filter: /\.ts$/ }, ({ kind, path }) => {
      const name = basename(path, '.ts');
      const isLater = kind === 'dynamic-import' && LATER.some((each) => each === name);
      return isLater ? { path: `./parts/${name}.mjs`, external: true } : undefined;
    });
  },
};

function guard(name: string): string {
  const [major, minor] = MIN_NODE;
  return `var version = process.versions.node.split('.');
if (Number(version[0]) < ${major} || (Number(version[0]) === ${major} && Number(version[1]) < ${minor})) {
  console.error('${name} needs Node ${major}.${minor} or newer, and this is ' + process.version + ': https://nodejs.org/');
  process.exit(1);
}
`;
}

if (import.meta.main) await buildCli();
