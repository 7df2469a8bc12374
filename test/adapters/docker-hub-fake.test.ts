import { describe, expect, it, onTestFinished } from 'vitest';
import { type FakeFault, type FakeHubOptions, startFakeHub } from '../../fake-hub/server.ts';
import { tokenMinter } from '../../functions/adapters/docker-hub/create.ts';
import { dockerHub } from '../../functions/adapters/docker-hub/docker-hub.ts';
import { hubDispatcher } from '../../functions/adapters/docker-hub/http.ts';
import type { LoginRoute } from '../../functions/core/model/target.ts';
import type { HubReply, HubSession, TokenPlace } from '../../functions/core/ports/docker-hub.ts';
import { NOW_MS } from './docker-hub-stub.ts';

const FIRST_PAGE = { page: 1, pageSize: 100 };

const PLAIN = { username: 'acme-bot', password: 'correct horse' };
const WITH_TOTP = { username: 'careful', password: 'battery staple', totpSecret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' };
const PAT: TokenPlace = { kind: 'pat' };
const OAT: TokenPlace = { kind: 'oat', organization: 'acme' };
const ORDER = { label: 'release', expiresAtMs: NOW_MS + 900_000, scope: 'repo:write' } as const;
const OAT_ORDER = {
  label: 'pull',
  expiresAtMs: NOW_MS + 900_000,
  resources: [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }],
} as const;

/** Starts the fake and the adapter before it, on one clock that stands still. */
async function start(options: Partial<FakeHubOptions> = {}) {
  const fake = await startFakeHub({
    accounts: [PLAIN, WITH_TOTP],
    organizations: [{ name: 'acme', owners: ['acme-bot'], repositories: ['app'] }],
    nowMs: () => NOW_MS,
    loginFailureLimit: 3,
    ...options,
  });
  const dispatcher = hubDispatcher();
  onTestFinished(async () => {
    await dispatcher.destroy();
    await fake.close();
  });
  const settings = {
    origin: fake.url,
    timeoutMs: 10_000,
    userAgent: 'hublease/0.0.0-test',
    nowMs: () => NOW_MS,
    dispatcher,
  };
  return { control: fake.control, hub: dockerHub(settings), minter: tokenMinter(settings) };
}

async function startWithSession(options: Partial<FakeHubOptions> = {}) {
  const world = await start(options);
  return { ...world, session: value(await world.hub.login(PLAIN, 'auth-token', NOW_MS)) };
}

function value<T>(reply: HubReply<T>): T {
  if (!reply.ok) throw new Error(`the call failed with ${reply.problem.tag}`);
  return reply.value;
}

describe('logging in to the fake', () => {
  it.each([
    ['auth-token', 600_000],
    ['users-login', 3_600_000],
  ] as const)('works on %s', async (route, lifeMs) => {
    const { hub } = await start();
    const session = value(await hub.login({ ...PLAIN, username: 'ACME-Bot' }, route, NOW_MS));
    expect(session).toMatchObject({ account: 'acme-bot', expiresAtMs: NOW_MS + lifeMs });
    expect(value(await hub.listTokens(session, PAT, FIRST_PAGE)).total).toBe(0);
  });

  it('works with a second factor on users-login', async () => {
    const { hub } = await start();
    expect(value(await hub.login(WITH_TOTP, 'users-login', NOW_MS)).account).toBe('careful');
  });

  it('is refused with a wrong password, and locked after a few', async () => {
    const { hub } = await start();
    const wrong = { ...PLAIN, password: 'wrong' };
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await hub.login(wrong, 'auth-token', NOW_MS)).toMatchObject({ problem: { tag: 'credential_refused' } });
    }
    expect(await hub.login(PLAIN, 'auth-token', NOW_MS)).toMatchObject({
      problem: { tag: 'throttled', retryAtMs: NOW_MS + 600_000 },
    });
  });

  it('is at the fake’s clock in what it says of the time, and at ours in what it says of a session', async () => {
    const { hub } = await start({ clockOffsetMs: 45_000 });
    expect((await hub.readDate()).meta.hubDateMs).toBe(NOW_MS + 45_000);
    expect(value(await hub.login(PLAIN, 'auth-token', NOW_MS)).expiresAtMs).toBe(NOW_MS + 600_000);
  });
});

