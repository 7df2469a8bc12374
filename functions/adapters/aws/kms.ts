import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import type { Clock } from '../../core/ports/environment.ts';
import type { Sealer } from '../../core/ports/sealing.ts';
import { openBox, sealBox } from '../aes-gcm.ts';
import { AwsCallFailed, awsCall, failedWith } from './call.ts';
import { ShortCache } from './short-cache.ts';

/** Opened texts are remembered this long: a session is opened once per request, and KMS charges by the call. */
const CACHE_MS = 60_000;
/** There is one session per target. One process uses only a few at a time. */
const CACHE_MAX = 50;
/** Docker Hub's sessions are a few kB; a row of the table holds at most 400 kB. */
const MAX_PLAIN_BYTES = 65_536;

/** KMS' error code for a text that another key has encrypted. Source: KMS API reference, Decrypt. */
const NOT_UNDER_THIS_KEY = ['IncorrectKeyException', 'InvalidCiphertextException', 'AccessDeniedException'];

/** `s1`, the encrypted data key, then nonce, encrypted text and tag; each base64url. */
const SEALED = /^s1\.([A-Za-z0-9_-]{1,1024})\.([A-Za-z0-9_-]{38,88000})$/;

/** The text was not sealed with this key and context, or was changed. */
export class SealBroken extends Error {
  constructor() {
    super('not sealed under this key and context, or changed since');
    this.name = 'SealBroken';
  }
}

export interface KmsOptions {
  readonly client: KMSClient;
  readonly keyArn: string;
  /** The installation's former keys. They only open, and do not seal. @default none */
  readonly formerKeyArns?: readonly string[];
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * Seals each text with AES-256-GCM and its own data key. KMS creates the data key, and encrypts it with the installation's key.
 * KMS itself encrypts at most 4,096 bytes, and Docker Hub states no limit for its sessions. The context is KMS' encryption
 * context `hublease`. It appears in CloudTrail, so it must not be secret.
 *
 * `open` rejects with SealBroken; both methods with AwsCallFailed, which KMS also gives for a wrong key or context. IAM actions:
 * GenerateDataKey (seal), Decrypt (open).
 */
export function kmsSealer({ client, keyArn, formerKeyArns = [], clock }: KmsOptions): Sealer {
  const opened = new ShortCache<string>(clock, CACHE_MS, CACHE_MAX);
  async function dataKeyOf(encryptedKey: Buffer, context: string): Promise<Uint8Array | undefined> {
    const [current, ...former] = [keyArn, ...formerKeyArns];
    // The key is named, so that a text is refused if it was sealed with another key that we may use.
    const decrypt = (KeyId: string) =>
      awsCall('Decrypt', () =>
        client.send(
          new DecryptCommand({ KeyId, CiphertextBlob: encryptedKey, EncryptionContext: { hublease: context } }),
        ),
      );
    let attempt = decrypt(current);
    for (const key of former) {
      attempt = attempt.catch((error: unknown) => {
        if (!failedWith(error, ...NOT_UNDER_THIS_KEY)) throw error;
        return decrypt(key);
      });
    }
    return (await attempt).Plaintext;
  }

  return {
    async seal(plain, context) {
      if (Buffer.byteLength(plain) > MAX_PLAIN_BYTES)
        throw new Error(`a text to seal has at most ${MAX_PLAIN_BYTES} bytes`);
      const dataKey = await awsCall('GenerateDataKey', () =>
        client.send(
          new GenerateDataKeyCommand({
            KeyId: keyArn,
            KeySpec: 'AES_256',
            EncryptionContext: { hublease: context },
          }),
        ),
      );
      if (dataKey.Plaintext === undefined || dataKey.CiphertextBlob === undefined) {
        throw new AwsCallFailed('GenerateDataKey', 'NoKey');
      }
      // Each data key encrypts one text, so no nonce can repeat with it.
      const box = sealBox(dataKey.Plaintext, plain, context);
      dataKey.Plaintext.fill(0);
      return `s1.${Buffer.from(dataKey.CiphertextBlob).toString('base64url')}.${box.toString('base64url')}`;
    },

    async open(sealed, context) {
      const cacheKey = `${context}\n${sealed}`;
      const remembered = opened.get(cacheKey);
      if (remembered !== undefined) return remembered;
      const asOfMs = clock.nowMs();
      const { encryptedKey, box } = split(sealed);
      const plain = decrypt(await dataKeyOf(encryptedKey, context), box, context);
      opened.put(cacheKey, plain, asOfMs);
      return plain;
    },
  };
}

function split(sealed: string): { encryptedKey: Buffer; box: Buffer } {
  const [, keyText, boxText] = SEALED.exec(sealed) ?? [];
  if (keyText === undefined || boxText === undefined) throw new SealBroken();
  const [encryptedKey, box] = [Buffer.from(keyText, 'base64url'), Buffer.from(boxText, 'base64url')];
  // The last character may have bits that decoding drops. So only the canonical form of a text is accepted.
  if (encryptedKey.toString('base64url') !== keyText || box.toString('base64url') !== boxText) throw new SealBroken();
  return { encryptedKey, box };
}

function decrypt(key: Uint8Array | undefined, box: Buffer, context: string): string {
  try {
    return openBox(key ?? Buffer.alloc(0), box, context);
  } catch {
    throw new SealBroken();
  } finally {
    key?.fill(0);
  }
}
