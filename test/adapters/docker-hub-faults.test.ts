import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { Agent, buildConnector } from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dockerHub } from '../../functions/adapters/docker-hub/docker-hub.ts';
import { hubDispatcher } from '../../functions/adapters/docker-hub/http.ts';
import type { TokenPlace } from '../../functions/core/ports/docker-hub.ts';
import { Canaries } from '../canary.ts';
import {
  HUB_DATE_MS,
  json,
  jwt,
  NOW_MS,
  SESSION,
  type SeenRequest,
  type StubAnswer,
  startStub,
  TOKEN_ID,
  text,
} from './docker-hub-stub.ts';

const FIRST_PAGE = { page: 1, pageSize: 100 };

type Stub = Awaited<ReturnType<typeof startStub>>;

const PAT: TokenPlace = { kind: 'pat' };
const CREDENTIAL = { username: 'acme-bot', password: 'correct horse' };
const ORDER = { label: 'l', expiresAtMs: NOW_MS, scope: 'repo:read' } as const;
const HUB_NOW_SECONDS = HUB_DATE_MS / 1_000;

/** Every call that sends a session or a credential. */
const CALLS: Readonly<Record<string, (stub: Stub) => Promise<unknown>>> = {
  login: ({ hub }) => hub.login(CREDENTIAL, 'auth-token', NOW_MS),
  list: ({ hub }) => hub.listTokens(SESSION, PAT, FIRST_PAGE),
  get: ({ hub }) => hub.getToken(SESSION, PAT, TOKEN_ID),
  delete: ({ hub }) => hub.deleteToken(SESSION, PAT, TOKEN_ID),
  create: ({ minter }) => minter.createToken(SESSION, PAT, ORDER),
};
const API_CALLS = Object.entries(CALLS).filter(([name]) => name !== 'login');

/** Answers that are none, with the fault each one is. */
const BROKEN: readonly (readonly [string, StubAnswer, string])[] = [
  ['a connection that ends before the answer', (response) => response.destroy(), 'connection'],
  ['bytes that are no HTTP', (response) => response.socket?.end('nonsense\r\n\r\n'), 'connection'],
  ['headers beyond all measure', json(200, {}, { 'x-much': 'x'.repeat(17_000) }), 'connection'],
  ['silence', () => {}, 'timeout'],
  ['a redirect', text(302, undefined, '', { location: '/v2/elsewhere' }), 'redirected'],
  ['500', json(500, { message: 'upstream says 401 unauthorized' }), 'server_error'],
  ['502 as a page', text(502, 'text/html', '<html>'), 'server_error'],
  ['503 as JSON', json(503, { detail: 'maintenance' }), 'server_error'],
  ['503 as a page', text(503, 'text/html', '<html>challenge'), 'edge'],
  ['403 as a page', text(403, 'text/html', '<html>challenge'), 'edge'],
  ['403 in plain text', text(403, 'text/plain', 'error code: 1010'), 'edge'],
  ['403 without a body', json(403), 'edge'],
  ['a page under 200', text(200, 'text/html', '<html>challenge'), 'edge'],
  ['400 in plain text', text(400, 'text/plain', 'bad'), 'malformed'],
  ['a refusal that does not parse', text(400, 'application/json', '{"text":'), 'malformed'],
];

