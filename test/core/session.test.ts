import { describe, expect, it } from 'vitest';
import { dropSession, openSession, proveCredential, withSession } from '../../functions/core/hub/session.ts';
import type { Credential, Target } from '../../functions/core/model/target.ts';
import type { HubProblem, HubReply, HubSession } from '../../functions/core/ports/docker-hub.ts';
import { CredentialOutOfReach } from '../../functions/core/ports/out-of-reach.ts';
import type { SessionRecord } from '../../functions/core/ports/sessions.ts';
import { SESSION_MS, TOTP_STEP_MS } from './ports/hub.ts';
import { answers, followed, losesReply, preceded, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, PASSWORD, TOTP_SECRET, World } from './world.ts';

const CLAIM_MS = 45_000;
const BREAKER_MS = 600_000;

function worldWithTarget(target: Partial<Target> = {}, credential: Partial<Credential> = {}) {
  const world = new World();
  return { world, target: world.addTarget(target, credential) };
}

const withTotp = () => worldWithTarget({ loginRoute: 'users-login' }, { totpSecret: TOTP_SECRET });

function record(world: World): SessionRecord {
  return world.sessions.rows.get('acme-bot') as SessionRecord;
}

function logins(world: World): number {
  return world.steering.argsOf('hub.login').length;
}

