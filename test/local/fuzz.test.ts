import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Canaries } from '../canary.ts';
import {
  ACCOUNT,
  CI_ARN,
  type Edition,
  lease,
  openEdition,
  type ProfileName,
  START_LIMIT_MS,
  setUp,
} from './harness.ts';
import { sign } from './signing.ts';

const REQUESTS = 500;
/** The same requests every time, so that a failure is the change's and not the day's. */
const SEED = 20_261_121;

/** With characters that JSON, URLs and base64 each write in another way, so that every form of it differs. */
const PASSWORD = 'Canary"pass/word+42=ö';
const TOTP_SECRET = 'CANARYCANARYCANARYCANARY234567AB';
let edition: Edition;
/** What was sent, and what the edition gave out itself: tokens, with their mint's own answer as the only place. */
const canaries = new Canaries();
canaries.plant('password', PASSWORD);
canaries.plant('TOTP secret', TOTP_SECRET);

beforeAll(async () => {
  edition = await openEdition({
    flags: ['--log-level', 'info'],
    hub: {
      accounts: [ACCOUNT, { username: 'canary', password: PASSWORD, totpSecret: TOTP_SECRET }],
      // Wrong passwords are part of the game here, and a lockout would answer for hublease.
      loginFailureLimit: Number.MAX_SAFE_INTEGER,
    },
  });
  await setUp(edition);
  const credential = { username: 'canary', password: PASSWORD, totpSecret: TOTP_SECRET };
  await edition.admin.call('putTarget', { name: 'canary', body: { kind: 'user', credential } });
  for (const client of [edition.ci, edition.ci])
    canaries.plant('token', (await lease(client, '1m')).credential.password);
  for (const { secretAccessKey } of Object.values(edition.profiles)) canaries.plant('signing key', secretAccessKey);
  return () => edition.close();
}, START_LIMIT_MS);

/** An answer may hold the token that it is about: once. */
function leaks(text: string | Buffer, except?: string): readonly string[] {
  return canaries.seenIn(typeof text === 'string' && except !== undefined ? text.replace(except, '') : text);
}

interface Malformed {
  readonly profile: ProfileName;
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string | string[]>;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Signs what it is given, however odd, and sends those very bytes. */
async function sendSigned({ profile, method, path, query, headers, body }: Malformed): Promise<Reply> {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const draft = { method, path, query, headers: { ...headers, 'x-amz-content-sha256': sha256 } };
  const wire = await sign(edition.profiles[profile], draft, Date.now());
  return new Promise((resolve, reject) => {
    const req = request({
      host: '127.0.0.1',
      port: edition.port,
      agent: false,
      method,
      path: wire.query === '' ? path : `${path}?${wire.query}`,
      headers: [...wire.headers, ['content-length', String(body.length)]].flat(),
    });
    req.on('error', reject);
    req.on('response', (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        const head = JSON.stringify([res.statusMessage, res.rawHeaders]);
        resolve({ status: res.statusCode ?? 0, text: `${head}\n${Buffer.concat(chunks)}` });
      });
      res.on('error', reject);
    });
    req.end(body);
  });
}

const LEASE_ID = '01K9ZC3V7M8Q2R4T6W8Y0A1B2C';
const CREDENTIAL = { username: 'canary', password: PASSWORD, totpSecret: TOTP_SECRET };
const TARGET = { kind: 'user', credential: CREDENTIAL, description: 'one', tags: { team: 'a' } };
const SECRET = { target: 'acme-bot', scope: 'repo:read', defaultTtl: '1m', maxTtl: '1m', allow: [CI_ARN], tags: {} };
const MINT = { ttl: '5s', label: 'build', reason: 'fuzz' };

/** Routes with a body that would do; names that exist and names that do not. */
const routes = fc
  .oneof(
    fc.record({
      method: fc.constant('PUT'),
      path: fc.constantFrom('targets/acme-bot', 'targets/fuzz/t'),
      body: fc.constant(TARGET),
    }),
    fc.record({
      method: fc.constant('PUT'),
      path: fc.constantFrom('secrets/fuzz/s', 'secrets/fuzz'),
      body: fc.constant(SECRET),
    }),
    fc.record({
      method: fc.constantFrom('GET', 'DELETE', 'POST'),
      path: fc.constantFrom('targets', 'targets/nothing', 'secrets', 'secrets/fuzz/s'),
      body: fc.constant({}),
    }),
  )
  .map(({ path, ...rest }) => ({ ...rest, path: `/v1/admin/${path}`, profile: 'hublease-admin' as const }));
