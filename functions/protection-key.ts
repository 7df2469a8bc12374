import { joseTokenSealer } from './adapters/token-sealer.ts';
import { fail } from './core/failure.ts';

/**
 * Proves a protection key by sealing something for it: a point that is not on its curve, or one that gives no secret, would
 * otherwise only show when the first lease is taken.
 *
 * @throws Failed `invalid_field`.
 */
export async function checkProtectionKey(jwk: Readonly<Record<string, string>> | undefined): Promise<void> {
  if (jwk === undefined) return;
  try {
    await joseTokenSealer().seal('', jwk);
  } catch {
    throw fail({ tag: 'invalid_field', field: 'protectionKey.jwk', problem: 'nothing can be sealed for this key' });
  }
}