describe('a session', () => {
  it('is logged in to with the current credential and the route of the target', async () => {
    const { world, target } = worldWithTarget({ loginRoute: 'users-login' });
    const session = await openSession(world.ports, target, 'mint');
    expect(session).toMatchObject({ account: 'acme-bot', expiresAtMs: NOW_MS + SESSION_MS });
    expect(world.steering.argsOf('hub.login')).toEqual([
      [{ username: 'acme-bot', password: PASSWORD }, 'users-login', NOW_MS],
    ]);
  });

  it('is claimed in the store before the login, and shared sealed after it', async () => {
    const { world, target } = worldWithTarget();
    let claimed: SessionRecord | undefined;
    world.steering.on(
      'hub.login',
      preceded(() => {
        claimed = record(world);
        world.clock.advance(700);
      }),
    );
    const session = await openSession(world.ports, target, 'mint');
    expect(claimed).toEqual({ target: 'acme-bot', version: 1, opId: 'op-1', claimUntilMs: NOW_MS + CLAIM_MS });
    expect(record(world)).toEqual({
      target: 'acme-bot',
      version: 2,
      opId: 'op-2',
      sealedBearer: 'sealed-1',
      account: 'acme-bot',
      expiresAtMs: NOW_MS + 700 + SESSION_MS,
      credentialVersion: 'cred-0',
      provenVersion: 'cred-0',
    });
    expect(world.steering.argsOf('sealer.seal')).toEqual([[session.bearer, 'session:acme-bot']]);
    expect(world.steering.order('sessions.read', 'sessions.write')).toEqual([
      'sessions.read',
      'sessions.write',
      'sessions.write',
    ]);
    world.expectNothingLeaked();
  });

  it('serves every later call until it is near its end', async () => {
    const { world, target } = worldWithTarget();
    const first = await openSession(world.ports, target, 'mint');
    world.clock.advance(SESSION_MS - 120_001);
    expect(await openSession(world.ports, target, 'mint')).toEqual(first);
    expect(logins(world)).toBe(1);
    expect(world.steering.argsOf('credentials.read')).toHaveLength(1);
  });

  it('is renewed two minutes before its end, and the new one is what others then get', async () => {
    const { world, target } = worldWithTarget();
    const first = await openSession(world.ports, target, 'mint');
    world.clock.advance(SESSION_MS - 120_000);
    const second = await openSession(world.ports, target, 'mint');
    expect(second.bearer).not.toBe(first.bearer);
    expect(second.expiresAtMs).toBe(first.expiresAtMs + SESSION_MS - 120_000);
    expect(await openSession(world.ports, target, 'mint')).toEqual(second);
    expect(logins(world)).toBe(2);
  });

  it.each([
    ['of four minutes is renewed two minutes before its end', 240_000, 120_000],
    ['of less than four minutes is renewed half way', 239_998, 119_999],
    ['of half a minute is renewed half way', 30_000, 15_000],
  ])('%s', async (_, lifeMs, refreshedAfterMs) => {
    const { world, target } = worldWithTarget();
    const short: HubReply<HubSession> = {
      ok: true,
      value: { account: 'acme-bot', bearer: 'a.short.session', expiresAtMs: NOW_MS + lifeMs },
      meta: {},
    };
    world.steering.on('hub.login', answers(short));
    await openSession(world.ports, target, 'mint');
    world.clock.advance(refreshedAfterMs - 1);
    expect((await openSession(world.ports, target, 'mint')).bearer).toBe('a.short.session');
    expect(logins(world)).toBe(1);
    world.clock.advance(1);
    expect((await openSession(world.ports, target, 'mint')).bearer).not.toBe('a.short.session');
    expect(logins(world)).toBe(2);
    expect(record(world)).not.toHaveProperty('refreshAtMs');
  });

  it('near its end goes on serving while somebody else renews it', async () => {
    const { world, target } = worldWithTarget();
    const first = await openSession(world.ports, target, 'mint');
    world.clock.advance(SESSION_MS - 120_000);
    let other: HubSession | undefined;
    world.steering.on(
      'hub.login',
      preceded(async () => {
        other = await openSession(world.ports, target, 'mint');
      }),
    );
    await openSession(world.ports, target, 'mint');
    expect(other).toEqual(first);
    expect(logins(world)).toBe(2);
    expect(world.clock.slept).toEqual([]);
  });

  it.each<[string, (world: World) => void]>([
    [
      'Docker Hub is out',
      (world) => world.steering.on('hub.login', answers(refusal({ tag: 'fault', code: 'timeout' }))),
    ],
    ['the password was changed', (world) => world.hub.accounts.clear()],
    ['the credential store is out', (world) => world.steering.on('credentials.read', rejects)],
    ['the claim cannot be written', (world) => world.steering.on('sessions.write', rejects)],
  ])('near its end still serves when %s', async (_, happen) => {
    const { world, target } = worldWithTarget();
    const first = await openSession(world.ports, target, 'mint');
    world.clock.advance(SESSION_MS - 15_001);
    happen(world);
    expect(await openSession(world.ports, target, 'mint')).toEqual(first);
  });

  it('of which 15 s are left is used no more', async () => {
    const { world, target } = worldWithTarget();
    await openSession(world.ports, target, 'mint');
    world.clock.advance(SESSION_MS - 15_000);
    world.steering.on('hub.login', answers(refusal({ tag: 'fault', code: 'timeout' })));
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'hub_unavailable',
      code: 'timeout',
      retryAfterSeconds: 5,
    });
  });

  it('goes on serving with the credential store out', async () => {
    const { world, target } = worldWithTarget();
    const first = await openSession(world.ports, target, 'mint');
    world.steering.on('credentials.read', rejects, { times: 9 });
    expect(await openSession(world.ports, target, 'mint')).toEqual(first);
  });

  it('is one login for all who ask at once', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'hub.login',
      preceded(() => world.clock.sleep(900)),
    );
    const sessions = await Promise.all(Array.from({ length: 5 }, () => openSession(world.ports, target, 'mint')));
    expect(new Set(sessions.map(({ bearer }) => bearer)).size).toBe(1);
    expect(logins(world)).toBe(1);
  });

  it('whose claim was written before by another is waited for, a quarter of a second at a time', async () => {
    const { world, target } = worldWithTarget();
    world.sessions.rows.set('acme-bot', {
      target: 'acme-bot',
      version: 4,
      opId: 'theirs',
      claimUntilMs: NOW_MS + CLAIM_MS,
    });
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({ tag: 'busy', retryAfterSeconds: 2 });
    expect(world.clock.slept).toEqual(Array(32).fill(250));
    expect(world.clock.nowMs()).toBe(NOW_MS + 8_000);
    expect(logins(world)).toBe(0);
    expect(world.steering.argsOf('credentials.read')).toEqual([]);
  });

  it('is logged in to once the claim of a crashed process is over', async () => {
    const { world, target } = worldWithTarget();
    const crashed = { target: 'acme-bot', version: 4, opId: 'theirs', claimUntilMs: NOW_MS + CLAIM_MS };
    world.sessions.rows.set('acme-bot', crashed);
    world.clock.advance(CLAIM_MS - 1);
    await openSession(world.ports, target, 'mint');
    expect(world.clock.slept).toEqual([250]);

    world.sessions.rows.set('acme-bot', { ...crashed, claimUntilMs: world.clock.nowMs() });
    await openSession(world.ports, target, 'mint');
    expect(world.clock.slept).toEqual([250]);
    expect(logins(world)).toBe(2);
  });

  it('is not logged in to by who lost the race for the claim', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'sessions.write',
      preceded(() => openSession(world.ports, target, 'mint')),
    );
    const session = await openSession(world.ports, target, 'mint');
    expect(session.expiresAtMs).toBe(NOW_MS + SESSION_MS);
    expect(logins(world)).toBe(1);
    expect(world.clock.slept).toEqual([250]);
  });

  it('that another account holds is not used', async () => {
    const { world, target } = worldWithTarget();
    await openSession(world.ports, target, 'mint');
    world.sessions.rows.set('acme-bot', { ...record(world), account: 'acme-bot2' });
    expect((await openSession(world.ports, target, 'mint')).account).toBe('acme-bot');
    expect(logins(world)).toBe(2);
  });

  it('sealed under a key that is gone is replaced by a login', async () => {
    const { world, target } = worldWithTarget();
    const first = await openSession(world.ports, target, 'mint');
    world.sealer.loseKey();
    const second = await openSession(world.ports, target, 'mint');
    expect(second.bearer).not.toBe(first.bearer);
    expect(await openSession(world.ports, target, 'mint')).toEqual(second);
    expect(logins(world)).toBe(2);
  });

  it.each<[string, Partial<SessionRecord>]>([
    ['its end', { expiresAtMs: NOW_MS + SESSION_MS }],
    ['its bearer', { sealedBearer: 'sealed-x' }],
  ])('of which only %s is on record is not opened', async (_, half) => {
    const { world, target } = worldWithTarget();
    world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'x', account: 'acme-bot', ...half });
    await openSession(world.ports, target, 'mint');
    expect(world.steering.argsOf('sealer.open')).toEqual([]);
    expect(logins(world)).toBe(1);
  });

  it('of one target is not opened for another', async () => {
    const { world, target } = worldWithTarget();
    await openSession(world.ports, target, 'mint');
    const other = world.addTarget({ name: 'other' });
    world.sessions.rows.set('other', { ...record(world), target: 'other' });
    await openSession(world.ports, other, 'mint');
    expect(logins(world)).toBe(2);
  });

  it.each<[string, (world: World) => void]>([
    ['sealed', (world) => world.steering.on('sealer.seal', rejects)],
    ['stored', (world) => world.steering.on('sessions.write', rejects, { nth: 2 })],
  ])('that cannot be %s serves this call all the same', async (_, happen) => {
    const { world, target } = worldWithTarget();
    happen(world);
    const session = await openSession(world.ports, target, 'mint');
    expect(session).toMatchObject({ account: 'acme-bot', expiresAtMs: NOW_MS + SESSION_MS });
    expect(record(world).sealedBearer).toBeUndefined();
  });

  it('whose claim was written though the reply was lost is no session, and the claim ends by itself', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('sessions.write', losesReply);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'store_unavailable',
      retryAfterSeconds: 2,
    });
    expect(logins(world)).toBe(0);
    world.clock.advance(CLAIM_MS);
    await openSession(world.ports, target, 'mint');
    expect(world.clock.slept).toEqual([]);
  });

  it('cannot be had while its store is out', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('sessions.read', rejects);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'store_unavailable',
      retryAfterSeconds: 2,
    });
    expect(world.steering.hubCalls).toBe(0);
  });

  it('says so where the credential is under a key that the installation was not told of', async () => {
    const { world, target } = worldWithTarget();
    const read = () => Promise.reject(new CredentialOutOfReach('acme-bot'));
    const ports = { ...world.ports, credentials: { ...world.ports.credentials, read } };
    expect(await failureOf(openSession(ports, target, 'revoke'))).toEqual({
      tag: 'credential_unavailable',
      target: 'acme-bot',
      retryAfterSeconds: 5,
      isUnderFormerKey: true,
    });
    expect(world.steering.hubCalls).toBe(0);
  });

  it.each<[string, (world: World) => void]>([
    ['is stored', (world) => world.credentials.current.clear()],
    ['can be read', (world) => world.steering.on('credentials.read', rejects)],
  ])('cannot be had when no credential %s, and nothing is claimed', async (_, happen) => {
    const { world, target } = worldWithTarget();
    happen(world);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'credential_unavailable',
      target: 'acme-bot',
      retryAfterSeconds: 5,
    });
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
    expect(world.steering.hubCalls).toBe(0);
  });
});

