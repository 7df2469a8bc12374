import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { compactDecrypt } from 'jose';
import { describe, expect, it } from 'vitest';
import { joseTokenSealer } from '../../functions/adapters/jose/token-sealer.ts';

const TOKEN = 'dckr_pat_CanaryToken_0123456789';
const sealer = joseTokenSealer();

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const publicJwk = ({ publicKey }: Pair) => publicKey.export({ format: 'jwk' }) as Record<string, string>;

const PAIRS: [string, Pair, string][] = [
  ['RSA', generateKeyPairSync('rsa', { modulusLength: 2_048 }), 'RSA-OAEP-256'],
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ECDH-ES+A256KW'],
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'ECDH-ES+A256KW'],
  ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }), 'ECDH-ES+A256KW'],
  ['X25519', generateKeyPairSync('x25519'), 'ECDH-ES+A256KW'],
];

describe('a sealed token', () => {
  it.each(PAIRS)('is opened with the private %s key, and says how', async (_, pair, alg) => {
    const sealed = await sealer.seal(TOKEN, publicJwk(pair));
    expect(sealed).toMatch(/^[\w-]+(?:\.[\w-]+){4}$/);
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, pair.privateKey);
    expect(new TextDecoder().decode(plaintext)).toBe(TOKEN);
    expect(protectedHeader).toMatchObject({ alg, enc: 'A256GCM' });
    expect(protectedHeader).not.toHaveProperty('kid');
    expect(Buffer.from(sealed.split('.').join(''), 'base64url').toString()).not.toContain('Canary');
  });

  it('names its key where the key has a name', async () => {
    const [, pair] = PAIRS[1] as (typeof PAIRS)[number];
    const sealed = await sealer.seal(TOKEN, { ...publicJwk(pair), kid: 'release-2026', use: 'enc' });
    expect((await compactDecrypt(sealed, pair.privateKey)).protectedHeader.kid).toBe('release-2026');
  });

  it('differs every time, and is not opened by another key', async () => {
    for (const [, pair] of PAIRS) {
      const [one, other] = [await sealer.seal(TOKEN, publicJwk(pair)), await sealer.seal(TOKEN, publicJwk(pair))];
      expect(one).not.toBe(other);
    }
    const sealed = await sealer.seal(TOKEN, publicJwk((PAIRS[1] as (typeof PAIRS)[number])[1]));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await expect(compactDecrypt(sealed, privateKey)).rejects.toThrow();
  });
});

describe('a key that cannot be sealed for', () => {
  const p256 = publicJwk((PAIRS[1] as (typeof PAIRS)[number])[1]);
  it.each<[string, JsonWebKey]>([
    ['a point off its curve', { ...p256, y: p256.x as string }],
    ['a point that gives no secret', { kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) }],
    ['a secret key', { kty: 'oct', k: 'A'.repeat(43) }],
    ['no key', {}],
  ])('(%s) rejects', async (_, jwk) => {
    await expect(sealer.seal(TOKEN, jwk as Record<string, string>)).rejects.toThrow();
  });
});
