import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuery, verifySignature } from '../../local/front-door/sigv4.ts';
import { arrived, type Draft, sign, type Wire, withHeader } from './signing.ts';

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const NOW_MS = Date.parse('2026-11-21T09:30:00Z');
const DRAFT: Draft = {
  method: 'POST',
  path: '/v1/lease/ci/release',
  query: { limit: '5', status: 'active' },
  headers: { 'content-type': 'application/json', 'x-amz-meta': 'a' },
  body: '{"ttl":"15m"}',
};

type Published = [
  test: string,
  method: string,
  path: string,
  query: string,
  signature: string,
  headers?: [name: string, value: string][],
  body?: string,
];

/** The session token of the test suite. */
const PUBLISHED_TOKEN =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==';

/**
 * Requests and signatures of the AWS Signature Version 4 test suite (AWS General Reference). Key, date and scope are the
 * same throughout: AKIDEXAMPLE, 2015-08-30T12:36:00Z, us-east-1, a service named "service".
 */
const PUBLISHED: readonly Published[] = [
  ['get-vanilla', 'GET', '/', '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['post-vanilla', 'POST', '/', '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'get-vanilla-empty-query-key',
    'GET',
    '/',
    'Param1=value1',
    'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  ],
  [
    'get-vanilla-query-order-key',
    'GET',
    '/',
    'Param1=value2&Param1=Value1',
    'eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1',
  ],
  [
    'get-vanilla-query-order-key-case',
    'GET',
    '/',
    'Param2=value2&Param1=value1',
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'get-vanilla-query-order-value',
    'GET',
    '/',
    'Param1=value2&Param1=value1',
    '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
  ],
  [
    'get-vanilla-query-unreserved',
    'GET',
    '/',
    '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  ],
  ['get-vanilla-utf8-query', 'GET', '/', 'ሴ=bar', '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04'],
  ['get-utf8', 'GET', '/ሴ', '', '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
  ['get-space', 'GET', '/example space/', '', '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741'],
  [
    'get-unreserved',
    'GET',
    '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    '',
    '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  ],
  ['get-slash', 'GET', '//', '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['get-slash-dot-slash', 'GET', '/./', '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-slash-pointless-dot',
    'GET',
    '/./example',
    '',
    'ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5',
  ],
  ['get-slashes', 'GET', '//example//', '', '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84'],
  ['get-relative', 'GET', '/example/..', '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-relative-relative',
    'GET',
    '/example1/example2/../..',
    '',
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  ],
  [
    'get-header-key-duplicate',
    'GET',
    '/',
    '',
    'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
    [
      ['My-Header1', 'value2'],
      ['My-Header1', 'value2'],
      ['My-Header1', 'value1'],
    ],
  ],
  [
    'get-header-value-trim',
    'GET',
    '/',
    '',
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    [
      ['My-Header1', ' value1'],
      ['My-Header2', ' "a   b   c"'],
    ],
  ],
  [
    'post-header-value-case',
    'POST',
    '/',
    '',
    'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
    [['My-Header1', 'VALUE1']],
  ],
  [
    'post-x-www-form-urlencoded',
    'POST',
    '/',
    '',
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    [['Content-Type', 'application/x-www-form-urlencoded']],
    'Param1=value1',
  ],
  ['get-vanilla-query', 'GET', '/', '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-header-value-order',
    'GET',
    '/',
    '',
    '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
    [
      ['My-Header1', 'value4'],
      ['My-Header1', 'value1'],
      ['My-Header1', 'value3'],
      ['My-Header1', 'value2'],
    ],
  ],
  // Its one header is folded over three lines in the suite. Nobody may send that any more, and Node's parser reads it as these values.
  [
    'get-header-value-multiline',
    'GET',
    '/',
    '',
    'ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790',
    [
      ['My-Header1', 'value1'],
      ['My-Header1', 'value2'],
      ['My-Header1', 'value3'],
    ],
  ],
  ['post-header-key-case', 'POST', '/', '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  [
    'post-header-key-sort',
    'POST',
    '/',
    '',
    'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
    [['My-Header1', 'value1']],
  ],
  [
    'post-sts-header-before',
    'POST',
    '/',
    '',
    '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
    [['X-Amz-Security-Token', PUBLISHED_TOKEN]],
  ],
  [
    'post-vanilla-empty-query-value',
    'POST',
    '/',
    'Param1=value1',
    '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  ],
  [
    'post-vanilla-query',
    'POST',
    '/',
    'Param1=value1',
    '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  ],
  [
    'post-x-www-form-urlencoded-parameters',
    'POST',
    '/',
    '',
    '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe',
    [['Content-Type', 'application/x-www-form-urlencoded; charset=utf8']],
    'Param1=value1',
  ],
];

describe('the signature check', () => {
  it.each<Published>([...PUBLISHED])(
    'accepts %s of the published test suite',
    (_, method, path, query, signature, extra = [], body = '') => {
      const names = [...new Set(['host', 'x-amz-date', ...extra.map(([name]) => name.toLowerCase())])].sort().join(';');
      const wire: Wire = {
        method,
        path,
        query,
        headers: [
          ['Host', 'example.amazonaws.com'],
          ['X-Amz-Date', '20150830T123600Z'],
          ...extra,
          [
            'Authorization',
            `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${names}, Signature=${signature}`,
          ],
        ],
        body,
      };
      const scope = { region: 'us-east-1', service: 'service' };
      const signedAtMs = Date.parse('2015-08-30T12:36:00Z');
      expect(verifySignature(arrived(wire, KEYS, signedAtMs), scope)).toEqual({
        ok: true,
        accessKeyId: 'AKIDEXAMPLE',
        signedAtMs,
      });
    },
  );

  it('accepts what the JavaScript SDK signs, with and without its body hash header', async () => {
    for (const applyChecksum of [true, false]) {
      const wire = await sign(KEYS, DRAFT, NOW_MS, { applyChecksum });
      expect(verifySignature(arrived(wire, KEYS, NOW_MS))).toEqual({
        ok: true,
        accessKeyId: 'AKIDEXAMPLE',
        signedAtMs: NOW_MS,
      });
    }
  });

  it('accepts every path, query, header and body that the JavaScript SDK can sign', async () => {
    const segment = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 8 }).map(encodeURIComponent);
    const text = fc.string({ unit: 'grapheme', maxLength: 8 });
    const drafts = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
      path: fc.array(segment, { maxLength: 4 }).map((segments) => `/v1/${segments.join('/')}`),
      query: fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), fc.oneof(text, fc.array(text, { minLength: 1 }))),
      body: text,
    });
    await fc.assert(
      fc.asyncProperty(drafts, async (draft) => {
        const names = Object.keys(draft.query);
        fc.pre(!names.some((name) => /^x-amz-/i.test(name)));
        const wire = await sign(KEYS, draft, NOW_MS);
        expect(verifySignature(arrived(wire, KEYS, NOW_MS))).toMatchObject({ ok: true });
      }),
    );
  });

  it('accepts a signed Date header where there is no X-Amz-Date', () => {
    // Signature made by botocore, which keeps to Date when the caller set it.
    const wire: Wire = {
      method: 'GET',
      path: '/v1/leases',
      query: '',
      headers: [
        ['Host', '127.0.0.1'],
        ['Date', 'Sat, 21 Nov 2026 09:30:00 -0000'],
        [
          'Authorization',
          'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/execute-api/aws4_request, SignedHeaders=date;host, Signature=e8d7cb2ce9936d20ffc094ae7203690d35b8ec178802c786b73c0f8a633e78cb',
        ],
      ],
      body: '',
    };
    expect(verifySignature(arrived(wire, KEYS, NOW_MS))).toMatchObject({ ok: true });
    const elsewhen = withHeader(wire, 'Date', 'Sat, 21 Nov 2026 09:31:00 GMT');
    expect(verifySignature(arrived(elsewhen, KEYS, NOW_MS))).toEqual({ ok: false, reason: 'signature_mismatch' });
  });

  it('ignores a session token that is signed, and refuses one that is not', async () => {
    const signed = await sign({ ...KEYS, sessionToken: 'token' }, DRAFT, NOW_MS);
    expect(verifySignature(arrived(signed, KEYS, NOW_MS))).toMatchObject({ ok: true });
    const added = withHeader(await sign(KEYS, DRAFT, NOW_MS), 'X-Amz-Security-Token', 'token');
    expect(verifySignature(arrived(added, KEYS, NOW_MS))).toEqual({
      ok: false,
      reason: 'header_not_signed',
      header: 'x-amz-security-token',
    });
  });

  it.each([
    ['five minutes old', -300_000, { ok: true, accessKeyId: 'AKIDEXAMPLE', signedAtMs: NOW_MS - 300_000 }],
    [
      'five minutes and a second old',
      -301_000,
      { ok: false, reason: 'expired', signedAtMs: NOW_MS - 301_000, nowMs: NOW_MS },
    ],
    ['five minutes ahead', 300_000, { ok: true, accessKeyId: 'AKIDEXAMPLE', signedAtMs: NOW_MS + 300_000 }],
    [
      'five minutes and a second ahead',
      301_000,
      { ok: false, reason: 'not_yet_current', signedAtMs: NOW_MS + 301_000, nowMs: NOW_MS },
    ],
  ])('judges a signature %s by our clock', async (_, offsetMs, verdict) => {
    const wire = await sign(KEYS, DRAFT, NOW_MS + offsetMs);
    expect(verifySignature(arrived(wire, KEYS, NOW_MS))).toEqual(verdict);
  });

  it.each<[string, (wire: Wire) => Wire, object]>([
    ['without authorization', (w) => withHeader(w, 'authorization'), { reason: 'missing_authentication' }],
    [
      'with another scheme',
      (w) => withHeader(w, 'authorization', 'Bearer abc'),
      { reason: 'malformed', problem: expect.stringContaining('AWS4-HMAC-SHA256') },
    ],
    [
      'whose authorization came twice',
      (w) => ({ ...w, headers: [...w.headers, ['Authorization', 'AWS4-HMAC-SHA256 x']] }),
      { reason: 'duplicate_header', header: 'authorization' },
    ],
    [
      'whose host came twice',
      (w) => ({ ...w, headers: [...w.headers, ['Host', '127.0.0.1']] }),
      { reason: 'duplicate_header', header: 'host' },
    ],
    [
      'whose date came twice',
      (w) => ({ ...w, headers: [...w.headers, ['X-AMZ-DATE', '20261121T093000Z']] }),
      { reason: 'duplicate_header', header: 'x-amz-date' },
    ],
    ['without a date', (w) => withHeader(w, 'x-amz-date'), { reason: 'malformed', problem: expect.any(String) }],
    [
      'dated on the 31st of November',
      (w) => withHeader(w, 'x-amz-date', '20261131T093000Z'),
      { reason: 'malformed', problem: expect.any(String) },
    ],
    [
      'dated in a form that only a lenient parser reads',
      (w) => withHeader(w, 'x-amz-date', '2026-11-21 09:30'),
      { reason: 'malformed', problem: expect.any(String) },
    ],
    [
      'with its date moved a second',
      (w) => withHeader(w, 'x-amz-date', '20261121T093001Z'),
      { reason: 'signature_mismatch' },
    ],
    [
      'with an x-amz header added',
      (w) => withHeader(w, 'x-amz-extra', '1'),
      { reason: 'header_not_signed', header: 'x-amz-extra' },
    ],
    ['with a signed header changed', (w) => withHeader(w, 'x-amz-meta', 'b'), { reason: 'signature_mismatch' }],
    [
      'with a signed header gone',
      (w) => withHeader(w, 'content-type'),
      { reason: 'malformed', problem: expect.stringContaining('did not arrive') },
    ],
    ['to another host', (w) => withHeader(w, 'host', 'localhost'), { reason: 'signature_mismatch' }],
    ['of another method', (w) => ({ ...w, method: 'PUT' }), { reason: 'signature_mismatch' }],
    ['to another path', (w) => ({ ...w, path: '/v1/lease/ci/other' }), { reason: 'signature_mismatch' }],
    ['to the same path, encoded', (w) => ({ ...w, path: '/v1/lease/%63i/release' }), { reason: 'signature_mismatch' }],
    ['with a changed query', (w) => ({ ...w, query: 'limit=6&status=active' }), { reason: 'signature_mismatch' }],
    ['with an added parameter', (w) => ({ ...w, query: `${w.query}&force` }), { reason: 'signature_mismatch' }],
    ['without its query', (w) => ({ ...w, query: '' }), { reason: 'signature_mismatch' }],
    [
      'with a query that is not URL-encoded',
      (w) => ({ ...w, query: 'limit=%ff' }),
      { reason: 'malformed', problem: expect.stringContaining('query') },
    ],
    [
      'that is a presigned URL',
      (w) => ({ ...w, query: 'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00' }),
      { reason: 'presigned_unsupported' },
    ],
    ['with a changed body', (w) => ({ ...w, body: '{"ttl":"99h"}' }), { reason: 'body_hash_mismatch' }],
    [
      'that says its payload is unsigned',
      (w) => withHeader(w, 'x-amz-content-sha256', 'UNSIGNED-PAYLOAD'),
      { reason: 'unsigned_payload' },
    ],
    [
      'with an upper-case signature',
      (w) => mapAuthorization(w, (text) => text.replace(/Signature=.*/, (part) => part.toUpperCase())),
      { reason: 'malformed', problem: expect.any(String) },
    ],
    [
      'whose SignedHeaders are not sorted',
      (w) => mapAuthorization(w, (text) => text.replace(/SignedHeaders=([^,]*)/, 'SignedHeaders=x-amz-date;host')),
      { reason: 'malformed', problem: expect.any(String) },
    ],
    [
      'whose SignedHeaders lack the host',
      (w) => mapAuthorization(w, (text) => text.replace('host;', '')),
      { reason: 'header_not_signed', header: 'host' },
    ],
    [
      'scoped to another day',
      (w) => mapAuthorization(w, (text) => text.replace('/20261121/', '/20261120/')),
      { reason: 'bad_scope', expected: '20261121/us-east-1/execute-api/aws4_request' },
    ],
    [
      'of an unknown key',
      (w) => mapAuthorization(w, (text) => text.replace('AKIDEXAMPLE', 'AKIDSTRANGER')),
      { reason: 'unknown_key' },
    ],
    [
      'of a key named like a property of objects',
      (w) => mapAuthorization(w, (text) => text.replace('AKIDEXAMPLE', '__proto__')),
      { reason: 'unknown_key' },
    ],
  ])('refuses a request %s', async (_, tamper, refusal) => {
    const wire = tamper(await sign(KEYS, DRAFT, NOW_MS));
    expect(verifySignature(arrived(wire, KEYS, NOW_MS))).toEqual({ ok: false, ...refusal });
  });

  it('refuses a request of which any one character is another, is gone or stands there twice', async () => {
    const wire = await sign(KEYS, DRAFT, NOW_MS);
    const variants = tampered(wire);
    expect(variants.length).toBeGreaterThan(1_000);
    for (const variant of variants) {
      expect(verifySignature(arrived(variant, KEYS, NOW_MS)), JSON.stringify(variant)).toMatchObject({ ok: false });
    }
    expect(verifySignature(arrived(wire, KEYS, NOW_MS))).toMatchObject({ ok: true });
  });

  it('refuses a request of which any two headers have changed their values', async () => {
    const wire = await sign(KEYS, DRAFT, NOW_MS);
    for (const [one, [name, value]] of wire.headers.entries()) {
      for (const [otherName, otherValue] of wire.headers.slice(one + 1)) {
        if (value === otherValue) continue;
        const variant = withHeader(withHeader(wire, name, otherValue), otherName, value);
        expect(verifySignature(arrived(variant, KEYS, NOW_MS)), `${name} ${otherName}`).toMatchObject({ ok: false });
      }
    }
  });

  it('refuses a changed body of a client that sends no body hash', async () => {
    const wire = await sign(KEYS, DRAFT, NOW_MS, { applyChecksum: false });
    const changed = { ...wire, body: '{"ttl":"99h"}' };
    expect(verifySignature(arrived(changed, KEYS, NOW_MS))).toEqual({ ok: false, reason: 'signature_mismatch' });
  });

  it.each([
    ['another region', { region: 'eu-central-1' }],
    ['another service', { service: 's3' }],
  ])('refuses a signature for %s', async (_, scope) => {
    const wire = await sign(KEYS, DRAFT, NOW_MS, scope);
    expect(verifySignature(arrived(wire, KEYS, NOW_MS))).toMatchObject({ ok: false, reason: 'bad_scope' });
  });

  it('refuses a signature made with another secret', async () => {
    const wire = await sign({ ...KEYS, secretAccessKey: 'x'.repeat(40) }, DRAFT, NOW_MS);
    expect(verifySignature(arrived(wire, KEYS, NOW_MS))).toEqual({ ok: false, reason: 'signature_mismatch' });
  });

  it('gives a verdict on anything at all, and never an acceptance', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    const headers = fc.array(
      fc.tuple(fc.oneof(fc.constantFrom('authorization', 'host', 'x-amz-date', 'date', '__proto__'), text), text),
    );
    fc.assert(
      fc.property(text, text, text, headers, text, (method, path, query, pairs, body) => {
        const verdict = verifySignature(arrived({ method, path, query, headers: pairs, body }, KEYS, NOW_MS));
        expect(verdict.ok).toBe(false);
      }),
    );
  });
});

