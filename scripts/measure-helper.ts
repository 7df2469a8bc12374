import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFileOf, clocksNow, writeLease } from '../cli/lease-cache.ts';
import { buildCli } from './build-cli.ts';

/**
 * Measures what `docker-credential-hublease get` costs when it answers from its cache, as a multiple of the bare start of Node.
 * Run by turns, so that whatever else the machine does falls on both alike.
 */

const RUNS = 40;

const folder = mkdtempSync(join(tmpdir(), 'hublease-measure-'));
try {
  await buildCli(join(folder, 'cli'));
  const place = { endpoint: 'http://127.0.0.1:9/v1', secret: 'ci/release' };
  const env = { HOME: folder, HUBLEASE_ENDPOINT: place.endpoint, HUBLEASE_SECRET: place.secret };
  const lease = { leaseId: 'measured', username: 'nobody', password: 'none', ttlMs: 3_600_000, ...clocksNow() };
  writeLease(cacheFileOf(env, place), lease);
  const helper = [join(folder, 'cli', 'docker-credential-hublease.js'), 'get'];
  const input = 'docker.io';
  const { status, stdout } = spawnSync(process.execPath, helper, { env, input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the helper did not answer from its cache: ${stdout}`);
  const times: Record<'bare' | 'helper', number[]> = { bare: [], helper: [] };
  for (let run = 0; run < RUNS; run++) {
    times.bare.push(timeMs(() => execFileSync(process.execPath, ['-e', '0'], { env, input })));
    times.helper.push(timeMs(() => execFileSync(process.execPath, helper, { env, input })));
  }
  const [bareMs, helperMs] = [median(times.bare), median(times.helper)];
  const ratio = (helperMs / bareMs).toFixed(2);
  console.log(`node -e 0: ${bareMs.toFixed(1)} ms; get from the cache: ${helperMs.toFixed(1)} ms; ratio ${ratio}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function timeMs(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] as number;
}
