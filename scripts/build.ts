// Builds what is published, into dist/package: the construct with its Lambda functions prebuilt, the command line, the client, and
// their declarations. `npm run build -- FOLDER` builds elsewhere. Pack it with `npm pack ./dist/package`.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { bundle, FUNCTION_ENTRIES } from '../infra/bundle.ts';
import { buildCli } from './build-cli.ts';

const ROOT = resolve(import.meta.dirname, '..');
const out = resolve(process.argv[2] ?? join(ROOT, 'dist/package'));

/** What of `functions` the construct itself loads; all else is inside the prebuilt functions. */
const LOADED_BY_INFRA = [
  'env.js',
  'adapters/dynamodb/tables.js',
  'adapters/aws/metric-names.js',
  'wire/route.js',
  'wire/routes.js',
  'wire/consumer-policy.js',
  'core/model/failure.js',
];

/** What the package puts on the PATH. */
const PROGRAMS = ['hublease', 'docker-credential-hublease', 'hublease-kubelet-credential-provider'];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

function emit(): void {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  execFileSync(tsc, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', out], { cwd: ROOT, stdio: 'inherit' });
  for (const file of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    const path = join(out, file);
    if (file.endsWith('.d.ts')) {
      // Declarations keep the sources' endings, which are not there.
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'));
    } else if (
      file.startsWith('functions/') &&
      file.endsWith('.js') &&
      !LOADED_BY_INFRA.includes(relative('functions', file))
    ) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** One file without dependencies, so that using the API costs nobody an install. */
function bundleClient(): void {
  buildSync({
    entryPoints: [join(ROOT, 'client/client.ts')],
    outfile: join(out, 'client/client.js'),
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: {
      js: "import { createRequire as createRequireOf } from 'node:module'; const require = createRequireOf(import.meta.url);",
    },
    logLevel: 'error',
  });
}

function manifest(): object {
  const { name, version, description, license, devDependencies, dependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Manifest;
  const optional = { optional: true };
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines: { node: '>=22.19' },
    bin: Object.fromEntries(PROGRAMS.map((program) => [program, `./cli/${program}.js`])),
    exports: {
      '.': { types: './infra/hublease.d.ts', default: './infra/hublease.js' },
      './client': { types: './client/client.d.ts', default: './client/client.js' },
      './package.json': './package.json',
    },
    // Each for one use only: the construct takes the first two, the client's types the third.
    peerDependencies: {
      'aws-cdk-lib': `^${devDependencies['aws-cdk-lib']}`,
      constructs: `^${devDependencies.constructs}`,
      zod: `^${dependencies.zod}`,
    },
    peerDependenciesMeta: { 'aws-cdk-lib': optional, constructs: optional, zod: optional },
  };
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
emit();
bundleClient();
await buildCli(join(out, 'cli'));
for (const entry of FUNCTION_ENTRIES) bundle(entry, join(out, 'functions', entry));
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'examples/consumer-role.yaml'])
  cpSync(join(ROOT, file), join(out, file));
