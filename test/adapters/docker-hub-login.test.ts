import { describe, expect, it } from 'vitest';
import { HUB_DATE_MS, json, jwt, NOW_MS, type StubAnswer, startStub, text } from './docker-hub-stub.ts';

const CREDENTIAL = { username: 'Acme-Bot', password: 'correct horse' };
/** The key of RFC 6238, appendix B, in base32: at 59 s its six-digit code is 287082. */
const TOTP_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const WITH_TOTP = { ...CREDENTIAL, totpSecret: TOTP_SECRET };
const HUB_NOW_SECONDS = HUB_DATE_MS / 1_000;
const BEARER = jwt({ exp: HUB_NOW_SECONDS + 600, 'https://hub.docker.com': { username: 'acme-bot' } });
const TICKET = json(401, {
  detail: 'Require secondary authentication on MFA enabled account',
  login_2fa_token: 'ticket.for.two',
});
const LOCKED_OUT = 'toomanyrequests: too many failed login attempts for username or IP address';

describe('the auth-token route', () => {
  it('sends identifier and secret, and returns the session that its claims describe', async () => {
    const { hub, requests } = await startStub([json(200, { access_token: BEARER })]);
    expect(await hub.login(CREDENTIAL, 'auth-token', NOW_MS)).toEqual({
      ok: true,
      value: { account: 'acme-bot', bearer: BEARER, expiresAtMs: NOW_MS + 600_000 },
      meta: { hubDateMs: HUB_DATE_MS, httpStatus: 200, isJson: true },
    });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', url: '/v2/auth/token' });
    expect(requests[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'hublease/0.0.0-test',
    });
    expect(requests[0]?.headers.authorization).toBeUndefined();
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ identifier: 'Acme-Bot', secret: 'correct horse' });
  });

  it('says that a second factor is needed when the answer hints at one, for it has no second step', async () => {
    const { hub, requests } = await startStub([TICKET]);
    expect(await hub.login(WITH_TOTP, 'auth-token', NOW_MS)).toMatchObject({
      problem: { tag: 'second_factor_needed' },
    });
    expect(requests).toHaveLength(1);
  });
});

describe('the users-login route', () => {
  it('sends username and password', async () => {
    const { hub, requests } = await startStub([json(200, { token: BEARER })]);
    expect(await hub.login(CREDENTIAL, 'users-login', NOW_MS)).toMatchObject({ ok: true, value: { bearer: BEARER } });
    expect(requests[0]?.url).toBe('/v2/users/login');
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({ username: 'Acme-Bot', password: 'correct horse' });
  });

  it('answers the second factor with a code for the given time', async () => {
    const { hub, requests } = await startStub([TICKET, json(200, { token: BEARER })]);
    expect(await hub.login(WITH_TOTP, 'users-login', 59_000)).toMatchObject({ ok: true, value: { bearer: BEARER } });
    expect(requests.map(({ url }) => url)).toEqual(['/v2/users/login', '/v2/users/2fa-login']);
    expect(JSON.parse(requests[1]?.body ?? '')).toEqual({ login_2fa_token: 'ticket.for.two', code: '287082' });
  });

  it.each([200, 202, 400, 403])('takes the ticket for the second step under %i', async (status) => {
    const { hub, requests } = await startStub([
      json(status, { login_2fa_token: 'ticket.for.two' }),
      json(200, { token: BEARER }),
    ]);
    expect(await hub.login(WITH_TOTP, 'users-login', NOW_MS)).toMatchObject({ ok: true, value: { bearer: BEARER } });
    expect(JSON.parse(requests[1]?.body ?? '')).toMatchObject({ login_2fa_token: 'ticket.for.two' });
  });

  it.each([
    ['a session beside it', json(200, { token: BEARER, login_2fa_token: 'ticket' }), { ok: true }],
    ['a session of the other route', json(200, { access_token: BEARER, login_2fa_token: 'ticket' }), { ok: false }],
    ['no text', json(401, { login_2fa_token: 5 }), { problem: { tag: 'credential_refused' } }],
    ['nothing in it', json(401, { login_2fa_token: '' }), { problem: { tag: 'credential_refused' } }],
  ])('takes no ticket with %s', async (_, answer, expected) => {
    const { hub, requests } = await startStub([answer]);
    expect(await hub.login(WITH_TOTP, 'users-login', NOW_MS)).toMatchObject(expected);
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['is missing', undefined],
    ['is empty', ' '],
    ['is no base32', 'not base32 at all!'],
  ])('says that a second factor is needed when the TOTP secret %s', async (_, totpSecret) => {
    const { hub, requests } = await startStub([TICKET]);
    const credential = totpSecret === undefined ? CREDENTIAL : { ...CREDENTIAL, totpSecret };
    expect(await hub.login(credential, 'users-login', NOW_MS)).toMatchObject({
      problem: { tag: 'second_factor_needed' },
    });
    expect(requests).toHaveLength(1);
  });

  it('says that the credential was refused when the code is', async () => {
    const { hub, requests } = await startStub([TICKET, json(401, { detail: 'Incorrect authentication credentials' })]);
    expect(await hub.login(WITH_TOTP, 'users-login', NOW_MS)).toMatchObject({ problem: { tag: 'credential_refused' } });
    expect(requests).toHaveLength(2);
  });

  it('gives both steps together no more time than one call has', async () => {
    const late: StubAnswer = (response, request) => setTimeout(() => TICKET(response, request), 1_500);
    const { hub, requests } = await startStub([late, () => {}], { timeoutMs: 3_000 });
    const startedAtMs = performance.now();
    expect(await hub.login(WITH_TOTP, 'users-login', NOW_MS)).toMatchObject({
      problem: { tag: 'fault', code: 'timeout' },
    });
    // Were the second step given as much again, it would be 4.5 s.
    expect(performance.now() - startedAtMs).toBeLessThan(4_400);
    expect(requests).toHaveLength(2);
  });
});