/** Answers whose body is no good; a delete does not read it. */
const BROKEN_BODIES: readonly (readonly [string, StubAnswer, string])[] = [
  ['a body that ends early', cutShort, 'connection'],
  ['a body that never ends', startOnly, 'timeout'],
  ['a body that is no JSON', text(200, 'application/json', 'hello'), 'malformed'],
  ['a body that is no UTF-8', (response) => jsonBytes(response, Buffer.from('{"a":"\xff"}', 'latin1')), 'malformed'],
  ['a body that nests too deep', text(200, 'application/json', '['.repeat(40) + ']'.repeat(40)), 'malformed'],
  ['a body of another type', text(200, 'text/plain', '{}'), 'malformed'],
  ['a type that only looks like JSON', text(200, 'application/jsonp', '{}'), 'malformed'],
];

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(Object.entries(CALLS))('%s', (name, call) => {
  it.each(BROKEN)('answered with %s is a fault, and asked once', async (_, answer, code) => {
    const stub = await startStub([answer], { timeoutMs: code === 'timeout' ? 500 : 10_000 });
    expect(await call(stub)).toMatchObject({ ok: false, problem: { tag: 'fault', code } });
    await stub.dispatcher.close();
    expect(stub.requests).toHaveLength(1);
  });

  it.each(BROKEN_BODIES)('answered with %s is a fault where the body matters', async (_, answer, code) => {
    const stub = await startStub([answer], { timeoutMs: code === 'timeout' ? 500 : 10_000 });
    const expected = name === 'delete' ? { ok: true, value: { httpStatus: 200 } } : { problem: { tag: 'fault', code } };
    expect(await call(stub)).toMatchObject(expected);
    await stub.dispatcher.close();
    expect(stub.requests).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])('does not follow a %d to another origin', async (status) => {
    const elsewhere = await startStub([json(200, {})]);
    const stub = await startStub([text(status, undefined, '', { location: `${elsewhere.origin}/v2/auth/token` })]);
    expect(await call(stub)).toMatchObject({ ok: false, problem: { tag: 'fault', code: 'redirected' } });
    expect(elsewhere.requests).toEqual([]);
    expect(stub.requests).toHaveLength(1);
  });

  it('is a fault when nobody listens', async () => {
    const stub = await startStub([]);
    await new Promise((resolve) => stub.server.close(resolve));
    expect(await call(stub)).toMatchObject({ ok: false, problem: { tag: 'fault', code: 'connection' }, meta: {} });
  });

  it('is a fault when the dispatcher is closed', async () => {
    const stub = await startStub([]);
    await stub.dispatcher.close();
    expect(await call(stub)).toMatchObject({ ok: false, problem: { tag: 'fault', code: 'connection' } });
  });

  it('is never sent after its time, when the connection comes too late', async () => {
    const connect = buildConnector({});
    let connectNow: (() => void) | undefined;
    const dispatcher = new Agent({
      pipelining: 0,
      connect: (options, callback) => {
        connectNow = () => connect(options, callback);
      },
    });
    const stub = await startStub([json(500)], { dispatcher, timeoutMs: 100 });
    expect(await call(stub)).toMatchObject({ ok: false, problem: { tag: 'fault', code: 'timeout' } });
    const connected = new Promise((resolve) => stub.server.once('connection', resolve));
    connectNow?.();
    await connected;
    await dispatcher.close();
    expect(stub.requests).toEqual([]);
  });

  it('goes straight to its origin, whatever proxy the environment names', async () => {
    for (const variable of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY']) {
      vi.stubEnv(variable, 'http://127.0.0.1:9');
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    const stub = await startStub([json(410, {})]);
    expect(await call(stub)).toMatchObject({ ok: false, problem: { tag: 'invalid', fields: [] } });
    expect(stub.requests).toHaveLength(1);
  });

  it.each([408, 409, 425])('takes a %i, after which it may have happened, for no verdict', async (status) => {
    const stub = await startStub([json(status, { fields: { token_label: ['exists'] }, message: 'conflict' })]);
    expect(await call(stub)).toMatchObject({ ok: false, problem: { tag: 'fault', code: 'server_error' } });
    expect(stub.requests).toHaveLength(1);
  });
});

describe('the size of a body', () => {
  const page = (bytes: number) => {
    const bare = JSON.stringify({ count: 0, results: [], pad: '' }).length;
    return JSON.stringify({ count: 0, results: [], pad: 'x'.repeat(bytes - bare) });
  };
  const pieces =
    (body: string): StubAnswer =>
    (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      for (let at = 0; at < body.length; at += 8_192) response.write(body.slice(at, at + 8_192));
      response.end();
    };
  const TOO_LARGE = { ok: false, problem: { tag: 'fault', code: 'too_large' } };

  it('may be 1 MiB for a list and not a byte more, with or without a length', async () => {
    const stub = await startStub([
      text(200, 'application/json', page(1_048_576)),
      text(200, 'application/json', page(1_048_577)),
      pieces(page(1_048_577)),
    ]);
    expect(await CALLS.list?.(stub)).toMatchObject({ ok: true });
    expect(await CALLS.list?.(stub)).toMatchObject(TOO_LARGE);
    expect(await CALLS.list?.(stub)).toMatchObject(TOO_LARGE);
  });

  it.each(['login', 'get', 'create'])('may be 64 KiB for a %s and not a byte more', async (name) => {
    const stub = await startStub([
      text(200, 'application/json', page(65_536)),
      text(200, 'application/json', page(65_537)),
      text(400, 'application/json', page(65_537)),
    ]);
    expect(await CALLS[name]?.(stub)).toMatchObject({ problem: { code: 'malformed' } });
    expect(await CALLS[name]?.(stub)).toMatchObject(TOO_LARGE);
    expect(await CALLS[name]?.(stub)).toMatchObject(TOO_LARGE);
  });

  it('is not waited for once it is too large', async () => {
    const endless: StubAnswer = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(page(65_537));
    };
    const stub = await startStub([endless]);
    expect(await CALLS.get?.(stub)).toMatchObject(TOO_LARGE);
  });
});