describe('reading a query', () => {
  it('keeps order, repetition, empty values and plus signs', () => {
    expect(parseQuery('b=2&a=1&a=%20x&flag&c=1=2&&d=a+b')).toEqual([
      ['b', '2'],
      ['a', '1'],
      ['a', ' x'],
      ['flag', ''],
      ['c', '1=2'],
      ['d', 'a+b'],
    ]);
    expect(parseQuery('')).toEqual([]);
  });

  it('does not read what is not URL-encoded UTF-8', () => {
    expect(parseQuery('a=%')).toBeUndefined();
    expect(parseQuery('%c3=1')).toBeUndefined();
  });
});

function mapAuthorization(wire: Wire, change: (text: string) => string): Wire {
  const value = wire.headers.find(([name]) => name === 'authorization')?.[1] ?? '';
  return withHeader(wire, 'authorization', change(value));
}

/**
 * Every request that differs from this one in one character of a part. What means the same is left out: a slash or an ampersand that
 * stands twice, the first slash, which no request can be without, and the spaces of the authorization.
 */
function tampered(wire: Wire): Wire[] {
  const parts: [text: string, put: (text: string) => Wire][] = [
    [wire.method, (method) => ({ ...wire, method })],
    [wire.path.slice(1), (path) => ({ ...wire, path: `/${path}` })],
    [wire.query, (query) => ({ ...wire, query })],
    [wire.body, (body) => ({ ...wire, body })],
    ...wire.headers.flatMap(([name, value], index): typeof parts => {
      const put = (header: [string, string]) => ({ ...wire, headers: wire.headers.with(index, header) });
      return [
        [name, (other) => put([other, value])],
        [value, (other) => put([name, other])],
      ];
    }),
  ];
  return parts.flatMap(([text, put]) =>
    [...text].flatMap((sign, at) => {
      const [before, after] = [text.slice(0, at), text.slice(at + 1)];
      if (sign === ' ') return [put(`${before}_${after}`)];
      const twice = sign === '/' || sign === '&' ? [] : [put(`${before}${sign}${sign}${after}`)];
      return [put(`${before}${sign === 'x' ? 'y' : 'x'}${after}`), put(`${before}${after}`), ...twice];
    }),
  );
}