describe('a login that Docker Hub does not answer', () => {
  it.each<[HubProblem, object, Partial<SessionRecord>]>([
    [
      { tag: 'fault', code: 'server_error' },
      { tag: 'hub_unavailable', code: 'server_error', retryAfterSeconds: 5 },
      { edgeLogins: 1, loginFault: 'server_error' },
    ],
    [{ tag: 'forbidden' }, { tag: 'hub_refused', code: 'forbidden', target: 'acme-bot' }, {}],
  ])('but with %j is a failure, opens no breaker, and lets the next one log in', async (problem, failure, noted) => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.login', answers(refusal(problem)));
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual(failure);
    expect(record(world)).toEqual({ target: 'acme-bot', version: 2, opId: 'op-2', ...noted });
    expect(world.events).toEqual([]);
    await openSession(world.ports, target, 'mint');
    expect(logins(world)).toBe(2);
    expect(record(world)).not.toHaveProperty('loginFault');
  });

  it.each(['server_error', 'malformed'] as const)(
    'but with %s is repeated by nobody at once, the second time',
    async (code) => {
      const { world, target } = worldWithTarget();
      world.steering.on('hub.login', answers(refusal({ tag: 'fault', code })), { times: 2 });
      const answered = [];
      for (let callers = 0; callers < 4; callers++)
        answered.push(await failureOf(openSession(world.ports, target, 'mint')));
      expect(answered).toMatchObject(Array.from({ length: 4 }, () => ({ tag: 'hub_unavailable', code })));
      expect(logins(world)).toBeLessThanOrEqual(2);
      world.clock.advance(10_000);
      if (code === 'malformed') await failureOf(openSession(world.ports, target, 'mint'));
      world.clock.advance(20_000);
      await openSession(world.ports, target, 'mint');
      expect(logins(world)).toBe(3);
    },
  );
});

describe('a login that Docker Hub will not have yet', () => {
  const RETRY_MS = NOW_MS + 600_000;
  const THROTTLED = refusal({ tag: 'throttled', retryAtMs: RETRY_MS });

  it('is told so, and is not repeated by anybody until then', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.login', answers(THROTTLED));
    for (let tries = 0; tries < 3; tries++) {
      expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
        tag: 'hub_throttled',
        retryAfterSeconds: 600,
      });
    }
    expect(logins(world)).toBe(1);
    expect(record(world)).toEqual({
      target: 'acme-bot',
      version: 2,
      opId: 'op-2',
      loginAfterMs: RETRY_MS,
      edgeLogins: 0,
    });
    world.clock.advance(600_000);
    await openSession(world.ports, target, 'mint');
    expect(logins(world)).toBe(2);
    expect(record(world)).not.toHaveProperty('loginAfterMs');
    expect(record(world)).not.toHaveProperty('edgeLogins');
  });

  it('leaves the session that there is in use until its end', async () => {
    const { world, target } = worldWithTarget();
    const session = await openSession(world.ports, target, 'mint');
    world.clock.advance(session.expiresAtMs - NOW_MS - 100_000);
    world.steering.on('hub.login', answers(refusal({ tag: 'throttled', retryAtMs: world.clock.nowMs() + 600_000 })));
    for (let calls = 0; calls < 3; calls++) expect(await openSession(world.ports, target, 'mint')).toEqual(session);
    expect(logins(world)).toBe(2);
  });

  it('waits for as long as Docker Hub may ask, and is tried all the same when that is longer', async () => {
    const { world, target } = worldWithTarget();
    const asked = { target: 'acme-bot', version: 1, opId: 'op' };
    world.sessions.rows.set('acme-bot', { ...asked, loginAfterMs: NOW_MS + 900_000 });
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'hub_throttled',
      retryAfterSeconds: 900,
    });
    world.sessions.rows.set('acme-bot', { ...asked, loginAfterMs: NOW_MS + 900_001 });
    await openSession(world.ports, target, 'mint');
    expect(logins(world)).toBe(1);
  });
});

