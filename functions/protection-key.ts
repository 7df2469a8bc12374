import { joseTokenSealer } from './adapters/jose/token-sealer.ts';
import { fail } from './core/model/failure.ts';
import { problemOfModulus } from './rsa-modulus.ts';

/**
 * Proves a protection key, so that a bad one does not only show when the first lease is taken, or never: an RSA modulus by partial
 * public-key validation, any key by sealing something for it, which finds a point that is not on its curve, or one that gives no
 * secret.
 *
 * @param jwk as the request was checked: the right members, in the right sizes.
 * @throws Failed `invalid_field`.
 */
export async function checkProtectionKey(jwk: Readonly<Record<string, string>> | undefined): Promise<void> {
  if (jwk === undefined) return;
  if (jwk.kty === 'RSA') {
    const problem = await problemOfModulus(BigInt(`0x${Buffer.from(jwk.n ?? '', 'base64url').toString('hex')}`));
    if (problem !== undefined) throw fail({ tag: 'invalid_field', field: 'protectionKey.jwk.n', problem });
  }
  try {
    await joseTokenSealer().seal('', jwk);
  } catch {
    throw fail({ tag: 'invalid_field', field: 'protectionKey.jwk', problem: 'nothing can be sealed for this key' });
  }
}
