import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Failed, type Failure } from '../../functions/core/model/failure.ts';
import { check } from '../../functions/wire/check.ts';
import { ProtectionKey } from '../../functions/wire/protection-key.ts';

const rsa = (modulusLength: number, publicExponent = 0x10001) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({ format: 'jwk' });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });
const RSA = rsa(2_048);
const P256 = ec('P-256');
const X25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });

function failureOf(jwk: unknown): Extract<Failure, { tag: 'invalid_field' }> | undefined {
  try {
    check(ProtectionKey, { jwk }, 'protectionKey');
  } catch (error) {
    if (error instanceof Failed && error.failure.tag === 'invalid_field') return error.failure;
    throw error;
  }
  return undefined;
}

describe('a public key', () => {
  it.each<[string, JsonWebKey]>([
    ['RSA of 2048 bits', RSA],
    ['RSA of 3071 bits', rsa(3_071)],
    ['RSA of 4096 bits', rsa(4_096)],
    ['P-256', P256],
    ['P-384', ec('P-384')],
    ['P-521', ec('P-521')],
    ['X25519', X25519],
  ])('%s is taken as it is, with what it says of itself', (_, jwk) => {
    const alg = jwk.kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES+A256KW';
    const described = { ...jwk, kid: 'release-2026', use: 'enc', alg };
    expect(check(ProtectionKey, { jwk: described }, 'protectionKey')).toEqual({ jwk: described });
    expect(failureOf(jwk)).toBeUndefined();
  });

  it.each<[string, string, unknown]>([
    ['missing', 'jwk', undefined],
    ['text', 'jwk', 'ssh-rsa AAAA'],
    ['a list', 'jwk', [RSA]],
    ['of no type', 'jwk.kty', { n: RSA.n, e: 'AQAB' }],
    ['symmetric by type', 'jwk.kty', { kty: 'oct' }],
    ['RSA of 1024 bits', 'jwk.n', rsa(1_024)],
    ['RSA of 2047 bits', 'jwk.n', rsa(2_047)],
    ['RSA of 4097 bits', 'jwk.n', rsa(4_104)],
    ['RSA with a zero before its modulus', 'jwk.n', { ...RSA, n: `AA${RSA.n}` }],
    ['RSA with exponent 3', 'jwk.e', rsa(2_048, 3)],
    ['RSA with exponent 1', 'jwk.e', { ...RSA, e: 'AQ' }],
    ['RSA for signatures', 'jwk.use', { ...RSA, use: 'sig' }],
    ['RSA with SHA-1', 'jwk.alg', { ...RSA, alg: 'RSA-OAEP' }],
    ['with padding', 'jwk.n', { ...RSA, n: `${RSA.n}==` }],
    ['on another curve', 'jwk.crv', ec('secp256k1')],
    ['half a point', 'jwk.y', { kty: P256.kty, crv: P256.crv, x: P256.x }],
    ['a point of another curve', 'jwk', { ...P256, crv: 'P-384' }],
    ['Ed25519', 'jwk.crv', generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })],
    ['with a certificate', 'jwk.x5c', { ...RSA, x5c: ['MIIB'] }],
    ['with an address', 'jwk.jku', { ...RSA, jku: 'https://evil.example' }],
    ['with a name of two lines', 'jwk.kid', { ...RSA, kid: 'a\r\nb' }],
    ['with a name of 129 characters', 'jwk.kid', { ...RSA, kid: 'x'.repeat(129) }],
  ])('that is %s is refused at %s', (_, field, jwk) => {
    expect(failureOf(jwk)?.field).toBe(field);
  });
});

describe('a private key', () => {
  const pairs: JsonWebKey[] = [
    generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ format: 'jwk' }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' }),
    { kty: 'oct', k: 'GawgguFyGrWKav7AX4VKUg' },
  ];

  it.each(pairs.map((jwk) => [jwk.kty, jwk] as const))('of type %s is refused as one, and not repeated', (_, jwk) => {
    const failure = failureOf(jwk);
    expect(failure).toMatchObject({ field: 'jwk', problem: expect.stringContaining('a private key was offered') });
    expect(JSON.stringify(failure)).not.toContain(jwk.d ?? jwk.k);
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'is told by its member %s alone, whatever stands there',
    (name) => {
      for (const value of ['canary', null, 7, [], {}, '']) {
        const failure = failureOf({ ...RSA, [name]: value });
        expect(failure?.problem).toContain('a private key was offered');
        expect(failure?.problem).not.toContain('canary');
      }
    },
  );

  it('is refused without its members being read', () => {
    const jwk = {
      ...RSA,
      get d(): string {
        throw new Error('it was read');
      },
    };
    expect(failureOf(jwk)?.problem).toContain('a private key was offered');
  });
});