describe('an account whose requests Docker Hub refuses', () => {
  it('is left alone by everybody until then, once one has been refused', async () => {
    const { world, target } = worldWithTarget();
    const problem = { tag: 'throttled', retryAtMs: NOW_MS + 40_000 } as const;
    const call = () => withSession(world.ports, target, async () => refusal(problem), 'revoke');
    expect(await call()).toMatchObject({ problem });
    const { hubCalls } = world.steering;
    world.clock.advance(39_001);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'hub_throttled',
      retryAfterSeconds: 1,
    });
    expect(world.steering.hubCalls).toBe(hubCalls);
    world.clock.advance(999);
    expect((await openSession(world.ports, target, 'mint')).account).toBe('acme-bot');
  });

  it.each(['look', 'mint'] as const)(
    'for a %s are still asked for the first revocation, whose own refusal closes it',
    async (hubClass) => {
      const { world, target } = worldWithTarget();
      const problem = { tag: 'throttled', retryAtMs: NOW_MS + 40_000 } as const;
      let asked = 0;
      const call = async () => {
        asked += 1;
        return refusal(problem);
      };
      await withSession(world.ports, target, call, hubClass);
      for (const other of ['look', 'mint'] as const) {
        expect(await failureOf(withSession(world.ports, target, call, other))).toMatchObject({ tag: 'hub_throttled' });
      }
      expect(asked).toBe(1);
      expect(await withSession(world.ports, target, call, 'revoke')).toMatchObject({ problem });
      expect(await failureOf(withSession(world.ports, target, call, 'revoke'))).toMatchObject({ tag: 'hub_throttled' });
      expect(asked).toBe(2);
    },
  );

  it('are noted, too, where the call was repeated with a new session', async () => {
    const { world, target } = worldWithTarget();
    const answers = [refusal({ tag: 'session_refused' }), refusal({ tag: 'throttled', retryAtMs: NOW_MS + 9_000 })];
    await withSession(world.ports, target, async () => answers.shift() as HubReply<never>, 'revoke');
    expect(record(world)).toMatchObject({ throttledUntilMs: NOW_MS + 9_000 });
  });
});

describe('a refused login', () => {
  function refused(problem: HubProblem['tag'] = 'credential_refused') {
    const { world, target } = worldWithTarget();
    if (problem === 'second_factor_needed') {
      world.hub.accounts.set('acme-bot', { password: PASSWORD, secondFactor: true });
    } else world.hub.accounts.set('acme-bot', { password: 'another', secondFactor: false });
    return { world, target };
  }
  const blocked = (reopensAtMs: number, retryAfterSeconds: number) => ({
    tag: 'login_blocked',
    target: 'acme-bot',
    reopensAtMs,
    retryAfterSeconds,
  });

  it.each(['credential_refused', 'second_factor_needed'] as const)(
    '(%s) blocks further ones with that credential for ten minutes',
    async (problem) => {
      const { world, target } = refused(problem);
      expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual(blocked(NOW_MS + BREAKER_MS, 600));
      expect(record(world)).toEqual({
        target: 'acme-bot',
        version: 2,
        opId: 'op-2',
        credentialVersion: 'cred-0',
        breakerUntilMs: NOW_MS + BREAKER_MS,
        refusals: 1,
      });
      expect(world.events).toEqual([{ event: 'login.refused', atMs: NOW_MS, target: 'acme-bot' }]);
      world.clock.advance(BREAKER_MS - 1);
      expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual(blocked(NOW_MS + BREAKER_MS, 1));
      expect(logins(world)).toBe(1);
      world.expectNothingLeaked();
    },
  );

  it('may be tried again once, at the end of the ten minutes', async () => {
    const { world, target } = refused();
    await failureOf(openSession(world.ports, target, 'mint'));
    world.clock.advance(BREAKER_MS);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual(blocked(NOW_MS + 2 * BREAKER_MS, 600));
    expect(record(world)).toMatchObject({ refusals: 2, breakerUntilMs: NOW_MS + 2 * BREAKER_MS });
    await failureOf(openSession(world.ports, target, 'mint'));
    expect(logins(world)).toBe(2);
  });

  it('does not block another credential, whose success forgets it', async () => {
    const { world, target } = refused();
    await failureOf(openSession(world.ports, target, 'mint'));
    const credential = { username: 'acme-bot', password: 'another' };
    world.credentials.current.set('acme-bot', { credential, version: 'cred-1' });
    await openSession(world.ports, target, 'mint');
    expect(record(world)).toMatchObject({ credentialVersion: 'cred-1', sealedBearer: 'sealed-1' });
    expect(record(world)).not.toHaveProperty('breakerUntilMs');
    expect(record(world)).not.toHaveProperty('refusals');
  });

  it('whose breaker cannot be written is a failure of the store, and its claim keeps others off', async () => {
    const { world, target } = refused();
    world.steering.on('sessions.write', rejects, { nth: 2 });
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({ tag: 'store_unavailable' });
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({ tag: 'busy', retryAfterSeconds: 2 });
    expect(logins(world)).toBe(1);
  });
});

describe('a credential that worked before', () => {
  /** It has opened a session, which has ended since. */
  async function proven() {
    const { world, target } = worldWithTarget();
    await openSession(world.ports, target, 'mint');
    world.clock.advance(SESSION_MS);
    return { world, target, endedMs: NOW_MS + SESSION_MS };
  }
  const ONCE = answers(refusal({ tag: 'credential_refused' }));

  it('and is refused once gets one more try, half a minute later, and no alarm', async () => {
    const { world, target, endedMs } = await proven();
    world.steering.on('hub.login', ONCE);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'login_blocked',
      target: 'acme-bot',
      reopensAtMs: endedMs + 30_000,
      retryAfterSeconds: 30,
    });
    expect(world.events).toEqual([{ event: 'login.retried', atMs: endedMs, target: 'acme-bot' }]);
    world.clock.advance(29_999);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({ tag: 'login_blocked' });
    expect(logins(world)).toBe(2);
    world.clock.advance(1);
    expect((await openSession(world.ports, target, 'mint')).account).toBe('acme-bot');
    expect(record(world)).not.toHaveProperty('refusals');
    expect(record(world)).not.toHaveProperty('breakerUntilMs');
  });

  it('and is refused twice is blocked for ten minutes, and an alarm rings', async () => {
    const { world, target, endedMs } = await proven();
    world.steering.on('hub.login', ONCE, { times: 2 });
    await failureOf(openSession(world.ports, target, 'mint'));
    world.clock.advance(30_000);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({
      reopensAtMs: endedMs + 30_000 + BREAKER_MS,
    });
    expect(world.eventNames).toEqual(['login.retried', 'login.refused']);
    expect(record(world)).toMatchObject({ refusals: 2, provenVersion: 'cred-0' });
  });

  it('and works again after one refusal is given the same doubt the next time', async () => {
    const { world, target } = await proven();
    world.steering.on('hub.login', ONCE);
    await failureOf(openSession(world.ports, target, 'mint'));
    world.clock.advance(30_000);
    await openSession(world.ports, target, 'mint');
    world.clock.advance(SESSION_MS);
    world.steering.on('hub.login', ONCE);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({ retryAfterSeconds: 30 });
  });

  it('says nothing of the one that takes its place', async () => {
    const { world, target } = await proven();
    world.credentials.current.set('acme-bot', {
      credential: { username: 'acme-bot', password: PASSWORD },
      version: 'cred-1',
    });
    world.steering.on('hub.login', ONCE);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({ retryAfterSeconds: 600 });
    expect(world.eventNames).toEqual(['login.refused']);
  });

  it('is retried once for all who ask, not by each of them', async () => {
    const { world, target } = await proven();
    world.steering.on('hub.login', ONCE);
    const asking = Array.from({ length: 40 }, () => failureOf(openSession(world.ports, target, 'mint')));
    for (const failure of await Promise.all(asking)) expect(failure).toMatchObject({ tag: 'login_blocked' });
    expect(logins(world)).toBe(2);
  });
});

