import { checkPrime } from 'node:crypto';
import { promisify } from 'node:util';

const isProbablyPrime = promisify(checkPrime) as (candidate: bigint) => Promise<boolean>;

/** No prime factor of a modulus is below this. Source: NIST SP 800-89, 5.3.3. */
const FACTOR_MIN = 752;
const SMALL_PRIMES = primesBelow(FACTOR_MIN);

/**
 * What is wrong with the modulus of an RSA public key, by the tests of partial public-key validation: it must be odd, have no small
 * factor, not be prime, and not be a power of a prime. They find keys that were made or copied badly; that there are two large factors,
 * only their owner knows. Source: NIST SP 800-56B Rev. 2, 6.4.2.2, and SP 800-89, 5.3.3. Size and exponent are checked before.
 *
 * @returns undefined when nothing is.
 */
export async function problemOfModulus(modulus: bigint): Promise<string | undefined> {
  const factor = SMALL_PRIMES.find((prime) => modulus % BigInt(prime) === 0n);
  if (factor !== undefined) return `its modulus is divisible by ${factor}, so it is no RSA key`;
  if (await isProbablyPrime(modulus)) return 'its modulus is a prime number, so it is no RSA key';
  if (isPower(modulus)) return 'its modulus is a power of another number, so it is no RSA key';
  return undefined;
}

/** Whether a number without small factors is a power of any other: those of primes are among them, and no modulus is any. */
function isPower(value: bigint): boolean {
  const bits = value.toString(2).length;
  // A root of a higher degree would be a small factor.
  const degreeMax = Math.floor(bits / Math.log2(FACTOR_MIN));
  return primesBelow(degreeMax + 1).some((degree) => rootOf(value, degree, bits) ** BigInt(degree) === value);
}

/** The largest whole number whose power is not above `value`, by Newton's method from above. */
function rootOf(value: bigint, degree: number, bits: number): bigint {
  const [n, less] = [BigInt(degree), BigInt(degree - 1)];
  let root = 1n << BigInt(Math.ceil(bits / degree));
  for (;;) {
    const next = (less * root + value / root ** less) / n;
    if (next >= root) return root;
    root = next;
  }
}

function primesBelow(end: number): readonly number[] {
  const primes: number[] = [];
  for (let candidate = 2; candidate < end; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}
