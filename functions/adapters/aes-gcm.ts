import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Source: NIST SP 800-38D, 5.2.1.1 and 8.2.2: 96 random bits serve 2^32 texts under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** The length of a box with an empty text. */
export const BOX_MIN_BYTES = NONCE_BYTES + TAG_BYTES;

/**
 * Encrypts a text: a random nonce, the ciphertext and the tag, one after the other.
 *
 * @param key 32 bytes.
 * @param context authenticated data; the box opens only with the same context.
 */
export function sealBox(key: Uint8Array, plain: string, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error if the box was sealed with another key or context, is too short, or was changed. The error quotes nothing. */
export function openBox(key: Uint8Array, box: Buffer, context: string): string {
  const decipher = createDecipheriv(CIPHER, key, box.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(box.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
}