describe('what nests', () => {
  it.each([
    ['32 levels', '['.repeat(31) + ']'.repeat(31), true],
    ['33 levels', '['.repeat(32) + ']'.repeat(32), false],
    ['any number of brackets in a text', JSON.stringify(`${'[{'.repeat(100)}"\\`), true],
    ['any number of brackets side by side', `[${'[],'.repeat(100)}{}]`, true],
    ['half a million levels', '['.repeat(500_000), false],
  ])('may be %s', async (_, inner, ok) => {
    const stub = await startStub([text(200, 'application/json', `{"count":0,"results":[],"x":${inner}}`)]);
    expect(await CALLS.list?.(stub)).toMatchObject({ ok });
  });
});

describe.each(API_CALLS)('a refused %s', (_, call) => {
  it.each([
    ['401', json(401, { detail: 'unauthorized' }), { tag: 'session_refused' }],
    ['401 without a body', json(401), { tag: 'session_refused' }],
    [
      '403 for the session of a personal access token',
      json(403, { message: 'token issued from personal access token is not allowed' }),
      { tag: 'access_token_session' },
    ],
    [
      '403 for the session of an organization access token',
      json(403, { detail: 'Token issued from organization access token is not allowed' }),
      { tag: 'access_token_session' },
    ],
    ['403 for anything else', json(403, { detail: 'access denied' }), { tag: 'forbidden' }],
    ['404', json(404, { message: 'not found' }), { tag: 'not_found' }],
    ['400', json(400, { fields: { label: ['too long'] } }), { tag: 'invalid', fields: ['label'] }],
    ['another 4xx', json(422, { detail: 'no' }), { tag: 'invalid', fields: [] }],
    ['JSON of another name', text(404, 'application/problem+json; charset=utf-8', '{}'), { tag: 'not_found' }],
  ] as const)('is known by %s', async (_, answer, problem) => {
    const stub = await startStub([answer]);
    expect(await call(stub)).toMatchObject({ ok: false, problem, meta: { hubDateMs: HUB_DATE_MS } });
    expect(stub.requests).toHaveLength(1);
  });
});

describe.each(API_CALLS.filter(([name]) => name !== 'create'))('a refused %s, which makes no token,', (_, call) => {
  it.each([
    ['the largest page', 400, { message: 'page_size exceeds the maximum' }, { tag: 'invalid', fields: [] }],
    ['a limit', 403, { message: 'limit reached' }, { tag: 'forbidden' }],
    ['a plan', 403, { message: 'not in your current plan' }, { tag: 'forbidden' }],
  ])('is not refused for the number of tokens where it speaks of %s', async (_, status, body, problem) => {
    const stub = await startStub([json(status, body)]);
    expect(await call(stub)).toMatchObject({ ok: false, problem });
  });
});