const callerRoutes = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE'),
  path: fc
    .constantFrom('lease/ci/release', 'lease/nothing', 'leases', `leases/${LEASE_ID}`, 'whoami', 'openapi.json', '')
    .map((path) => `/v1/${path}`),
  body: fc.constant(MINT),
  profile: fc.constantFrom<ProfileName>('hublease-ci', 'hublease-other', 'hublease-admin'),
});
const mints = fc.record({
  method: fc.constant('POST'),
  path: fc.constant('/v1/lease/ci/release'),
  body: fc.constant(MINT),
  profile: fc.constant<ProfileName>('hublease-ci'),
});

/** A part of a path that no name is, or that tries to be more than one. */
const oddSegment = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '',
    '%2e%2e',
    '%2F',
    '%00',
    'A',
    '__proto__',
    'constructor',
    '-',
    '%',
    '%zz',
    '*',
    '{name+}',
    ';a=b',
  ),
  fc.constant('x'.repeat(300)),
  fc.constant(encodeURIComponent(PASSWORD)),
  fc.string({ maxLength: 12 }).map(encodeURIComponent),
);

const NAMES = [
  'limit',
  'nextToken',
  'status',
  'secret',
  'prefix',
  'target',
  'force',
  'verify',
  '__proto__',
  'toString',
];
const oddValue = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    '101',
    'true',
    'null',
    'ci/release',
    '../..',
    '\u0000',
    PASSWORD,
    'x'.repeat(2_000),
  ),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);
const query = fc.dictionary(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...NAMES) },
    { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 8 }) },
  ),
  fc.oneof(oddValue, fc.array(oddValue, { minLength: 2, maxLength: 3 })),
  { minKeys: 1, maxKeys: 3, noNullPrototype: true },
);

/** JSON that no field expects there; never a plain text, which some fields take. */
const oddJson = fc.oneof(
  fc.constantFrom(
    null,
    true,
    -1,
    1.5,
    1e21,
    [],
    {},
    [[]],
    { a: { b: {} } },
    '',
    ' ',
    '\u0000',
    '\u2028',
    'x'.repeat(4_000),
  ),
  fc.array(fc.jsonValue(), { maxLength: 4 }),
  fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
);

/** Ways to spoil a body; each makes one that no route takes. */
function spoiled(body: object): fc.Arbitrary<Buffer> {
  const text = JSON.stringify(body);
  const fields = Object.keys(body);
  const field = fields.length === 0 ? fc.constant('a') : fc.constantFrom(...fields);
  const inside = (extra: string) => `{${extra}${text === '{}' ? '}' : `,${text.slice(1)}`}`;
  const texts = fc.oneof(
    // An unknown field besides, with a name or a value that must not come back.
    fc
      .tuple(fc.constantFrom('unknown', 'Password', '__proto__', 'constructor', PASSWORD), fc.jsonValue())
      .map(([name, value]) => inside(`${JSON.stringify(name)}:${JSON.stringify(value) ?? 'null'}`)),
    fc.constant(inside(`"unknown":${JSON.stringify(CREDENTIAL)}`)),
    // One field of a wrong type, beside an unknown one so that no lucky value makes the whole pass.
    fc.tuple(field, oddJson).map(([name, value]) => JSON.stringify({ ...body, [name]: value, unknown: PASSWORD })),
    // Said twice.
    field.map((name) => inside(`${JSON.stringify(name)}:${JSON.stringify(PASSWORD)}`)),
    // No JSON, or broken within a secret.
    fc.integer({ min: 1, max: text.length - 1 }).map((end) => text.slice(0, end)),
    fc.integer({ min: 0, max: text.length - 1 }).map((at) => `${text.slice(0, at)}\u0001${text.slice(at)}`),
    fc.constantFrom(
      `{"password":${PASSWORD}}`,
      `${PASSWORD}`,
      `{"credential":{"password":"${PASSWORD}`,
      `[${text}]`,
      `${text}${text}`,
    ),
    // Deep, and large.
    fc.integer({ min: 9, max: 3_000 }).map((depth) => `{"credential":${'['.repeat(depth)}${']'.repeat(depth)}}`),
    fc.integer({ min: 9, max: 3_000 }).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
    fc.integer({ min: 16_384, max: 80_000 }).map((bytes) => inside(`"description":"${'x'.repeat(bytes)}"`)),
    fc
      .jsonValue()
      .filter((value) => typeof value !== 'object' || value === null)
      .map((value) => JSON.stringify(value)),
  );
  return fc.oneof(
    { weight: 8, arbitrary: texts.map((each) => Buffer.from(each)) },
    // Bytes that are not UTF-8, within a text that would pass as Latin-1.
    {
      weight: 1,
      arbitrary: fc.integer({ min: 0, max: text.length }).map((at) => spliced(text, at, [0xff, 0xc3, 0x28])),
    },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from([0x7b, ...bytes])),
    },
  );
}

function spliced(text: string, at: number, bytes: readonly number[]): Buffer {
  const whole = Buffer.from(text);
  return Buffer.concat([whole.subarray(0, at), Buffer.from(bytes), whole.subarray(at)]);
}