describe('a login that something else answers in Docker Hub’s place', () => {
  const CHALLENGE = answers(refusal({ tag: 'fault', code: 'edge' }));
  const edge = (retryAfterSeconds: number) => ({ tag: 'hub_unavailable', code: 'edge', retryAfterSeconds });

  it('is sent once by forty callers, who all back off together', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.login', CHALLENGE, { times: 99 });
    const asking = Array.from({ length: 40 }, () => failureOf(openSession(world.ports, target, 'mint')));
    for (const failure of await Promise.all(asking)) {
      expect(failure).toMatchObject({ tag: 'hub_unavailable', code: 'edge' });
    }
    expect(logins(world)).toBe(1);
    expect(record(world)).toMatchObject({ edgeLogins: 1, loginAfterMs: NOW_MS + 10_000 });
    expect(world.events).toEqual([]);
  });

  it('is tried again after a pause that doubles, up to two minutes', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.login', CHALLENGE, { times: 99 });
    for (const [tried, pauseSeconds] of [10, 20, 40, 80, 120, 120].entries()) {
      await failureOf(openSession(world.ports, target, 'mint'));
      expect(logins(world)).toBe(tried + 1);
      expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual(edge(pauseSeconds));
      world.clock.advance(pauseSeconds * 1_000 - 1);
      expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual(edge(1));
      world.clock.advance(1);
    }
    expect(logins(world)).toBe(6);
  });

  it('is forgotten by a login that Docker Hub answers', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.login', CHALLENGE);
    await failureOf(openSession(world.ports, target, 'mint'));
    world.clock.advance(10_000);
    await openSession(world.ports, target, 'mint');
    expect(record(world)).not.toHaveProperty('edgeLogins');
    expect(record(world)).not.toHaveProperty('loginAfterMs');
  });

  it('leaves the session that there is in use', async () => {
    const { world, target } = worldWithTarget();
    const session = await openSession(world.ports, target, 'mint');
    world.clock.advance(SESSION_MS - 100_000);
    world.steering.on('hub.login', CHALLENGE, { times: 99 });
    for (let calls = 0; calls < 3; calls++) expect(await openSession(world.ports, target, 'mint')).toEqual(session);
    expect(logins(world)).toBe(2);
  });
});

describe('a login to another account', () => {
  it('is refused, not shared, and not repeated for half a minute', async () => {
    const { world, target } = worldWithTarget();
    world.hub.logsInAs = 'acme-bot2';
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'hub_refused',
      code: 'wrong_account',
      target: 'acme-bot',
    });
    expect(record(world)).toEqual({
      target: 'acme-bot',
      version: 2,
      opId: 'op-2',
      credentialVersion: 'cred-0',
      breakerUntilMs: NOW_MS + 30_000,
      refusals: 0,
    });
    world.clock.advance(29_999);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({ tag: 'login_blocked' });
    world.hub.logsInAs = undefined;
    world.clock.advance(1);
    await openSession(world.ports, target, 'mint');
    expect(logins(world)).toBe(2);
  });
});