describe.each(['auth-token', 'users-login'] as const)('what any login means (%s)', (route) => {
  const sessionWith = (bearer: unknown) => json(200, { access_token: bearer, token: bearer });

  it.each([
    ['401 as JSON', json(401, { detail: 'Incorrect authentication credentials' }), { tag: 'credential_refused' }],
    ['401 without a body', json(401), { tag: 'credential_refused' }],
    ['401 written by a proxy', text(401, 'text/html', '<html>'), { tag: 'fault', code: 'edge' }],
    ['401 in plain text', text(401, 'text/plain', 'no'), { tag: 'fault', code: 'malformed' }],
    ['the edge', text(403, 'text/plain', 'error code: 1010'), { tag: 'fault', code: 'edge' }],
    ['a captcha', json(400, { recaptcha_response: ['required'] }), { tag: 'fault', code: 'edge' }],
    ['a challenge page', text(403, 'text/html', '<html>'), { tag: 'fault', code: 'edge' }],
    ['a challenge page under 200', text(200, 'text/html', '<html>'), { tag: 'fault', code: 'edge' }],
    [
      'a passing fault that is told as 401',
      json(401, { detail: 'Failed to generate login session. Please try again later.' }),
      { tag: 'fault', code: 'server_error' },
    ],
    [
      '401 that asks for a later try',
      json(401, { message: 'Try again later' }),
      { tag: 'fault', code: 'server_error' },
    ],
    ['403 as JSON', json(403, { detail: 'no' }), { tag: 'forbidden' }],
    ['403 that names a limit', json(403, { detail: 'limit of your plan' }), { tag: 'forbidden' }],
    ['404 as JSON', json(404, {}), { tag: 'not_found' }],
    ['429', json(429, { detail: 'Rate limit exceeded' }), { tag: 'throttled', retryAtMs: NOW_MS + 60_000 }],
    ['429 with a wait', json(429, {}, { 'retry-after': '7' }), { tag: 'throttled', retryAtMs: NOW_MS + 7_000 }],
    ['lockout as 429', json(429, { detail: LOCKED_OUT }), { tag: 'throttled', retryAtMs: NOW_MS + 600_000 }],
    ['lockout as 401', json(401, { message: LOCKED_OUT }), { tag: 'throttled', retryAtMs: NOW_MS + 600_000 }],
    ['lockout as 403', json(403, { detail: LOCKED_OUT }), { tag: 'throttled', retryAtMs: NOW_MS + 600_000 }],
    [
      'lockout with a rate limit that ends before it',
      json(429, { detail: LOCKED_OUT }, { 'x-ratelimit-reset': String(HUB_NOW_SECONDS + 5) }),
      { tag: 'throttled', retryAtMs: NOW_MS + 600_000 },
    ],
    [
      'lockout with its own wait',
      json(429, { detail: LOCKED_OUT }, { 'retry-after': '700' }),
      { tag: 'throttled', retryAtMs: NOW_MS + 700_000 },
    ],
    ['500 that quotes a 401', json(500, { message: 'upstream: 401' }), { tag: 'fault', code: 'server_error' }],
    ['no token', json(200, {}), { tag: 'fault', code: 'malformed' }],
    ['a token that is no text', sessionWith(5), { tag: 'fault', code: 'malformed' }],
    ['an empty token', sessionWith(''), { tag: 'fault', code: 'malformed' }],
    ['a token that would split a header', sessionWith('a.b.c\r\nx-y: z'), { tag: 'fault', code: 'malformed' }],
    ['a token beyond all measure', sessionWith('a'.repeat(9_000)), { tag: 'fault', code: 'malformed' }],
    ['200 that is no JSON', text(200, 'text/plain', 'hello'), { tag: 'fault', code: 'malformed' }],
  ] as const)('%s', async (_, answer, problem) => {
    const { hub, requests } = await startStub([answer]);
    expect(await hub.login(WITH_TOTP, route, NOW_MS)).toMatchObject({ ok: false, problem });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['ends when exp says, by our clock', { exp: HUB_NOW_SECONDS + 300 }, NOW_MS + 300_000],
    ['is never believed to live longer than an hour', { exp: HUB_NOW_SECONDS + 30 * 86_400 }, NOW_MS + 3_600_000],
    ['is at its end when exp has passed', { exp: 1 }, NOW_MS],
    ['lives ten minutes when exp is missing', {}, NOW_MS + 600_000],
    ['lives ten minutes when exp is no number', { exp: '9999999999' }, NOW_MS + 600_000],
    ['lives ten minutes when the claims are no object', 'text', NOW_MS + 600_000],
  ])('a session %s', async (_, claims, expiresAtMs) => {
    const { hub } = await startStub([sessionWith(jwt(claims))]);
    expect(await hub.login(CREDENTIAL, route, NOW_MS)).toMatchObject({ ok: true, value: { expiresAtMs } });
  });

  it('counts a session from before the login when Docker Hub does not tell the time', async () => {
    const clock = [NOW_MS, NOW_MS + 9_000];
    const bearer = jwt({ exp: NOW_MS / 1_000 + 300 });
    const undated: StubAnswer = (response) => {
      response.sendDate = false;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ access_token: bearer, token: bearer }));
    };
    const { hub } = await startStub([undated], { nowMs: () => clock.shift() ?? NOW_MS });
    expect(await hub.login(CREDENTIAL, route, NOW_MS)).toMatchObject({
      ok: true,
      value: { expiresAtMs: NOW_MS + 300_000 },
      meta: {},
    });
  });

  it.each([
    [
      'is the claimed user name in lower case',
      jwt({ 'https://hub.docker.com': { username: 'Other-Bot' } }),
      'other-bot',
    ],
    ['is the identifier when the claim is missing', jwt({}), 'acme-bot'],
    [
      'is the identifier when the claim is no name',
      jwt({ 'https://hub.docker.com': { username: '../x' } }),
      'acme-bot',
    ],
    ['is the identifier when the claim is no object', jwt({ 'https://hub.docker.com': 'acme' }), 'acme-bot'],
    ['is the identifier when the session is no JWT', 'opaque-session', 'acme-bot'],
    [
      'is the identifier when the claims nest without end',
      `a.${Buffer.from('['.repeat(3_000)).toString('base64url')}.c`,
      'acme-bot',
    ],
  ])('the account %s', async (_, bearer, account) => {
    const { hub } = await startStub([sessionWith(bearer)]);
    expect(await hub.login(CREDENTIAL, route, NOW_MS)).toMatchObject({ ok: true, value: { account } });
  });
});