describe.each([
  ['a personal token', PAT, ORDER],
  ['an organization token', OAT, OAT_ORDER],
] as const)('%s at the fake', (_, place, order) => {
  it('is created, read, listed, deleted and then gone', async () => {
    const { hub, minter, session, control } = await startWithSession();
    const { tokenId, token, ...echo } = value(await minter.createToken(session, place, order));
    expect(echo).toEqual({ label: order.label, expiresAtMs: order.expiresAtMs });
    expect(token).toMatch(new RegExp(`^dckr_${place.kind}_`));
    const expected = {
      tokenId,
      label: order.label,
      createdAtMs: NOW_MS,
      isActive: true,
      expiresAtMs: NOW_MS + 900_000,
      lastUsedAtMs: null,
      ...(place.kind === 'pat' ? { creatorUserAgent: 'hublease/0.0.0-test' } : { createdBy: 'acme-bot' }),
    };
    expect(value(await hub.getToken(session, place, tokenId))).toEqual(expected);
    expect(value(await hub.listTokens(session, place, FIRST_PAGE))).toEqual({
      tokens: [expected],
      total: 1,
      more: false,
    });
    expect(control.tokens()).toMatchObject([{ id: tokenId, creatorUserAgent: 'hublease/0.0.0-test', live: true }]);

    expect(value(await hub.deleteToken(session, place, tokenId))).toEqual({ httpStatus: 204 });
    expect(await hub.deleteToken(session, place, tokenId)).toMatchObject({ problem: { tag: 'not_found' } });
    expect(await hub.getToken(session, place, tokenId)).toMatchObject({ problem: { tag: 'not_found' } });
    expect(value(await hub.listTokens(session, place, FIRST_PAGE)).tokens).toEqual([]);
  });

  it('may be deleted with 202', async () => {
    const { hub, minter, session } = await startWithSession({ deleteStatus: 202 });
    const { tokenId } = value(await minter.createToken(session, place, order));
    expect(value(await hub.deleteToken(session, place, tokenId))).toEqual({ httpStatus: 202 });
  });

  it('is refused by its expiry when that is too fine', async () => {
    const { minter, session, control } = await startWithSession({ expiryGranularity: 'hour' });
    expect(await minter.createToken(session, place, order)).toMatchObject({
      problem: { tag: 'invalid', fields: ['expires_at'] },
    });
    expect(control.tokens()).toEqual([]);
  });

  it('needs a session that still lives', async () => {
    const { minter, session, control } = await startWithSession();
    control.endSessions();
    expect(await minter.createToken(session, place, order)).toMatchObject({ problem: { tag: 'session_refused' } });
  });

  it('cannot be made by the session of another token', async () => {
    const { hub, minter, session } = await startWithSession();
    const { token } = value(await minter.createToken(session, PAT, ORDER));
    const born: HubSession = value(await hub.login({ ...PLAIN, password: token }, 'auth-token', NOW_MS));
    expect(await minter.createToken(born, place, order)).toMatchObject({ problem: { tag: 'access_token_session' } });
  });
});

it('lists page by page until no further one is named, also where pages are shorter than asked for', async () => {
  const { hub, session, control } = await startWithSession({ maxPageSize: 10 });
  for (let count = 0; count < 25; count++) {
    control.createForeignToken({ account: 'acme-bot', kind: 'pat', label: `other ${count}` });
  }
  const pages = [];
  for (let page = 1; page <= 3; page++) pages.push(value(await hub.listTokens(session, PAT, { page, pageSize: 100 })));
  expect(pages.map(({ tokens, total, more }) => [tokens.length, total, more])).toEqual([
    [10, 25, true],
    [10, 25, true],
    [5, 25, false],
  ]);
  expect(new Set(pages.flatMap(({ tokens }) => tokens.map(({ tokenId }) => tokenId))).size).toBe(25);
});

it.each(['empty', 'absent'] as const)('reads a token without expiry where it is %s', async (noTimeForm) => {
  const { hub, session, control } = await startWithSession({ noTimeForm });
  const { id } = control.createForeignToken({ account: 'acme-bot', kind: 'pat', label: 'other' });
  expect(value(await hub.getToken(session, PAT, id)).expiresAtMs).toBeNull();
});

it('keeps another organization’s tokens apart', async () => {
  const { hub, session } = await startWithSession();
  const reply = await hub.listTokens(session, { kind: 'oat', organization: 'elsewhere' }, FIRST_PAGE);
  expect(reply.ok ? 'ok' : reply.problem.tag).toMatch(/^(not_found|forbidden)$/);
});

it('reads how many more requests are taken', async () => {
  const { hub } = await start({ rateLimitPerMinute: 2 });
  const reply = await hub.login(PLAIN, 'auth-token', NOW_MS);
  expect(reply.meta.rateRemaining).toBe(1);
  expect(reply.meta.rateResetAtMs).toBeGreaterThan(NOW_MS);
});

it.each(['seconds', 'http-date', 'unix-time'] as const)('waits as long as it is told in %s', async (retryAfterForm) => {
  const { hub, session, control } = await startWithSession({ retryAfterForm, clockOffsetMs: 45_000 });
  control.setFaults([{ route: 'pat-list', kind: 'throttle', retryAfterSeconds: 90 }]);
  expect(await hub.listTokens(session, PAT, FIRST_PAGE)).toMatchObject({
    problem: { tag: 'throttled', retryAtMs: NOW_MS + 90_000 },
  });
});

describe('a create that goes wrong at the fake', () => {
  it.each([
    [{ kind: 'reset-before' }, 'connection', 0],
    [{ kind: 'reset-after' }, 'connection', 1],
    [{ kind: 'server-error' }, 'server_error', 0],
    [{ kind: 'server-error', applied: true }, 'server_error', 1],
    [{ kind: 'html-challenge' }, 'edge', 0],
    [{ kind: 'edge-block' }, 'edge', 0],
    [{ kind: 'redirect' }, 'redirected', 0],
    [{ kind: 'wrong-type' }, 'edge', 1],
    [{ kind: 'oversized' }, 'too_large', 1],
    [{ kind: 'truncated' }, 'malformed', 1],
  ] as const)('by %j is a fault, sent once, whatever came of it', async (fault, code, created) => {
    const { minter, session, control } = await startWithSession();
    control.setFaults([{ route: 'pat-create', ...fault } as FakeFault]);
    expect(await minter.createToken(session, PAT, ORDER)).toMatchObject({ problem: { tag: 'fault', code } });
    expect(control.calls().routes['pat-create']).toBe(1);
    expect(control.tokens()).toHaveLength(created);
  });
});

it.each<LoginRoute>(['auth-token', 'users-login'])(
  'asks for a second factor or refuses without one (%s)',
  async (route) => {
    const { hub } = await start();
    const { totpSecret: _, ...withoutTotp } = WITH_TOTP;
    const expected = route === 'users-login' ? 'second_factor_needed' : 'credential_refused';
    expect(await hub.login(withoutTotp, route, NOW_MS)).toMatchObject({ problem: { tag: expected } });
  },
);
