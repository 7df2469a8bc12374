import { generateKeyPairSync, generatePrimeSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { Failed } from '../../functions/core/model/failure.ts';
import { checkProtectionKey } from '../../functions/protection-key.ts';
import { problemOfModulus } from '../../functions/rsa-modulus.ts';

const prime = (bits: number) => generatePrimeSync(bits, { bigint: true });

function jwkOf(modulus: bigint): Record<string, string> {
  const hex = modulus.toString(16);
  return { kty: 'RSA', e: 'AQAB', n: Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url') };
}

async function refusalOf(jwk: Record<string, string>): Promise<{ field: string; problem: string } | undefined> {
  try {
    await checkProtectionKey(jwk);
    return undefined;
  } catch (error) {
    if (error instanceof Failed && error.failure.tag === 'invalid_field') return error.failure;
    throw error;
  }
}

describe('an RSA protection key', () => {
  /** Two primes of 1,024 bits. */
  let p: bigint;
  let q: bigint;
  beforeAll(() => {
    [p, q] = [prime(1_024), prime(1_024)];
  });

  it.each([2_048, 3_072, 4_096])('of %i bits as tools make it is taken', async (modulusLength) => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
    expect(await refusalOf(publicKey.export({ format: 'jwk' }) as Record<string, string>)).toBeUndefined();
  });

  it('with the product of two primes is taken', async () => {
    expect(await refusalOf(jwkOf(p * q))).toBeUndefined();
  });

  it('whose modulus is even is refused', async () => {
    expect(await refusalOf(jwkOf(p * q + 1n))).toEqual(
      expect.objectContaining({ field: 'protectionKey.jwk.n', problem: expect.stringContaining('is divisible by 2,') }),
    );
  });

  it.each([3n, 5n, 17n, 743n, 751n])('whose modulus is divisible by %i is refused', async (factor) => {
    expect(await refusalOf(jwkOf(factor * p * q))).toEqual(
      expect.objectContaining({
        field: 'protectionKey.jwk.n',
        problem: `its modulus is divisible by ${factor}, so it is no RSA key`,
      }),
    );
  });

  it('whose smallest factor is above the bound is not found out: these tests are for accidents', async () => {
    expect(await problemOfModulus(757n * p * q)).toBeUndefined();
  });

  it('whose modulus is prime is refused', async () => {
    expect((await refusalOf(jwkOf(prime(2_048))))?.problem).toBe('its modulus is a prime number, so it is no RSA key');
  });

  it.each([
    [2, 1_024],
    [3, 683],
    [5, 410],
    [16, 128],
    [67, 31],
    [191, 11],
  ])('whose modulus is a prime to the power of %i is refused', async (degree, bits) => {
    expect(await problemOfModulus(prime(bits) ** BigInt(degree))).toBe(
      'its modulus is a power of another number, so it is no RSA key',
    );
  });

  it('whose modulus is next to a power is no power', async () => {
    for (const near of [p * p + 2n, p * p - 2n]) {
      expect((await problemOfModulus(near)) ?? '').not.toContain('a power of');
    }
  });
});

describe('a protection key on a curve', () => {
  it.each(['P-256', 'P-384', 'P-521'])('%s is taken, and a point that is not on it is refused', async (namedCurve) => {
    const jwk = generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' }) as Record<string, string>;
    expect(await refusalOf(jwk)).toBeUndefined();
    expect(await refusalOf({ ...jwk, x: jwk.y as string })).toMatchObject({ field: 'protectionKey.jwk' });
  });

  it('X25519 is taken, and a point that gives no secret is refused', async () => {
    const jwk = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }) as Record<string, string>;
    expect(await refusalOf(jwk)).toBeUndefined();
    expect(await refusalOf({ ...jwk, x: 'A'.repeat(43) })).toMatchObject({ field: 'protectionKey.jwk' });
  });

  it('that is not there needs no proof', async () => {
    await expect(checkProtectionKey(undefined)).resolves.toBeUndefined();
  });
});
