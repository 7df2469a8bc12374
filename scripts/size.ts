// What is deployed, in numbers: `npm run size` bundles every function and synthesizes the stack, in a folder that it removes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundle, FUNCTION_ENTRIES } from '../infra/bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'hublease-size-'));
try {
  console.log(`${'function'.padEnd(20)}${'kB'.padStart(8)}${'gzip kB'.padStart(10)}`);
  for (const entry of FUNCTION_ENTRIES) {
    bundle(entry, join(folder, entry));
    const code = readFileSync(join(folder, entry, 'index.mjs'));
    console.log(`${entry.padEnd(20)}${kilobytes(code).padStart(8)}${kilobytes(gzipSync(code)).padStart(10)}`);
  }
  const startedMs = performance.now();
  const synth = spawnSync('npx', ['--no-install', 'cdk', 'synth', '--quiet', '--output', join(folder, 'cdk.out')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (synth.status !== 0) throw new Error('cdk synth failed');
  console.log(`cdk synth: ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** As Lambda and the documents count: 1,000 bytes. */
function kilobytes(bytes: Uint8Array): string {
  return Math.round(bytes.length / 1_000).toLocaleString('en-US');
}
