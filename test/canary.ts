/**
 * Finds secrets where none may be: planted canaries, in whatever form they leaked, whole or only a beginning. The one search that the
 * simulator, the generated requests and the tests of secrets share.
 */

/** Shows of a secret how many characters make a leak; also the least that tells one from chance in megabytes of bytes. */
const SHOWN_CHARACTERS = 8;

/** Characters of a base64 text before the first that only the secret decides, by how many bytes stand before the secret. */
const SHARED_CHARACTERS = [0, 2, 3] as const;

/** How a text or some bytes may be written: as they are, in a URL, in JSON, in base64 at whatever offset, in hex. */
export function formsOf(piece: string | Buffer): readonly string[] {
  const bytes = Buffer.from(piece);
  const forms = SHARED_CHARACTERS.flatMap((shared, bytesBefore) => {
    const shifted = Buffer.concat([Buffer.alloc(bytesBefore), bytes]);
    // The last character may hold bits of what follows.
    const settled = Math.floor((shifted.length * 8) / 6);
    return [shifted.toString('base64').slice(shared, settled), shifted.toString('base64url').slice(shared, settled)];
  });
  forms.push(bytes.toString('hex'));
  if (typeof piece === 'string') {
    const inJson = JSON.stringify(piece).slice(1, -1);
    forms.push(piece, inJson, JSON.stringify(inJson).slice(1, -1));
    // As a component, as a whole address, as a form field, and with nothing but letters and digits left.
    forms.push(encodeURIComponent(piece), encodeURI(piece), new URLSearchParams({ '': piece }).toString().slice(1));
    forms.push(piece.replace(/[^a-z0-9]/gi, (sign) => percent(sign)));
  }
  // UTF-8 that was read as Latin-1.
  return [...new Set([...forms, bytes.toString('latin1')])];
}

function percent(sign: string): string {
  return [...Buffer.from(sign)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

/** A pattern for any form of any of the pieces, in whatever case: for a search that is made millions of times. */
export function patternOf(...pieces: readonly string[]): RegExp {
  return new RegExp(
    pieces
      .flatMap((piece) => formsOf(piece))
      .map((form) => form.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
      .join('|'),
    'i',
  );
}

/** What begins every access token of Docker Hub, and is no secret. */
const TOKEN_HEAD = /^dckr_[po]at_/;
const SESSION = /^eyJ[\w-]*\.([\w-]+)\.([\w-]+)$/;

/**
 * The pieces of a secret that may not be seen: its first and its last eight characters, behind what begins all of its kind. Of a
 * session, the same of its signature, and the middle of its claims, which begin and end as those of any other do.
 */
export function piecesOf(secret: string): readonly string[] {
  const [, claims = '', signature] = SESSION.exec(secret) ?? [];
  const own = signature ?? secret.replace(TOKEN_HEAD, '');
  const middle = Math.floor(claims.length / 2);
  const pieces = [own.slice(0, SHOWN_CHARACTERS), own.slice(-SHOWN_CHARACTERS)];
  return claims === '' ? pieces : [...pieces, claims.slice(middle, middle + 2 * SHOWN_CHARACTERS)];
}

/** Forms are found by a hash of their first bytes, so that thousands of secrets cost a search no more than one. */
const KEY_BYTES = 4;
const KEY_HASHES = 1 << 16;

interface Form {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The secrets of one test, by name, and the search for them. */
export class Canaries {
  readonly #planted = new Set<string>();
  readonly #names = new Set<string>();
  readonly #formsByHash = new Map<number, Form[]>();
  readonly #hashes = new Uint8Array(KEY_HASHES);

  /**
   * Planting under a name again adds to it.
   *
   * @param secrets texts, or the bytes of keys.
   * @throws Error for one that is too short to be told from chance.
   */
  plant(name: string, ...secrets: readonly (string | Buffer)[]): void {
    this.#names.add(name);
    for (const secret of secrets) {
      if (secret.length < SHOWN_CHARACTERS) throw new Error(`${name} is too short for a canary`);
      const pieces =
        typeof secret === 'string'
          ? piecesOf(secret)
          : [secret.subarray(0, SHOWN_CHARACTERS), secret.subarray(-SHOWN_CHARACTERS)];
      for (const piece of pieces) {
        for (const form of [piece, ...formsOf(piece)]) this.#add(name, inLowerCase(Buffer.from(form)));
      }
    }
  }

  get names(): readonly string[] {
    return [...this.#names];
  }

  /**
   * Names of the secrets that are seen, each with the form in which it is. Whatever the case: a name that was written in
   * lower case and the hex of a URL in upper case are the same leak.
   *
   * @param what a text; or bytes, which are also read with their zeros left out, as UTF-16 has them.
   */
  seenIn(what: string | Buffer): readonly string[] {
    const bytes = inLowerCase(Buffer.from(what));
    const seen = this.#search(bytes);
    return [...new Set(bytes.includes(0) ? [...seen, ...this.#search(bytes.filter((byte) => byte !== 0))] : seen)];
  }

  #add(name: string, bytes: Buffer): void {
    const id = `${name} ${bytes.toString('latin1')}`;
    if (this.#planted.has(id)) return;
    this.#planted.add(id);
    const hash = hashAt(bytes, 0);
    this.#hashes[hash] = 1;
    const forms = this.#formsByHash.get(hash) ?? [];
    forms.push({ name, bytes });
    this.#formsByHash.set(hash, forms);
  }

  #search(bytes: Uint8Array): readonly string[] {
    const seen = new Set<string>();
    for (let at = 0; at <= bytes.length - KEY_BYTES; at++) {
      const hash = hashAt(bytes, at);
      if (this.#hashes[hash] === 0) continue;
      for (const form of this.#formsByHash.get(hash) ?? []) {
        if (startsAt(bytes, at, form.bytes)) seen.add(`${form.name}, as ${form.bytes}`);
      }
    }
    return [...seen];
  }
}

function hashAt(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let next = at; next < at + KEY_BYTES; next++) hash = Math.imul(hash, 251) + (bytes[next] as number);
  return hash & (KEY_HASHES - 1);
}

function startsAt(bytes: Uint8Array, at: number, form: Uint8Array): boolean {
  return form.every((byte, index) => bytes[at + index] === byte);
}

/** Of ASCII's letters; in place. */
function inLowerCase(bytes: Buffer): Buffer {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x41 && byte <= 0x5a) bytes[at] = byte + 0x20;
  }
  return bytes;
}
