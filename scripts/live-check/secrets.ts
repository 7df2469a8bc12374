const HIDDEN = '[secret]';
/** Whatever looks like a Docker token or a JWT, should one ever come from elsewhere. */
const LOOKS_SECRET = /\bdckr_(?:pat|oat)_[\w-]+|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]+)*/g;
/** Shorter texts stand in many words by chance. No password of Docker Hub's is that short. */
const MIN_CHARACTERS = 6;

/**
 * All secrets that a run has seen. Nothing of this program writes one on purpose; every line and report goes through here
 * before it leaves the process all the same.
 */
export class Secrets {
  readonly #known = new Set<string>();

  add(...secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) if (secret !== undefined && secret.length >= MIN_CHARACTERS) this.#known.add(secret);
  }

  hide(text: string): string {
    let hidden = text;
    for (const secret of this.#known) hidden = hidden.replaceAll(secret, HIDDEN);
    return hidden.replaceAll(LOOKS_SECRET, HIDDEN);
  }
}
