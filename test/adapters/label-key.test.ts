import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  InstallationSecretMalformed,
  labelKeys,
  parseInstallationSecret,
} from '../../functions/adapters/aws/label-key.ts';
import { readLabel, writeLabel } from '../../functions/core/hub/label.ts';

const SEED = 'hVx3PqLz8RtYw2KmN5bCdF7gJ9sA4eU6';
const OTHER_SEED = 'Zy1Xw2Vu3Ts4Rq5Po6Nm7Lk8Ji9Hg0Fe';
const LEASE_ID = '01KAJ4Z8V5Q2M9T3X7B6C1D0EF';

const parsed = (value: unknown) => parseInstallationSecret(JSON.stringify(value));

describe('label keys', () => {
  it('give the first 96 bits of HMAC-SHA-256 as base64url, and nothing for an unknown key', () => {
    const key = Buffer.alloc(32, 7);
    const keys = labelKeys('abcd1234', 'k1', new Map([['k1', key]]));
    const whole = createHmac('sha256', key).update('text').digest();
    expect(keys.mac('k1', 'text')).toBe(whole.subarray(0, 12).toString('base64url'));
    expect(keys.mac('k1', 'text')).toHaveLength(16);
    expect(keys.mac('k2', 'text')).toBeUndefined();
  });

  it('hash a token with SHA-256', () => {
    // FIPS 180-4, the example "abc".
    expect(labelKeys('abcd1234', 'k1', new Map()).sha256('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});

describe('the installation secret', () => {
  it('gives one installation and key per seed, for ever', () => {
    const keys = parsed({ seed: SEED });
    // Written down once: another value would disown every label in the world.
    expect([keys.installation, keys.currentKeyId, keys.mac('k1', 'text')]).toMatchInlineSnapshot(`
      [
        "vt2rp8ae",
        "k1",
        "K2Q6QXYYlsXzk9iW",
      ]
    `);
    expect(parsed({ seed: OTHER_SEED }).installation).not.toBe(keys.installation);
    expect(parsed({ seed: OTHER_SEED }).mac('k1', 'text')).not.toBe(keys.mac('k1', 'text'));
  });

  it('gives keys whose labels this installation reads and no other does', () => {
    const [ours, theirs] = [parsed({ seed: SEED }), parsed({ seed: OTHER_SEED })];
    const label = writeLabel(ours, LEASE_ID, 'acme', 'release');
    expect(readLabel(ours, label, 'acme')).toBe(LEASE_ID);
    expect(readLabel(theirs, label, 'acme')).toBeUndefined();
  });

  it('writes with the key named current, and reads what was written under the former', () => {
    const before = parsed({ seed: SEED });
    const after = parsed({ seed: SEED, keys: { k2: OTHER_SEED }, currentKeyId: 'k2' });
    expect(after.installation).toBe(before.installation);
    expect(readLabel(after, writeLabel(before, LEASE_ID, 'acme'), 'acme')).toBe(LEASE_ID);
    const fresh = writeLabel(after, LEASE_ID, 'acme');
    expect(readLabel(after, fresh, 'acme')).toBe(LEASE_ID);
    expect(readLabel(before, fresh, 'acme'), 'a process that does not know the key touches nothing').toBeUndefined();
  });

  it('gives two keys from one text that differ', () => {
    const keys = parsed({ seed: SEED, keys: { k2: SEED } });
    expect(keys.mac('k2', 'text')).not.toBe(keys.mac('k1', 'text'));
  });

  it.each([
    ['', 'not JSON'],
    [`{"seed":"${SEED}"`, 'not JSON'],
    ['null', 'not an object'],
    [`"${SEED}"`, 'not an object'],
    ['{}', 'seed'],
    ['[]', 'seed'],
    [JSON.stringify({ seed: SEED.slice(1) }), 'seed'],
    [JSON.stringify({ seed: 'x'.repeat(4_097) }), 'seed'],
    [JSON.stringify({ seed: [SEED] }), 'seed'],
    [JSON.stringify({ seed: SEED, keys: [OTHER_SEED] }), 'keys'],
    [JSON.stringify({ seed: SEED, keys: null }), 'keys'],
    [JSON.stringify({ seed: SEED, keys: { k1: OTHER_SEED } }), 'keys'],
    [JSON.stringify({ seed: SEED, keys: { K2: OTHER_SEED } }), 'keys'],
    [`{"seed":"${SEED}","keys":{"__proto__":"${OTHER_SEED}"}}`, 'keys'],
    [JSON.stringify({ seed: SEED, keys: { k2: 'short' } }), 'keys'],
    [
      JSON.stringify({
        seed: SEED,
        keys: Object.fromEntries([...'abcdefghijklmnop'].map((c) => [`z${c}`, OTHER_SEED])),
      }),
      'keys',
    ],
    [JSON.stringify({ seed: SEED, currentKeyId: 'k2' }), 'currentKeyId'],
    [JSON.stringify({ seed: SEED, currentKeyId: 7 }), 'currentKeyId'],
  ])('is refused when it is malformed, without being quoted: %s', (text, part) => {
    const error = (() => {
      try {
        return parseInstallationSecret(text);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(InstallationSecretMalformed);
    expect((error as Error).message).toContain(`malformed: ${part}`);
    expect((error as Error).message).not.toContain(SEED.slice(0, 8));
    expect((error as Error).message).not.toContain(OTHER_SEED.slice(0, 8));
  });
});