describe('the words of an error', () => {
  const SAYS = 'forbidden with a personal access token';

  it.each(API_CALLS)(
    'may fill the answer to a %s, and are judged at once',
    async (_, call) => {
      const stub = await startStub([json(403, { message: 'x '.repeat(32_000) })]);
      expect(await call(stub)).toMatchObject({ problem: { tag: 'forbidden' } });
    },
    5_000,
  );

  it('count as far as a sentence or two goes', async () => {
    const problemOf = async (pad: number) => {
      const stub = await startStub([json(403, { detail: ' '.repeat(pad - SAYS.length) + SAYS })]);
      return CALLS.list?.(stub);
    };
    expect(await problemOf(2_000)).toMatchObject({ problem: { tag: 'access_token_session' } });
    expect(await problemOf(2_001)).toMatchObject({ problem: { tag: 'forbidden' } });
  });
});

describe('when Docker Hub may be asked again', () => {
  it.each([
    ['seconds', { 'retry-after': '30' }, 30_000],
    ['no seconds', { 'retry-after': '0' }, 0],
    ['a date, as far off as it is by Docker Hub’s clock', { 'retry-after': 'Mon, 02 Nov 2026 12:01:30 GMT' }, 60_000],
    ['a date that has passed', { 'retry-after': 'Mon, 02 Nov 2026 11:00:00 GMT' }, 0],
    ['unix time', { 'retry-after': String(HUB_NOW_SECONDS + 45) }, 45_000],
    ['unix time in the older header', { 'x-retry-after': String(HUB_NOW_SECONDS + 20) }, 20_000],
    [
      'both, of which the newer one counts',
      { 'retry-after': '5', 'x-retry-after': String(HUB_NOW_SECONDS + 20) },
      5_000,
    ],
    ['the end of the rate limit', { 'x-ratelimit-reset': String(HUB_NOW_SECONDS + 12) }, 12_000],
    [
      'a wait before the end of the rate limit',
      { 'retry-after': '3', 'x-ratelimit-reset': String(HUB_NOW_SECONDS + 12) },
      3_000,
    ],
    ['a day, which is not believed', { 'retry-after': '86400' }, 900_000],
    ['a year, which is not believed', { 'x-retry-after': String(HUB_NOW_SECONDS + 31_536_000) }, 900_000],
    ['nonsense', { 'retry-after': 'soon', 'x-retry-after': '-5', 'x-ratelimit-reset': '1e9' }, 60_000],
    ['nothing', {}, 60_000],
  ])('is known from %s', async (_, headers, waitMs) => {
    const throttled = { ok: false, problem: { tag: 'throttled', retryAtMs: NOW_MS + waitMs } };
    const stub = await startStub([
      json(429, { detail: 'Rate limit exceeded', error: false }, headers),
      json(429, undefined, headers),
      text(429, 'text/html', '<html>', headers),
      text(429, 'application/json', '{', headers),
    ]);
    for (let attempt = 0; attempt < 4; attempt++) expect(await CALLS.get?.(stub)).toMatchObject(throttled);
  });

  it('is by our clock when the answer has no date of its own', async () => {
    const undated: StubAnswer = (response) => {
      response.sendDate = false;
      response.writeHead(429, { 'retry-after': 'Mon, 02 Nov 2026 12:01:30 GMT' });
      response.end();
    };
    const stub = await startStub([undated]);
    expect(await CALLS.get?.(stub)).toEqual({
      ok: false,
      problem: { tag: 'throttled', retryAtMs: NOW_MS + 90_000 },
      meta: { httpStatus: 429 },
    });
  });
});

