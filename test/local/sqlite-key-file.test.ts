import { createHash, createHmac } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLabel, writeLabel } from '../../functions/core/hub/label.ts';
import { openData } from '../../local/sqlite/data.ts';
import { openKeyFile } from '../../local/sqlite/key-file.ts';
import { aLease, aTarget, revoked, unique } from '../contract/builders.ts';
import { dataFolder, otherProcess } from './sqlite-folder.ts';

const LEASE_ID = aLease().id;

function keyOf(dataDir: string) {
  return JSON.parse(readFileSync(join(dataDir, 'key'), 'utf8'));
}

function rewrite(dataDir: string, change: (file: Record<string, unknown>) => unknown): void {
  writeFileSync(join(dataDir, 'key'), JSON.stringify(change(keyOf(dataDir))), { mode: 0o600 });
}

describe('a key file', () => {
  it('is made once, closed to other users, and nothing else is left beside it', () => {
    const dataDir = dataFolder();
    const { labels } = openKeyFile(dataDir);
    const before = readFileSync(join(dataDir, 'key'));
    expect(openKeyFile(dataDir).labels.installation).toBe(labels.installation);
    expect(readFileSync(join(dataDir, 'key')).equals(before)).toBe(true);
    expect(readdirSync(dataDir)).toEqual(['key']);
    expect(statSync(join(dataDir, 'key')).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  });

  it('is one and the same for processes that make it at once', async () => {
    const dataDir = dataFolder();
    const script = `
      const { openKeyFile } = await import(${JSON.stringify(new URL('../../local/sqlite/key-file.ts', import.meta.url).href)});
      say('ready');
      process.stdin.once('data', () => say(openKeyFile(dataDir).labels.mac(openKeyFile(dataDir).labels.currentKeyId, 'x')));`;
    const makers = Array.from({ length: 3 }, () => otherProcess(dataDir, script));
    for (const maker of makers) expect(await maker.line()).toBe('ready');
    for (const maker of makers) maker.say('go');
    const macs = await Promise.all(makers.map((maker) => maker.line()));
    expect(new Set(macs).size).toBe(1);
    expect(readdirSync(dataDir)).toEqual(['key']);
  });

  it('gives each installation a name and keys of its own', () => {
    const [one, two] = [openKeyFile(dataFolder()).labels, openKeyFile(dataFolder()).labels];
    expect(one.installation).toMatch(/^[a-z0-9]{8}$/);
    expect(one.currentKeyId).toMatch(/^[a-z0-9]{2}$/);
    expect(two.installation).not.toBe(one.installation);
    expect(two.mac(two.currentKeyId, 'text')).not.toBe(one.mac(one.currentKeyId, 'text'));
  });

  it('makes labels’ MACs of the first 96 bits of HMAC-SHA-256', () => {
    const dataDir = dataFolder();
    const { labels } = openKeyFile(dataDir);
    const key = Buffer.from(keyOf(dataDir).labelKeys[0].key, 'base64url');
    const whole = createHmac('sha256', key).update('text ✓').digest();
    expect(labels.mac(labels.currentKeyId, 'text ✓')).toBe(whole.subarray(0, 12).toString('base64url'));
    expect(labels.mac(labels.currentKeyId, 'text ✓')).toHaveLength(16);
    expect(labels.mac('??', 'text ✓')).toBeUndefined();
    expect(labels.mac('__proto__', 'text ✓')).toBeUndefined();
  });

  it('hashes tokens with SHA-256 in hex', () => {
    const { labels } = openKeyFile(dataFolder());
    expect(labels.sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(labels.sha256('✓')).toBe(createHash('sha256').update('✓').digest('hex'));
  });

  it('writes labels with its first key and reads those of every key', () => {
    const dataDir = dataFolder();
    const old = openKeyFile(dataDir).labels;
    const label = writeLabel(old, LEASE_ID, 'acme-bot');
    const newer = { id: old.currentKeyId === 'zz' ? 'zy' : 'zz', key: Buffer.alloc(32, 7).toString('base64url') };
    rewrite(dataDir, (file) => ({ ...file, labelKeys: [newer, ...(file.labelKeys as [])] }));
    const { labels } = openKeyFile(dataDir);
    expect(labels.currentKeyId).toBe(newer.id);
    expect(readLabel(labels, label, 'acme-bot')).toBe(LEASE_ID);
    expect(readLabel(labels, writeLabel(labels, LEASE_ID, 'acme-bot'), 'acme-bot')).toBe(LEASE_ID);
    expect(readLabel(labels, writeLabel(labels, LEASE_ID, 'acme-bot'), 'other')).toBeUndefined();
  });

  it('is refused when other users may read it', () => {
    const dataDir = dataFolder();
    openKeyFile(dataDir);
    for (const mode of [0o640, 0o604, 0o666]) {
      chmodSync(join(dataDir, 'key'), mode);
      expect(() => openKeyFile(dataDir)).toThrow(expect.objectContaining({ problem: 'key_exposed' }));
    }
    chmodSync(join(dataDir, 'key'), 0o600);
    openKeyFile(dataDir);
  });

  it.each<[string, (file: Record<string, unknown>) => unknown]>([
    ['is no object', () => 7],
    ['is null', () => null],
    ['has another schema', (file) => ({ ...file, schema: 2 })],
    ['has an installation of another form', (file) => ({ ...file, installation: 'ABCDEFGH' })],
    ['has an installation that ends in a line break', (file) => ({ ...file, installation: 'abcdefgh\n' })],
    ['has no label key', (file) => ({ ...file, labelKeys: [] })],
    ['has label keys that are no list', (file) => ({ ...file, labelKeys: 'x' })],
    ['has a label key that is null', (file) => ({ ...file, labelKeys: [null] })],
    [
      'has two label keys of one id',
      (file) => ({ ...file, labelKeys: [...(file.labelKeys as []), ...(file.labelKeys as [])] }),
    ],
    ['has a short sealing key', (file) => ({ ...file, sealKey: (file.sealKey as string).slice(2) })],
    ['has no sealing key', ({ sealKey: _, ...file }) => file],
  ])('is refused and left as it is when it %s', (_, change) => {
    const dataDir = dataFolder();
    openKeyFile(dataDir);
    rewrite(dataDir, change);
    const before = readFileSync(join(dataDir, 'key'), 'utf8');
    expect(() => openKeyFile(dataDir)).toThrow(expect.objectContaining({ problem: 'key_damaged' }));
    expect(readFileSync(join(dataDir, 'key'), 'utf8')).toBe(before);
  });

  it('is never quoted when it is refused', () => {
    const dataDir = dataFolder();
    mkdirSync(dataDir);
    for (const text of ['', 'canary-canary', '{"sealKey":"canary-canary"', 'c'.repeat(100_000)]) {
      writeFileSync(join(dataDir, 'key'), text, { mode: 0o600 });
      expect(() => openKeyFile(dataDir)).toThrow(/is not a key/);
      expect(() => openKeyFile(dataDir)).not.toThrow(/canary/);
    }
  });
});

describe('a missing key', () => {
  const problem = expect.objectContaining({ problem: 'key_missing' });

  it('is refused, not replaced, while credentials are stored that it opens', async () => {
    const dataDir = dataFolder();
    const data = openData(dataDir);
    await data.credentials.stage('acme-bot', { username: 'acme-bot', password: 'x' });
    data.close();
    const key = readFileSync(join(dataDir, 'key'));
    rmSync(join(dataDir, 'key'));
    expect(() => openData(dataDir)).toThrow(problem);
    expect(() => openData(dataDir)).toThrow(/put it back/);
    expect(readdirSync(dataDir)).toEqual(['hublease.sqlite']);
    writeFileSync(join(dataDir, 'key'), key, { mode: 0o600 });
    openData(dataDir).close();
  });

  it('is refused while targets or open leases are stored, whose tokens’ labels it recognises', async () => {
    for (const fill of ['target', 'lease'] as const) {
      const dataDir = dataFolder();
      const data = openData(dataDir);
      if (fill === 'target') await data.catalog.putTarget(aTarget());
      else await data.leases.create(aLease());
      data.close();
      rmSync(join(dataDir, 'key'));
      expect(() => openData(dataDir)).toThrow(problem);
    }
  });

  it('is made anew where nothing depends on it', async () => {
    const dataDir = dataFolder();
    const data = openData(dataDir);
    const lease = aLease({ secret: unique('secret') });
    await data.leases.create(lease);
    await data.leases.update(revoked(lease));
    data.close();
    rmSync(join(dataDir, 'key'));
    openData(dataDir).close();
    expect(readdirSync(dataDir)).toEqual(['hublease.sqlite', 'key']);
  });
});