const headers = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ 'content-type': 'application/json' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Record<string, string>>(
      {},
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json; charset=utf-16' },
      { 'content-type': `application/json; password=${encodeURIComponent(PASSWORD)}` },
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      { 'content-type': 'application/json', 'x-amz-security-token': TOTP_SECRET },
      { 'content-type': 'application/json', 'x-http-method-override': 'DELETE', 'x-forwarded-for': '::1' },
      { 'content-type': 'application/json', 'idempotency-key': TOTP_SECRET },
      { 'content-type': 'application/json', 'user-agent': `${TOTP_SECRET} ${'y'.repeat(6_000)}` },
      { 'content-type': 'application/json', range: 'bytes=0-1', 'if-none-match': '*', te: 'trailers' },
    ),
  },
);

/** A request that is wrong in its path, its query, its body, or in all of them. */
const malformed: fc.Arbitrary<Malformed> = fc
  .oneof({ weight: 3, arbitrary: routes }, { weight: 1, arbitrary: callerRoutes }, { weight: 2, arbitrary: mints })
  .chain(({ method, path, profile, body }) => {
    const intact = { profile: fc.constant<ProfileName>(profile), method: fc.constant(method), headers };
    const whole = { path: fc.constant(path), query: fc.constant({}), body: spoiled(body) };
    const valid = fc.constant(Buffer.from(method === 'GET' ? '' : JSON.stringify({ ...body, unknown: PASSWORD })));
    return fc.oneof(
      { weight: 4, arbitrary: fc.record({ ...intact, ...whole }) },
      { weight: 1, arbitrary: fc.record({ ...intact, ...whole, query }) },
      {
        weight: 1,
        arbitrary: fc.record({
          ...intact,
          ...whole,
          body: valid,
          path: oddSegment.map((segment) => `${path}/${segment}`),
        }),
      },
      { weight: 1, arbitrary: fc.record({ ...intact, ...whole, body: valid, query }) },
    );
  });

describe('500 malformed requests', () => {
  const statuses = new Map<number, number>();

  it('are each refused or answered, never with a 5xx, and never with a secret', async () => {
    await fc.assert(
      fc.asyncProperty(malformed, async (each) => {
        const { status, text } = await sendSigned(each);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect(status, text).toBeLessThan(500);
        const token = /"(dckr_pat_[\w-]+)"/.exec(text)?.[1];
        expect(leaks(text, token)).toEqual([]);
        if (token !== undefined) canaries.plant('token', token);
      }),
      { numRuns: REQUESTS, seed: SEED },
    );
  });

  it('came past the signature, and met what reads paths, queries and bodies', () => {
    const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBe(REQUESTS);
    expect(statuses.get(400) ?? 0).toBeGreaterThan(REQUESTS / 2);
    expect(statuses.get(403) ?? 0).toBeLessThan(REQUESTS / 10);
  });

  it('would not pass with bytes that are no UTF-8 in a password, as something like it', async () => {
    const text = JSON.stringify({ kind: 'user', credential: { username: 'canary', password: PASSWORD } });
    const { status, text: answer } = await sendSigned({
      profile: 'hublease-admin',
      method: 'PUT',
      path: '/v1/admin/targets/fuzz/bytes',
      query: {},
      headers: { 'content-type': 'application/json' },
      body: spliced(text, text.indexOf('Canary'), [0xff]),
    });
    expect(status).toBe(400);
    expect(answer).toContain('body: expected UTF-8.');
  });

  it('left the edition in order', async () => {
    const minted = await lease(edition.ci, '1m');
    canaries.plant('token', minted.credential.password);
    expect(minted.lease.status).toBe('active');
    const { body } = await edition.admin.call('getTarget', { name: 'acme-bot' });
    expect(body.target).toMatchObject({ username: 'acme-bot', status: 'ready' });
  });

  it('left no secret in the log, the audit log or the database, in no form that a secret takes', async () => {
    const lines = edition.log().trim().split('\n');
    expect(lines.length).toBeGreaterThan(REQUESTS / 2);
    expect(leaks(edition.log())).toEqual([]);
    const kept = (name: string) => /^(audit|hublease\.sqlite)/.test(name);
    const look = () => {
      const files = readdirSync(edition.dataFolder).filter(kept);
      for (const name of files) expect(leaks(readFileSync(join(edition.dataFolder, name))), name).toEqual([]);
      return files;
    };
    // While it runs, the write-ahead log included, and what is left of both when it has ended.
    expect(look()).toEqual(expect.arrayContaining(['audit.jsonl', 'hublease.sqlite', 'hublease.sqlite-wal']));
    await edition.end('SIGTERM');
    expect(look()).toEqual(expect.arrayContaining(['audit.jsonl', 'hublease.sqlite']));
    expect(leaks(edition.log())).toEqual([]);
  });
});
