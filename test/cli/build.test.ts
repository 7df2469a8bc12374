import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheFileOf, clocksNow, writeLease } from '../../cli/lease-cache.ts';
import { VERSION } from '../../functions/wire/version.ts';
import { type Bundle, bundleCli } from './bundle.ts';

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleCli();
});
afterAll(() => bundle.close());

describe('the bundled command line', () => {
  test('runs by itself, away from every package', () => {
    const away = mkdtempSync(join(tmpdir(), 'hublease-away-'));
    cpSync(bundle.folder, join(away, 'cli'), { recursive: true });
    try {
      const hublease = spawnSync(process.execPath, [join(away, 'cli', 'hublease.js'), '--version'], {
        encoding: 'utf8',
      });
      expect(hublease).toMatchObject({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
      const helper = join(away, 'cli', 'docker-credential-hublease.js');
      const version = spawnSync(process.execPath, [helper, 'version'], { encoding: 'utf8' });
      expect(version).toMatchObject({ status: 0, stdout: `docker-credential-hublease ${VERSION}\n`, stderr: '' });
    } finally {
      rmSync(away, { recursive: true });
    }
  });

  test('asks for nothing but its own pieces and Node', () => {
    const outside = [bundle.build.helper, bundle.build.rest]
      .flatMap(({ outputs }) => Object.values(outputs))
      .flatMap(({ imports }) => imports)
      .filter(({ external, path }) => external === true && !path.startsWith('./parts/'))
      .map(({ path }) => path.replace(/^node:/, ''));
    expect(outside.filter((path) => !builtinModules.includes(path) && path !== 'sqlite')).toEqual([]);
  });

  test.each(['hublease', 'docker-credential-hublease'])('%s says on an older Node what it needs', (name) => {
    const text = readFileSync(join(bundle.folder, `${name}.js`), 'utf8');
    expect(text).toMatch(/^#!\/usr\/bin\/env node\nvar version = /);
    for (const version of ['20.20.2', '22.18.0']) {
      const { said, exitCodes } = start(text, version);
      expect(said).toEqual([`${name} needs Node 22.19 or newer, and this is v${version}: https://nodejs.org/`]);
      expect(exitCodes).toEqual([1]);
    }
  });
});

/** Runs what stands before the program itself, as a Node of that version would. */
function start(text: string, version: string): { said: string[]; exitCodes: number[] } {
  const said: string[] = [];
  const exitCodes: number[] = [];
  const end = new Error('ended');
  const guard = text.slice(text.indexOf('\n') + 1, text.indexOf('\n}\n') + 2);
  const process = {
    version: `v${version}`,
    versions: { node: version },
    exit(code: number) {
      exitCodes.push(code);
      throw end;
    },
  };
  expect(() => runInNewContext(guard, { process, console: { error: (line: string) => said.push(line) } })).toThrow(end);
  return { said, exitCodes };
}

describe('the schemas of the API', () => {
  const filesWith = (build: Metafile, part: string) =>
    Object.entries(build.outputs).flatMap(([file, { inputs }]) =>
      Object.keys(inputs).some((input) => input.includes(part)) ? [basename(file).replace(/-.*/, '')] : [],
    );

  test('are in no file of the command line but the one that checks documents for apply', () => {
    expect(filesWith(bundle.build.rest, 'node_modules/zod/')).toEqual(['catalog']);
    expect(filesWith(bundle.build.helper, 'node_modules/zod/')).toEqual([]);
  });

  test('of whole operations are in no file of the command line', () => {
    expect(filesWith(bundle.build.rest, 'functions/wire/operations')).toEqual([]);
  });

  test('are not in the client', async () => {
    const entryPoints = [join(import.meta.dirname, '../../client/client.ts')];
    const { metafile } = await build({ entryPoints, bundle: true, platform: 'node', write: false, metafile: true });
    expect(filesWith(metafile, 'functions/wire/routes.ts')).toHaveLength(1);
    expect(filesWith(metafile, 'node_modules/zod/')).toEqual([]);
  });
});

describe('an answer from the cache', () => {
  test('is all in one file, with nothing of a package in it', () => {
    const inputs = Object.keys(bundle.build.helper.inputs);
    expect(inputs).toContain('cli/lease-cache.ts');
    expect(inputs.filter((path) => path.includes('node_modules'))).toEqual([]);
    const elsewhere = inputs.filter((path) => dirname(path) !== 'cli');
    expect(elsewhere.toSorted()).toEqual(['client/loopback.ts', 'functions/wire/version.ts']);
  });

  test('loads no other file, and of Node no network', () => {
    const home = mkdtempSync(join(tmpdir(), 'hublease-hit-'));
    try {
      const place = { endpoint: 'http://127.0.0.1:1/v1', secret: 'ci/release' };
      const env = { HOME: home, HUBLEASE_ENDPOINT: place.endpoint, HUBLEASE_SECRET: place.secret };
      const lease = { leaseId: 'x', username: 'ann', password: 'kept', ttlMs: 3_600_000, ...clocksNow() };
      writeLease(cacheFileOf(env, place), lease);
      const list = join(home, 'list.cjs');
      const listing =
        'process.on("exit", () => require("node:fs").writeSync(2, JSON.stringify({ files: Object.keys(require.cache), builtins: process.moduleLoadList })))';
      writeFileSync(list, listing);
      const args = ['--require', list, join(bundle.folder, 'docker-credential-hublease.js'), 'get'];
      const { stdout, stderr } = spawnSync(process.execPath, args, { env, input: 'docker.io', encoding: 'utf8' });
      expect(JSON.parse(stdout)).toEqual({ ServerURL: 'docker.io', Username: 'ann', Secret: 'kept' });
      const { files, builtins } = JSON.parse(stderr) as { files: string[]; builtins: string[] };
      expect(files.filter((path) => path !== list)).toEqual([join(bundle.folder, 'docker-credential-hublease.js')]);
      expect(
        builtins.filter((name) => /NativeModule (?:https?|tls|net|dns|http2|internal\/deps\/undici)/.test(name)),
      ).toEqual([]);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