describe('a one-time code', () => {
  const STEP = NOW_MS / TOTP_STEP_MS;

  it('is of the current step, which is written down before the login', async () => {
    const { world, target } = withTotp();
    world.clock.advance(12_345);
    let step: number | undefined;
    world.steering.on(
      'hub.login',
      preceded(() => {
        step = record(world).totpStep;
      }),
    );
    await openSession(world.ports, target, 'mint');
    expect(step).toBe(STEP);
    expect(world.steering.argsOf('hub.login')[0]?.[2]).toBe(NOW_MS + 12_345);
    expect(record(world).totpStep).toBe(STEP);
    world.expectNothingLeaked();
  });

  it('is not waited for when its step begins now', async () => {
    const { world, target } = withTotp();
    world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'theirs', totpStep: STEP - 1 });
    await openSession(world.ports, target, 'mint');
    expect(world.hub.codeSteps).toEqual([STEP]);
    expect(world.clock.slept).toEqual([]);
  });

  it('is never used twice: the next step is waited for where that is near', async () => {
    const { world, target } = withTotp();
    world.clock.advance(22_000);
    await openSession(world.ports, target, 'mint');
    world.sealer.loseKey();
    await openSession(world.ports, target, 'mint');
    expect(world.clock.slept).toEqual([8_000]);
    expect(world.hub.codeSteps).toEqual([STEP, STEP + 1]);
    expect(record(world)).toMatchObject({ totpStep: STEP + 1 });
  });

  it('that is spent makes the caller wait, with the time to the next, where that is far', async () => {
    const { world, target } = withTotp();
    world.clock.advance(21_999);
    await openSession(world.ports, target, 'mint');
    world.sealer.loseKey();
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({ tag: 'busy', retryAfterSeconds: 9 });
    expect(logins(world)).toBe(1);
    expect(world.clock.slept).toEqual([]);
  });

  it('of a process that crashed after its claim is spent too', async () => {
    const { world, target } = withTotp();
    world.clock.advance(25_000);
    const crashed = { target: 'acme-bot', version: 1, opId: 'theirs', totpStep: STEP, claimUntilMs: NOW_MS };
    world.sessions.rows.set('acme-bot', crashed);
    await openSession(world.ports, target, 'mint');
    expect(world.hub.codeSteps).toEqual([STEP + 1]);
    expect(world.clock.slept).toEqual([5_000]);
  });

  it('claims from the moment that its step begins', async () => {
    const { world, target } = withTotp();
    world.clock.advance(25_000);
    const spent = { target: 'acme-bot', version: 1, opId: 'theirs', totpStep: STEP };
    world.sessions.rows.set('acme-bot', spent);
    world.steering.on('hub.login', answers(refusal({ tag: 'fault', code: 'timeout' })));
    await failureOf(openSession(world.ports, target, 'mint'));
    expect(world.steering.argsOf('sessions.write')[0]?.[0]).toMatchObject({
      totpStep: STEP + 1,
      claimUntilMs: NOW_MS + TOTP_STEP_MS + CLAIM_MS,
    });
  });

  it('is of the step that was written down, though the writing ran into the next', async () => {
    const { world, target } = withTotp();
    world.clock.advance(29_000);
    world.steering.on(
      'sessions.write',
      followed(() => world.clock.advance(2_000)),
    );
    await openSession(world.ports, target, 'mint');
    expect(world.hub.codeSteps).toEqual([STEP]);
    expect(world.steering.argsOf('hub.login')[0]?.[2]).toBe(NOW_MS + TOTP_STEP_MS - 1);
    expect(record(world).totpStep).toBe(STEP);
  });

  it('that was spent elsewhere pauses logins for a minute, and a second refusal for ten', async () => {
    const { world, target } = withTotp();
    world.hub.codeSteps.push(STEP, STEP + 2);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'login_blocked',
      target: 'acme-bot',
      reopensAtMs: NOW_MS + 60_000,
      retryAfterSeconds: 60,
    });
    expect(record(world)).toMatchObject({ refusals: 1, breakerUntilMs: NOW_MS + 60_000, totpStep: STEP });
    world.clock.advance(60_000);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({ reopensAtMs: NOW_MS + 660_000 });
    expect(record(world)).toMatchObject({ refusals: 2 });
    expect(world.eventNames).toEqual(['login.retried', 'login.refused']);
  });

  it.each([
    [2, 60_000],
    [3, 600_000],
    [4, 60_000],
  ])(
    'refused after %i refusals is given %i ms: every other one may have been spent elsewhere',
    async (refusals, pauseMs) => {
      const { world, target } = withTotp();
      const before = { target: 'acme-bot', version: 1, opId: 'theirs', credentialVersion: 'cred-0', refusals };
      world.sessions.rows.set('acme-bot', before);
      world.hub.codeSteps.push(STEP);
      expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({
        reopensAtMs: NOW_MS + pauseMs,
      });
      expect(record(world).refusals).toBe(refusals + 1);
    },
  );

  it('refused once for a new credential pauses it for a minute again', async () => {
    const { world, target } = withTotp();
    const before = { target: 'acme-bot', version: 1, opId: 'theirs', credentialVersion: 'cred-x', refusals: 5 };
    world.sessions.rows.set('acme-bot', before);
    world.hub.codeSteps.push(STEP);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({ reopensAtMs: NOW_MS + 60_000 });
    expect(record(world)).toMatchObject({ credentialVersion: 'cred-0', refusals: 1 });
  });

  it('is not asked of a credential that has none, and the last step is kept', async () => {
    const { world, target } = worldWithTarget();
    world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'theirs', totpStep: STEP + 9 });
    await openSession(world.ports, target, 'mint');
    expect(world.steering.argsOf('hub.login')[0]?.[2]).toBe(NOW_MS);
    expect(record(world).totpStep).toBe(STEP + 9);
  });
});

