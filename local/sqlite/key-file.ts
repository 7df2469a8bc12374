import { createHash, createHmac, randomBytes, randomInt } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { BOX_MIN_BYTES, openBox, sealBox } from '../../functions/adapters/aes-gcm.ts';
import type { LabelKeys, Sealer } from '../../functions/core/ports/sealing.ts';
import { CannotOpenData, KEY_FILE } from './database.ts';

const KEY_BYTES = 32;
/** The label's grammar has room for 96 bits of MAC. */
const LABEL_MAC_BYTES = 12;
/** Begins every sealed text, and says how it was sealed. */
const SEALED_MARK = '1.';
/** A key file is some 300 bytes; one above this is something else. */
const KEY_FILE_MAX_BYTES = 65_536;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** What the key file gives to the embedded edition. Neither shows its keys. */
export interface Keys {
  readonly labels: LabelKeys;
  readonly sealer: Sealer;
}

interface KeyFile {
  readonly schema: 1;
  readonly installation: string;
  /** The first is current; all verify. Keys are 32 bytes in base64url. */
  readonly labelKeys: readonly { readonly id: string; readonly key: string }[];
  readonly sealKey: string;
}

/**
 * Opens the key of a data folder (`key`, 0600), and makes it when it is missing: once, and whole or not at all.
 *
 * @param dataDir made when missing.
 * @param needed whether the folder holds what only its key can read: then a missing key is refused, never replaced.
 * @throws CannotOpenData `key_missing`, `key_damaged`, `key_exposed` or `unwritable`.
 */
export function openKeyFile(dataDir: string, needed = false): Keys {
  const dir = resolve(dataDir);
  const path = join(dir, KEY_FILE);
  if (statOf(path) === undefined) {
    if (needed) {
      throw new CannotOpenData(
        dir,
        'key_missing',
        `its database holds targets or leases, but the file ${KEY_FILE} that opens them is missing; put it back from a copy`,
      );
    }
    make(dir, path);
  }
  const file = parse(dir, read(dir, path));
  return { labels: labelKeysOf(file), sealer: sealerOf(bytesOf(file.sealKey)) };
}

function read(dir: string, path: string): string {
  const stat = statOf(path);
  if (stat === undefined || !stat.isFile() || stat.size > KEY_FILE_MAX_BYTES) throw damaged(dir);
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    throw new CannotOpenData(dir, 'key_exposed', `other users may read its file ${KEY_FILE}; close it with chmod 600`);
  }
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new CannotOpenData(dir, 'unwritable', `hublease may not read its file ${KEY_FILE}`);
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Writes the key under another name first, then links it into place: that fails where a key is, and is never half done. */
function make(dir: string, path: string): void {
  const file: KeyFile = {
    schema: 1,
    installation: word(8),
    labelKeys: [{ id: word(2), key: randomBytes(KEY_BYTES).toString('base64url') }],
    sealKey: randomBytes(KEY_BYTES).toString('base64url'),
  };
  const draft = `${path}.${word(8)}`;
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(draft, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
      linkSync(draft, path);
      flushFolder(dir);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch (error) {
    // Another process made it first: its key is the one.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && statOf(path) !== undefined) return;
    throw new CannotOpenData(dir, 'unwritable', `its file ${KEY_FILE} cannot be made`);
  }
}

/** A new name is only on disk once its folder is. Windows has no such call and needs none. */
function flushFolder(dir: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function word(characters: number): string {
  return Array.from({ length: characters }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

function parse(dir: string, text: string): KeyFile {
  let value: Partial<KeyFile> | null;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(dir);
  }
  const { schema, installation, labelKeys, sealKey } = value ?? {};
  const sound =
    schema === 1 &&
    isText(installation, /^[a-z0-9]{8}$/) &&
    isKey(sealKey) &&
    Array.isArray(labelKeys) &&
    labelKeys.length > 0 &&
    labelKeys.every((each) => isText(each?.id, /^[a-z0-9]{2}$/) && isKey(each.key)) &&
    new Set(labelKeys.map((each) => each.id)).size === labelKeys.length;
  if (!sound) throw damaged(dir);
  return value as KeyFile;
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function isKey(value: unknown): value is string {
  return (
    typeof value === 'string' && bytesOf(value).length === KEY_BYTES && bytesOf(value).toString('base64url') === value
  );
}

function damaged(dir: string): CannotOpenData {
  return new CannotOpenData(dir, 'key_damaged', `its file ${KEY_FILE} is not a key; put it back from a copy`);
}

function bytesOf(base64url: string): Buffer {
  return Buffer.from(base64url, 'base64url');
}

function labelKeysOf(file: KeyFile): LabelKeys {
  const keys = new Map(file.labelKeys.map(({ id, key }) => [id, bytesOf(key)]));
  return {
    installation: file.installation,
    currentKeyId: file.labelKeys[0]?.id as string,
    mac(keyId, text) {
      const key = keys.get(keyId);
      return key && createHmac('sha256', key).update(text).digest().subarray(0, LABEL_MAC_BYTES).toString('base64url');
    },
    sha256: (token) => createHash('sha256').update(token).digest('hex'),
  };
}

/** AES-256-GCM with a random IV, the context as additional data: `1.` and base64url of IV, ciphertext and tag. */
function sealerOf(key: Buffer): Sealer {
  return {
    async seal(plain, context) {
      return SEALED_MARK + sealBox(key, plain, context).toString('base64url');
    },

    async open(sealed, context) {
      const bytes = bytesOf(sealed.slice(SEALED_MARK.length));
      // Decoding passes over characters and bits that mean nothing; a text that we sealed has none.
      if (bytes.length < BOX_MIN_BYTES || SEALED_MARK + bytes.toString('base64url') !== sealed) throw notSealed();
      try {
        return openBox(key, bytes, context);
      } catch {
        throw notSealed();
      }
    },
  };
}

function notSealed(): Error {
  return new Error('the text was not sealed with this key and context, or was changed since');
}
