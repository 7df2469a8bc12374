/** Seals tokens for the owner of a protection key. hublease itself cannot open them. Called only by mint. */
export interface TokenSealer {
  /**
   * @param publicJwk a public key, checked when the secret was put.
   * @returns a compact JWE (RFC 7516), RSA-OAEP-256 or ECDH-ES+A256KW by the key's type, content A256GCM.
   */
  seal(token: string, publicJwk: Readonly<Record<string, string>>): Promise<string>;
}

/** Encrypts small texts with the installation's key, bound to a context. Called only by session. */
export interface Sealer {
  seal(plain: string, context: string): Promise<string>;
  /** Rejects if the text was changed, or was sealed with another context or key. */
  open(sealed: string, context: string): Promise<string>;
}

/** The installation's mark on Docker Hub. */
export interface LabelKeys {
  /** 8 of a-z and 0-9. */
  readonly installation: string;
  /** 2 of a-z and 0-9. */
  readonly currentKeyId: string;
  /** The first 96 bits of HMAC-SHA-256 as 16 base64url characters; undefined for an unknown key. */
  mac(keyId: string, text: string): string | undefined;
  /** Hex SHA-256 of a token. */
  sha256(token: string): string;
}
