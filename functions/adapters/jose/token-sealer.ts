import { CompactEncrypt, importJWK } from 'jose';
import type { TokenSealer } from '../../core/ports/sealing.ts';

/** RSA keys use OAEP with SHA-256. Elliptic curves use a new key pair for each token. Source: RFC 7518 sections 4.3 and 4.6. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  RSA: 'RSA-OAEP-256',
  EC: 'ECDH-ES+A256KW',
  OKP: 'ECDH-ES+A256KW',
};

/** Seals tokens as compact JWEs with `jose`. Rejects if the key cannot be used for sealing. */
export function joseTokenSealer(): TokenSealer {
  return {
    async seal(token, publicJwk) {
      const { kty = '', kid } = publicJwk;
      const alg = ALGORITHMS[kty];
      if (alg === undefined) throw new Error('a protection key of an unknown type');
      const header = { alg, enc: 'A256GCM', ...(kid !== undefined && { kid }) };
      const key = await importJWK({ ...publicJwk, kty, alg });
      return new CompactEncrypt(new TextEncoder().encode(token)).setProtectedHeader(header).encrypt(key);
    },
  };
}