describe('an offered credential', () => {
  const OFFERED = { credential: { username: 'acme-bot', password: PASSWORD }, version: 'cred-9' };

  it('is proven by one login, whose session is shared', async () => {
    const { world, target } = worldWithTarget();
    const session = await proveCredential(world.ports, target, OFFERED);
    expect(record(world)).toEqual({
      target: 'acme-bot',
      version: 2,
      opId: 'op-2',
      sealedBearer: 'sealed-1',
      account: 'acme-bot',
      expiresAtMs: NOW_MS + SESSION_MS,
      credentialVersion: 'cred-9',
      provenVersion: 'cred-9',
    });
    expect(await openSession(world.ports, target, 'mint')).toEqual(session);
    expect(world.steering.argsOf('hub.login')).toEqual([[OFFERED.credential, 'auth-token', NOW_MS]]);
    world.expectNothingLeaked();
  });

  it.each([
    ['credential_refused', 'possible'],
    ['second_factor_needed', 'needed'],
  ] as const)(
    'that is refused (%s) says so, and leaves the shared session and the breaker as they were',
    async (tag, secondFactor) => {
      const { world, target } = worldWithTarget();
      const session = await openSession(world.ports, target, 'mint');
      const before = record(world);
      world.steering.on('hub.login', answers(refusal({ tag })));
      expect(await failureOf(proveCredential(world.ports, target, OFFERED))).toEqual({
        tag: 'credential_refused',
        username: 'acme-bot',
        secondFactor,
      });
      expect(record(world)).toEqual({ ...before, version: before.version + 2, opId: expect.any(String) });
      expect(await openSession(world.ports, target, 'mint')).toEqual(session);
      expect(world.events).toEqual([]);
    },
  );

  it.each([
    ['auth-token', undefined, 'possible'],
    ['auth-token', TOTP_SECRET, 'possible'],
    ['users-login', undefined, 'no'],
    ['users-login', TOTP_SECRET, 'no'],
  ] as const)(
    'that is refused without a word on %s may lack a second factor only where that route takes none: %s, %s',
    async (loginRoute, totpSecret, secondFactor) => {
      const { world, target } = worldWithTarget({ loginRoute });
      const credential = { ...OFFERED.credential, ...(totpSecret !== undefined && { totpSecret }) };
      world.steering.on('hub.login', answers(refusal({ tag: 'credential_refused' })));
      const failure = await failureOf(proveCredential(world.ports, target, { ...OFFERED, credential }));
      expect(failure).toMatchObject({ tag: 'credential_refused', secondFactor });
    },
  );

  it('is tried while the credential in force is blocked, or Docker Hub wants no login with that', async () => {
    const { world, target } = worldWithTarget();
    const blocked = { credentialVersion: 'cred-0', breakerUntilMs: NOW_MS + 5_000, loginAfterMs: NOW_MS + 5_000 };
    world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'theirs', ...blocked });
    expect((await proveCredential(world.ports, target, OFFERED)).account).toBe('acme-bot');
  });

  it('of another account returns that account and leaves the shared session and the breaker as they were', async () => {
    const { world, target } = worldWithTarget();
    await openSession(world.ports, target, 'mint');
    world.sessions.rows.set('acme-bot', { ...record(world), breakerUntilMs: NOW_MS + 5_000, refusals: 1 });
    const before = record(world);
    world.hub.logsInAs = 'acme-bot2';
    expect(await proveCredential(world.ports, target, OFFERED)).toMatchObject({ account: 'acme-bot2' });
    expect(record(world)).toEqual({ ...before, version: before.version + 2, opId: expect.any(String) });
  });

  it('that cannot be tried is the failure of Docker Hub', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.login', answers(refusal({ tag: 'fault', code: 'edge' })));
    expect(await failureOf(proveCredential(world.ports, target, OFFERED))).toEqual({
      tag: 'hub_unavailable',
      code: 'edge',
      retryAfterSeconds: 5,
    });
    expect(record(world)).toEqual({
      target: 'acme-bot',
      version: 2,
      opId: 'op-2',
      edgeLogins: 1,
      loginFault: 'edge',
      loginAfterMs: NOW_MS + 10_000,
    });
  });

  it('is not tried while the edge answers logins', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.login', answers(refusal({ tag: 'fault', code: 'edge' })));
    await failureOf(openSession(world.ports, target, 'mint'));
    world.clock.advance(9_000);
    expect(await failureOf(proveCredential(world.ports, target, OFFERED))).toEqual({
      tag: 'hub_unavailable',
      code: 'edge',
      retryAfterSeconds: 1,
    });
    expect(logins(world)).toBe(1);
    world.clock.advance(1_000);
    await proveCredential(world.ports, target, OFFERED);
    expect(logins(world)).toBe(2);
  });

  it('that Docker Hub will not have yet keeps everybody from logging in until then', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('hub.login', answers(refusal({ tag: 'throttled', retryAtMs: NOW_MS + 60_000 })));
    expect(await failureOf(proveCredential(world.ports, target, OFFERED))).toMatchObject({ tag: 'hub_throttled' });
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toEqual({
      tag: 'hub_throttled',
      retryAfterSeconds: 60,
    });
    expect(logins(world)).toBe(1);
  });

  it('is not tried when somebody else came first', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'sessions.write',
      preceded(() => openSession(world.ports, target, 'mint')),
    );
    const failure = failureOf(proveCredential(world.ports, target, OFFERED));
    expect(await failure).toEqual({ tag: 'busy', retryAfterSeconds: 2 });
    expect(logins(world)).toBe(1);
  });

  it('with a second factor uses a step of its own', async () => {
    const { world, target } = withTotp();
    world.clock.advance(25_000);
    await openSession(world.ports, target, 'mint');
    const credential = { ...OFFERED.credential, totpSecret: TOTP_SECRET };
    await proveCredential(world.ports, target, { credential, version: 'cred-9' });
    expect(world.hub.codeSteps).toEqual([NOW_MS / TOTP_STEP_MS, NOW_MS / TOTP_STEP_MS + 1]);
  });
});