describe('what stands on an answer', () => {
  const headers = { 'x-ratelimit-limit': '180', 'x-ratelimit-remaining': '17', 'x-ratelimit-reset': '1793620890' };
  const meta = { hubDateMs: HUB_DATE_MS, rateLimit: 180, rateRemaining: 17, rateResetAtMs: 1_793_620_890_000 };

  it.each([
    ['success', json(200, { count: 0, results: [] }, headers)],
    ['refusal', json(401, {}, headers)],
    ['throttling', json(429, {}, headers)],
    ['redirect', text(302, undefined, '', headers)],
    ['challenge', text(403, 'text/html', '<html>', headers)],
    ['outage', text(503, undefined, '', headers)],
    ['nonsense', text(200, 'application/json', '{', headers)],
    ['too much', text(200, 'application/json', ' '.repeat(1_048_577), headers)],
  ])('is read whatever it says: %s', async (_, answer) => {
    const stub = await startStub([answer]);
    expect(await CALLS.list?.(stub)).toMatchObject({ meta });
  });

  it.each([
    [{ 'x-ratelimit-limit': '0' }],
    [{ 'x-ratelimit-limit': '180;w=60' }],
    [{ 'x-ratelimit-remaining': '-1', 'x-ratelimit-reset': 'never' }],
    [{ 'x-ratelimit-remaining': '1.5', 'x-ratelimit-reset': '60' }],
    [{ 'x-ratelimit-remaining': '', 'x-ratelimit-reset': '99999999999999' }],
  ])('is left out when it makes no sense: %j', async (odd) => {
    const stub = await startStub([json(200, { count: 0, results: [] }, odd)]);
    expect(await CALLS.list?.(stub)).toMatchObject({ ok: true, meta: { hubDateMs: HUB_DATE_MS } });
    expect((await startAndList(odd)) as { meta: object }).toHaveProperty('meta', {
      hubDateMs: HUB_DATE_MS,
      httpStatus: 200,
      isJson: true,
    });
  });

  async function startAndList(odd: Record<string, string>): Promise<unknown> {
    return CALLS.list?.(await startStub([json(200, { count: 0, results: [] }, odd)]));
  }
});

describe('the address of Docker Hub', () => {
  const open = (origin?: string) => () => {
    const dispatcher = hubDispatcher();
    dockerHub({
      ...(origin === undefined ? {} : { origin }),
      timeoutMs: 1,
      userAgent: 'x',
      nowMs: () => 0,
      dispatcher,
    });
  };

  it.each([
    undefined,
    'https://hub.docker.com',
    'https://hub.docker.com/',
    'http://127.0.0.1:8080',
    'http://localhost:1',
  ])('may be %s', (origin) => {
    expect(open(origin)).not.toThrow();
  });

  it.each([
    'http://hub.docker.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'ftp://127.0.0.1',
    'https://hub.docker.com/v2',
    'https://hub.docker.com/?x=1',
    'https://hub.docker.com#x',
    'https://user:hunter2canary@hub.docker.com',
    'hunter2canary',
    '',
  ])('may not be %s, and is not quoted', (origin) => {
    expect(open(origin)).toThrow('must be an https origin');
    try {
      open(origin)();
    } catch (error) {
      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('hunter2canary');
    }
  });
});

