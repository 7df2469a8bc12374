import { describe, expect, it } from 'vitest';
import { Canaries } from './canary.ts';

const PASSWORD = 'cA+n"a/r& a password\'s own öne+2/Y?z';
const TOKEN = 'dckr_pat_X7-qv_Zp2Lm9Ka4Rt8W-fake';
const CLAIMS = Buffer.from('{"sub":"acme-bot","jti":"0f0e0d0c-1b2a-4938-8756-a5b4c3d2e1f0","exp":1}').toString(
  'base64url',
);
const SESSION = `eyJhbGciOiJIUzI1NiJ9.${CLAIMS}.q8Zr-1Xw_Lk3Vb7Nm5Tc9Yd2Ju4Hs6Gf0Ea`;
const KEY = Buffer.from('00ff10ab7781c2d9e4f35a6b0c1d2e3f40516273849a5bc6d7e8f9012a3b4c5d', 'hex');
const SIGNING_KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKE';

const SECRETS = { password: PASSWORD, token: TOKEN, session: SESSION, key: KEY, 'signing key': SIGNING_KEY };

function planted(): Canaries {
  const canaries = new Canaries();
  for (const [name, secret] of Object.entries(SECRETS)) canaries.plant(name, secret);
  return canaries;
}

const named = (seen: readonly string[]) => [...new Set(seen.map((each) => each.split(',')[0]))];
const lowerHex = (text: string) => text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());

/** Ways to write a text, each of which somebody has once logged. */
const WRITINGS: readonly (readonly [string, (text: string) => string | Buffer])[] = [
  ['as it is', (text) => text],
  ['in lower case', (text) => text.toLowerCase()],
  ['in JSON', (text) => JSON.stringify({ text })],
  ['in JSON within JSON', (text) => JSON.stringify({ text: JSON.stringify({ text }) })],
  ['URL-encoded', (text) => `?password=${encodeURIComponent(text)}&x=1`],
  ['URL-encoded with small hex', (text) => `?password=${lowerHex(encodeURIComponent(text))}&x=1`],
  ['as a whole address', (text) => encodeURI(`https://example.com/${text}`)],
  ['as a form', (text) => new URLSearchParams({ text }).toString()],
  ['in hex', (text) => Buffer.from(text).toString('hex')],
  ['in upper hex', (text) => Buffer.from(text).toString('hex').toUpperCase()],
  ['as UTF-8 read as Latin-1', (text) => Buffer.from(text).toString('latin1')],
  ['in UTF-16', (text) => Buffer.from(text, 'utf16le')],
  ['among bytes', (text) => Buffer.concat([Buffer.from([0, 0xff, 0xc3]), Buffer.from(text), Buffer.from([0xfe, 0])])],
];
const BASE64 = (['base64', 'base64url'] as const).flatMap((alphabet) =>
  ['', 'a', 'ab', 'abc'].map(
    (before) =>
      [
        `in ${alphabet} behind ${before.length} bytes`,
        (bytes: Buffer) => Buffer.concat([Buffer.from(before), bytes, Buffer.from('and more')]).toString(alphabet),
      ] as const,
  ),
);

describe('a planted secret is seen', () => {
  const canaries = planted();
  const texts = Object.entries(SECRETS).flatMap(([name, secret]) =>
    typeof secret === 'string' ? [[name, secret] as const] : [],
  );

  it.each(WRITINGS)('%s', (_, write) => {
    for (const [name, secret] of texts) expect(named(canaries.seenIn(write(secret)))).toContain(name);
  });

  it.each(BASE64)('%s', (_, write) => {
    for (const [name, secret] of Object.entries(SECRETS)) {
      expect(named(canaries.seenIn(`some ${write(Buffer.from(secret))} more`))).toContain(name);
    }
  });

  it('by its first eight characters, and its last', () => {
    for (const secret of [PASSWORD, SIGNING_KEY, TOKEN.slice('dckr_pat_'.length)]) {
      for (const part of [secret.slice(0, 8), secret.slice(-8)]) {
        for (const [, write] of WRITINGS) expect(canaries.seenIn(write(part))).not.toEqual([]);
        for (const [, write] of BASE64) expect(canaries.seenIn(write(Buffer.from(part)))).not.toEqual([]);
      }
    }
  });

  it('as the bytes of a key, in any writing of them', () => {
    for (const text of [KEY, KEY.toString('hex'), KEY.toString('base64'), KEY.toString('base64url')]) {
      expect(named(canaries.seenIn(text))).toEqual(['key']);
    }
  });

  it('by the claims of a session alone, and by its signature', () => {
    for (const part of SESSION.split('.').slice(1)) expect(named(canaries.seenIn(`"${part}"`))).toEqual(['session']);
  });
});

describe('what is no secret is not taken for one', () => {
  it.each([
    ['an answer', '{"lease":{"id":"01K9ZC3V7M8Q2R4T6W8Y0A1B2C","caller":"arn:aws:iam::111122223333:role/ci"}}'],
    ['another token of the kind', 'dckr_pat_000000000000000000000-fake'],
    [
      'another session',
      `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"sub":"other","exp":2}').toString('base64url')}.AAAAAAAAAAAA`,
    ],
    ['seven characters', PASSWORD.slice(0, 7)],
    ['nothing', ''],
  ])('%s', (_, text) => {
    expect(planted().seenIn(text)).toEqual([]);
  });

  it('nor may a secret be so short that chance would write it', () => {
    expect(() => new Canaries().plant('a pin', '1234567')).toThrow('too short');
  });
});