describe('a refused session', () => {
  const REFUSED = refusal({ tag: 'session_refused' });
  const DONE: HubReply<string> = { ok: true, value: 'done', meta: {} };

  it('is dropped and replaced once, and the call repeated with the new one', async () => {
    const { world, target } = worldWithTarget();
    const used: string[] = [];
    const reply = await withSession(
      world.ports,
      target,
      async ({ bearer }) => {
        used.push(bearer);
        return used.length === 1 ? REFUSED : DONE;
      },
      'look',
    );
    expect(reply).toEqual(DONE);
    expect(new Set(used).size).toBe(2);
    expect(logins(world)).toBe(2);
  });

  it('twice in a row is what the caller gets, without a third call', async () => {
    const { world, target } = worldWithTarget();
    let calls = 0;
    const reply = await withSession(
      world.ports,
      target,
      async () => {
        calls += 1;
        return REFUSED;
      },
      'look',
    );
    expect(reply).toEqual(REFUSED);
    expect(calls).toBe(2);
    expect(logins(world)).toBe(2);
  });

  it.each<[string, HubReply<string>]>([
    ['a success', DONE],
    ['another problem', refusal({ tag: 'forbidden' })],
  ])('is not what %s means', async (_, answer) => {
    const { world, target } = worldWithTarget();
    let calls = 0;
    const reply = await withSession(
      world.ports,
      target,
      async () => {
        calls += 1;
        return answer;
      },
      'look',
    );
    expect(reply).toEqual(answer);
    expect(calls).toBe(1);
    expect(logins(world)).toBe(1);
  });

  it('or any other answer is looked at for requests that run low', async () => {
    const { world, target } = worldWithTarget();
    const low = { rateRemaining: 2, rateResetAtMs: NOW_MS + 9_000 };
    await withSession(world.ports, target, async () => ({ ok: true, value: 'done', meta: low }), 'look');
    expect(record(world)).toMatchObject(low);
  });

  it('is forgotten in the store, and nothing else is', async () => {
    const { world, target } = withTotp();
    const session = await openSession(world.ports, target, 'mint');
    await dropSession(world.ports, 'acme-bot', session);
    expect(record(world)).toEqual({
      target: 'acme-bot',
      version: 3,
      opId: 'op-3',
      account: 'acme-bot',
      credentialVersion: 'cred-0',
      provenVersion: 'cred-0',
      totpStep: NOW_MS / TOTP_STEP_MS,
    });
  });

  it('is left alone when another has taken its place', async () => {
    const { world, target } = worldWithTarget();
    const first = await openSession(world.ports, target, 'mint');
    world.clock.advance(1);
    world.sealer.loseKey();
    const second = await openSession(world.ports, target, 'mint');
    await dropSession(world.ports, 'acme-bot', first);
    expect(await openSession(world.ports, target, 'mint')).toEqual(second);
  });

  it('is dropped once by many who were refused', async () => {
    const { world, target } = worldWithTarget();
    const session = await openSession(world.ports, target, 'mint');
    await dropSession(world.ports, 'acme-bot', session);
    const writes = world.steering.argsOf('sessions.write').length;
    await dropSession(world.ports, 'acme-bot', session);
    await dropSession(world.ports, 'unheard-of', session);
    expect(world.steering.argsOf('sessions.write')).toHaveLength(writes);
  });

  it('that cannot be dropped is a failure of the store', async () => {
    const { world, target } = worldWithTarget();
    const session = await openSession(world.ports, target, 'mint');
    world.steering.on('sessions.read', rejects);
    expect(await failureOf(dropSession(world.ports, 'acme-bot', session))).toMatchObject({ tag: 'store_unavailable' });
    world.steering.on('sessions.write', rejects);
    expect(await failureOf(dropSession(world.ports, 'acme-bot', session))).toMatchObject({ tag: 'store_unavailable' });
  });

  it('costs the others nothing: who was refused at the same time shares the new one', async () => {
    const { world, target } = worldWithTarget();
    const session = await openSession(world.ports, target, 'mint');
    const call = async ({ bearer }: HubSession) => (bearer === session.bearer ? REFUSED : DONE);
    const replies = await Promise.all(Array.from({ length: 4 }, () => withSession(world.ports, target, call, 'look')));
    expect(replies).toEqual(Array(4).fill(DONE));
    expect(logins(world)).toBe(2);
  });
});

describe('the claim of a login', () => {
  /** Somebody else writes the record, and touches nothing that is the claim's. */
  function note(world: World, change: Partial<SessionRecord> = {}) {
    const claimed = record(world);
    const noted = { ...claimed, rateRemaining: 3, rateResetAtMs: NOW_MS + 9_000, ...change };
    world.sessions.rows.set('acme-bot', { ...noted, version: claimed.version + 1, opId: 'theirs' });
  }

  it.each<[string, (world: World) => void]>([
    ['sealed', (world) => world.steering.on('sealer.seal', rejects)],
    ['written', (world) => world.steering.on('sessions.write', rejects, { nth: 2 })],
  ])(
    'is given back when the session cannot be %s, so that the next caller need not wait for its end',
    async (_, happen) => {
      const { world, target } = worldWithTarget();
      happen(world);
      await openSession(world.ports, target, 'mint');
      expect(record(world)).not.toHaveProperty('claimUntilMs');
      await openSession(world.ports, target, 'mint');
      expect(world.clock.slept).toEqual([]);
      expect(logins(world)).toBe(2);
    },
  );

  it('that cannot be given back ends by itself', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('sessions.write', rejects, { nth: 2, times: 2 });
    expect((await openSession(world.ports, target, 'mint')).account).toBe('acme-bot');
    expect(record(world).claimUntilMs).toBe(NOW_MS + CLAIM_MS);
  });

  it('is given back with the session though the record was written in between, and what was written stays', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'hub.login',
      followed(() => note(world)),
    );
    const session = await openSession(world.ports, target, 'mint');
    expect(record(world)).toMatchObject({ version: 3, rateRemaining: 3, rateResetAtMs: NOW_MS + 9_000 });
    expect(record(world)).not.toHaveProperty('claimUntilMs');
    expect(await openSession(world.ports, target, 'mint')).toEqual(session);
    expect(world.clock.slept).toEqual([]);
  });

  it('does not lose the refusal of its login to a write in between', async () => {
    const { world, target } = worldWithTarget();
    world.hub.accounts.clear();
    world.steering.on(
      'hub.login',
      followed(() => note(world)),
    );
    await failureOf(openSession(world.ports, target, 'mint'));
    world.clock.advance(CLAIM_MS);
    expect(await failureOf(openSession(world.ports, target, 'mint'))).toMatchObject({ tag: 'login_blocked' });
    expect(logins(world)).toBe(1);
  });

  it.each<[string, (world: World) => void]>([
    ['somebody else’s by now', (world) => note(world, { claimUntilMs: NOW_MS + 99_000 })],
    ['gone with its target', (world) => world.sessions.rows.set('acme-bot', undefined)],
  ])('that is %s is left alone', async (_, happen) => {
    const { world, target } = worldWithTarget();
    world.steering.on(
      'hub.login',
      followed(() => happen(world)),
    );
    expect((await openSession(world.ports, target, 'mint')).account).toBe('acme-bot');
    expect(world.sessions.rows.get('acme-bot')?.sealedBearer).toBeUndefined();
    expect(world.sessions.rows.get('acme-bot')?.claimUntilMs).not.toBe(NOW_MS + CLAIM_MS);
    expect(world.steering.argsOf('sessions.write')).toHaveLength(2);
  });

  it.each([
    [3, true],
    [4, false],
  ])('after %i writes of others is given back: %s', async (times, shared) => {
    const { world, target } = worldWithTarget();
    const noting = preceded(() => note(world));
    world.steering.on('sessions.write', noting, { nth: 2, times });
    await openSession(world.ports, target, 'mint');
    expect('sealedBearer' in record(world)).toBe(shared);
    expect(world.steering.argsOf('sessions.write')).toHaveLength(5);
  });
});
