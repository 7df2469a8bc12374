import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sealer } from '../../functions/core/ports/sealing.ts';
import { unique } from './builders.ts';

/** A sealer to be tested. `close` runs once, after the last test. */
export interface SealerUnderTest {
  readonly sealer: Sealer;
  /** A sealer of the same kind under another key. */
  readonly stranger: Sealer;
  close(): Promise<void>;
}

/** Longer than any bearer that Docker Hub was seen to give, and within what KMS encrypts in one call (4,096 bytes). */
const MAX_PLAIN_BYTES = 4_000;

/** At most this many changes of one sealed text are tried: each may be a call to a real key service. */
const MAX_CHANGES = 48;

/** What the port Sealer promises, for any adapter. */
export function sealerContract(name: string, make: () => Promise<SealerUnderTest>): void {
  describe(`${name} keeps the contract of Sealer`, () => {
    let made: SealerUnderTest;
    let sealer: Sealer;
    const context = `session:${unique('target')}`;
    beforeAll(async () => {
      made = await make();
      sealer = made.sealer;
    });
    afterAll(() => made?.close());

    it('opens what it sealed', async () => {
      for (const plain of [
        'x',
        'a.b-c_d',
        'ünïcode ✓ \u{1f433}\n"',
        randomBytes(MAX_PLAIN_BYTES / 2).toString('hex'),
      ]) {
        expect(await sealer.open(await sealer.seal(plain, context), context)).toBe(plain);
      }
    });

    it('seals one text differently each time', async () => {
      const texts = await Promise.all(Array.from({ length: 8 }, () => sealer.seal('same', context)));
      expect(new Set(texts).size).toBe(8);
    });

    it('gives printable text that shows nothing of the plain text', async () => {
      const plain = unique('bearer-canary-0123456789');
      const sealed = await sealer.seal(plain, context);
      expect(sealed).toMatch(/^[\x21-\x7e]+$/);
      const bytes = [sealed, ...['base64', 'base64url', 'hex'].map((each) => decode(sealed, each as BufferEncoding))];
      for (const text of bytes) expect(text).not.toContain(plain);
      expect(sealed).not.toContain(Buffer.from(plain).toString('base64').slice(4, -4));
      expect(sealed).not.toContain(Buffer.from(plain).toString('hex'));
    });

    it('rejects another context', async () => {
      const sealed = await sealer.seal('plain', context);
      for (const other of [`${context}x`, context.slice(0, -1), context.toUpperCase(), `credential:${context}`]) {
        await expect(sealer.open(sealed, other)).rejects.toThrow();
      }
    });

    it('rejects a text whose context and plain text were moved against each other', async () => {
      await expect(sealer.open(await sealer.seal('b', 'a:a'), 'a:ab')).rejects.toThrow();
    });

    it('rejects what another key sealed', async () => {
      await expect(sealer.open(await made.stranger.seal('plain', context), context)).rejects.toThrow();
      await expect(made.stranger.open(await sealer.seal('plain', context), context)).rejects.toThrow();
    });

    it('rejects a text with any one character changed, the last included', async () => {
      const sealed = await sealer.seal('plain text of some length', context);
      const step = Math.max(1, Math.ceil(sealed.length / MAX_CHANGES));
      const places = new Set([sealed.length - 1, sealed.length - 2, sealed.length - 3]);
      for (let at = 0; at < sealed.length; at += step) places.add(at);
      for (const at of places) {
        const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
        await expect(sealer.open(changed, context), `changed at ${at} of ${sealed.length}`).rejects.toThrow();
      }
      // The last character of base64 may hold bits that decoding drops.
      for (const last of 'ABCQgw019-_='.replace(sealed.at(-1) as string, '')) {
        await expect(sealer.open(sealed.slice(0, -1) + last, context), `ends in ${last}`).rejects.toThrow();
      }
    });

    it('rejects a text that was cut, grown or never sealed', async () => {
      const sealed = await sealer.seal('plain', context);
      const texts = [
        sealed.slice(1),
        sealed.slice(0, -1),
        sealed.slice(0, 8),
        `${sealed}A`,
        ` ${sealed}`,
        `${sealed}\n`,
      ];
      for (const text of [...texts, sealed + sealed, '', 'A', '{}', 'plain', '✓', 'A'.repeat(10_000)]) {
        await expect(sealer.open(text, context), JSON.stringify(text.slice(0, 40))).rejects.toThrow();
      }
    });

    it('quotes neither the plain nor the sealed text when it rejects', async () => {
      const plain = unique('bearer-canary');
      const sealed = await sealer.seal(plain, context);
      const error = await sealer.open(sealed, 'session:other').catch((caught) => caught);
      expect(error).toBeInstanceOf(Error);
      const shown = `${error.stack} ${JSON.stringify(error)}`;
      expect(shown).not.toContain(plain);
      expect(shown).not.toContain(sealed);
    });
  });
}

function decode(text: string, encoding: BufferEncoding): string {
  return Buffer.from(text, encoding).toString('latin1');
}