describe('secrets', () => {
  const SECRETS = {
    password: 'hunter2/canary+p@ss word"é',
    totpSecret: 'CANARYCANARYCANARYCANARY',
    badTotpSecret: 'canary!not-base32?',
    bearer: jwt({ exp: HUB_NOW_SECONDS + 60, canary: 'session' }),
    ticket: 'ticket-canary.0123456789.abcdef',
    token: 'dckr_pat_canaryCanaryCanary0123456789',
  };
  const order = { ...ORDER, label: 'canary label' };
  const session = { ...SESSION, bearer: SECRETS.bearer };

  /** Runs every call with secrets, the one with an unusable TOTP secret and the one with an unusable bearer included. */
  const runs: Readonly<Record<string, (stub: Stub) => Promise<unknown>>> = {
    'auth-token': ({ hub }) => hub.login({ username: 'u', ...SECRETS }, 'auth-token', NOW_MS),
    'users-login': ({ hub }) => hub.login({ username: 'u', ...SECRETS }, 'users-login', NOW_MS),
    'users-login with a bad TOTP secret': ({ hub }) =>
      hub.login(
        { username: 'u', password: SECRETS.password, totpSecret: SECRETS.badTotpSecret },
        'users-login',
        NOW_MS,
      ),
    list: ({ hub }) => hub.listTokens(session, PAT, FIRST_PAGE),
    get: ({ hub }) => hub.getToken(session, PAT, TOKEN_ID),
    delete: ({ hub }) => hub.deleteToken(session, PAT, TOKEN_ID),
    create: ({ minter }) => minter.createToken(session, PAT, order),
    'a token in place of its id': ({ hub }) => hub.deleteToken(session, PAT, SECRETS.token),
    'a password in place of an organization': ({ hub }) =>
      hub.listTokens(session, { kind: 'oat', organization: SECRETS.password }, FIRST_PAGE),
    'a bearer that is no header': ({ hub }) =>
      hub.listTokens({ ...session, bearer: `${SECRETS.bearer}\n` }, PAT, FIRST_PAGE),
  };

  /** Answers that fail, and hold all that the request held and a token besides. */
  const echo = (request: SeenRequest) => ({ ...request, ...SECRETS, detail: request.body, message: SECRETS.token });
  const echoed =
    (status: number, contentType = 'application/json', end = ''): StubAnswer =>
    (response, request) => {
      response.writeHead(status, { 'content-type': contentType, location: `/?t=${encodeURIComponent(SECRETS.token)}` });
      response.end(JSON.stringify({ fields: { [SECRETS.token]: [1] }, text: 'x', ...echo(request) }) + end);
    };
  const failures: readonly (readonly [string, StubAnswer])[] = [
    ...[302, 307, 400, 401, 403, 404, 409, 429, 500, 503].map((status) => [`${status}`, echoed(status)] as const),
    ...[200, 201, 401, 403, 404, 503].map((status) => [`${status} page`, echoed(status, 'text/html')] as const),
    ...[200, 201, 400, 401].map((status) => [`${status} text`, echoed(status, 'text/plain')] as const),
    ...[200, 201, 400, 401].map(
      (status) => [`${status} cut`, echoed(status, 'application/json', SECRETS.token)] as const,
    ),
    [
      'created, with an id and a token that are none',
      json(201, { uuid: SECRETS.password, token: `${SECRETS.token} `, results: [SECRETS] }),
    ],
    ['second factor asked for', json(401, { detail: SECRETS.password, login_2fa_token: SECRETS.ticket })],
    ...BROKEN.filter(([, , code]) => code === 'connection' || code === 'timeout').map(
      ([name, answer]) => [name, answer] as const,
    ),
    ['a body that ends early', cutShort],
    ['a body that never ends', startOnly],
    ['a session that is none', json(200, { access_token: `${SECRETS.bearer}\r\n`, token: `${SECRETS.bearer}\r\n` })],
  ];

  const canaries = new Canaries();
  for (const [name, secret] of Object.entries(SECRETS)) canaries.plant(name, secret);

  it.each(failures)('are in no reply and no error: %s', async (_, failure) => {
    for (const [name, run] of Object.entries(runs)) {
      const stub = await startStub([failure, failure], { timeoutMs: 200 });
      const outcome = await run(stub).then(
        (reply) => ({ reply }),
        (error: unknown) => ({ error }),
      );
      if ('reply' in outcome && (outcome.reply as { ok: boolean }).ok) {
        // Only a delete can succeed here, and says nothing but the status.
        expect(name).toBe('delete');
      }
      const shown = [
        inspect(outcome, { depth: null, showHidden: true, maxStringLength: null }),
        JSON.stringify(outcome),
        'error' in outcome ? String((outcome.error as Error).stack) : '',
      ].join('\n');
      expect(canaries.seenIn(shown), name).toEqual([]);
    }
  });
});

function cutShort(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('{"count":', () => response.destroy());
}

function startOnly(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('{"count":');
}

function jsonBytes(response: ServerResponse, bytes: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(bytes);
}
