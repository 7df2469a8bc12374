import * as z from 'zod';

/**
 * A secret's protection key: a public JWK (RFC 7517, RFC 7518 section 6, RFC 8037). Only the members that say what the key is are
 * taken, so that nothing is stored that nobody has looked at.
 */

/** Members that only a private or a symmetric key has. Source: RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** Below 2048 bits RSA is no longer held to be safe (NIST SP 800-131A); above 4096 it only costs time. */
const RSA_BITS = { least: 2_048, most: 4_096 };

/** Characters of one coordinate, 32, 48 and 66 bytes in base64url. */
const COORDINATE_CHARACTERS = { 'P-256': 43, 'P-384': 64, 'P-521': 88 } as const;
const X25519_CHARACTERS = 43;

const BASE64URL_TEXT = 'expected base64url without padding';

/** What any of the keys may say of itself. */
const COMMON = {
  kid: z
    .string()
    .regex(/^[!-~]{1,128}$/, { error: 'expected 1 to 128 visible characters' })
    .meta({ description: 'Repeated in the header of what is sealed.' })
    .exactOptional(),
  use: z.literal('enc').exactOptional(),
};

function number(mostCharacters: number) {
  return z
    .string()
    .max(mostCharacters)
    .regex(/^[A-Za-z0-9_-]+$/, { error: BASE64URL_TEXT });
}

const RsaKey = z.strictObject({
  kty: z.literal('RSA'),
  n: number(683).refine(isModulus, {
    error: `expected a modulus of ${RSA_BITS.least} to ${RSA_BITS.most} bits`,
  }),
  // The exponent that every tool makes. A small one would undo the sealing.
  e: z.literal('AQAB'),
  alg: z.literal('RSA-OAEP-256').exactOptional(),
  ...COMMON,
});

const EcKey = z
  .strictObject({
    kty: z.literal('EC'),
    crv: z.enum(['P-256', 'P-384', 'P-521']),
    x: number(88),
    y: number(88),
    alg: z.literal('ECDH-ES+A256KW').exactOptional(),
    ...COMMON,
  })
  .refine(({ crv, x, y }) => [x, y].every(({ length }) => length === COORDINATE_CHARACTERS[crv]), {
    error: 'expected x and y in the full length of the curve',
  });

const OkpKey = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('X25519'),
  x: number(X25519_CHARACTERS).length(X25519_CHARACTERS),
  alg: z.literal('ECDH-ES+A256KW').exactOptional(),
  ...COMMON,
});

const PublicJwk = z.discriminatedUnion('kty', [RsaKey, EcKey, OkpKey], {
  error: 'expected a public key with kty "RSA", "EC" or "OKP"',
});

/** What a secret's PUT takes as `protectionKey`, and its answers show. A private key is refused by its members' names alone. */
export const ProtectionKey = z.strictObject({
  jwk: z.preprocess((jwk, context) => {
    if (hasPrivateMember(jwk)) {
      const message =
        'a private key was offered: keep it, and give its public part alone. It was neither kept nor logged';
      context.issues.push({ code: 'custom', message, input: undefined });
    }
    return jwk;
  }, PublicJwk),
});

function hasPrivateMember(jwk: unknown): boolean {
  return typeof jwk === 'object' && jwk !== null && PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name));
}

function isModulus(n: string): boolean {
  const bytes = Buffer.from(n, 'base64url');
  const first = bytes[0] ?? 0;
  const bits = (bytes.length - 1) * 8 + (first === 0 ? Number.NEGATIVE_INFINITY : first.toString(2).length);
  return bits >= RSA_BITS.least && bits <= RSA_BITS.most;
}
