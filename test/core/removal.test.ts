import { describe, expect, it } from 'vitest';
import { removeToken } from '../../functions/core/ending/removal.ts';
import type { HubProblem, HubReply } from '../../functions/core/ports/docker-hub.ts';
import { answers, appliesThenAnswers, followed, preceded, refusal } from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, QUIET_AFTER_MS, World } from './world.ts';

const PAT = { kind: 'pat' } as const;
const CALLS = ['hub.deleteToken', 'hub.getToken', 'hub.listTokens'] as const;
const NOT_FOUND = refusal({ tag: 'not_found' }, { httpStatus: 404, isJson: true });
const PENDING = { gone: false, code: 'delete_pending', waiting: true };
/** An answer that shows fewer tokens than it counts. */
const INCOMPLETE = answers({ ok: true, value: { tokens: [], total: 1, more: false }, meta: {} });

/** A token whose delete gets a success that is not the documented one. */
const accepted = (httpStatus = 202) => ({ ok: true, value: { httpStatus }, meta: {} }) as const;

function worldWithToken() {
  const world = new World();
  const target = world.addTarget();
  const { tokenId } = world.hub.give('acme-bot', 'x');
  const remove = () => removeToken(world.ports, target, PAT, tokenId);
  return { world, target, tokenId, remove };
}

describe('a delete that Docker Hub answers with 204', () => {
  it('is the end of the token, and nothing else is asked', async () => {
    const { world, remove, tokenId } = worldWithToken();
    expect(await remove()).toEqual({ gone: true, httpStatus: 204 });
    expect(world.hub.tokens.has(tokenId)).toBe(false);
    expect(world.steering.order(...CALLS)).toEqual(['hub.deleteToken']);
    expect(world.clock.slept).toEqual([]);
  });

  it('is sent to the place where the token stands', async () => {
    const world = new World();
    const target = world.addTarget(ORG);
    const { tokenId } = world.hub.give('acme', 'x');
    const place = { kind: 'oat', organization: 'acme' } as const;
    expect(await removeToken(world.ports, target, place, tokenId)).toEqual({ gone: true, httpStatus: 204 });
    expect(world.steering.argsOf('hub.deleteToken')[0]?.slice(1)).toEqual([place, tokenId]);
  });
});

describe.each([200, 201, 202, 203, 205, 206, 299])('a delete that Docker Hub answers with %i', (httpStatus) => {
  it('is not the end while the token can be read: it is looked at once more after two seconds', async () => {
    const { world, tokenId, remove } = worldWithToken();
    world.steering.on('hub.deleteToken', answers(accepted(httpStatus)));
    expect(await remove()).toMatchObject({ ...PENDING, seen: { tokenId, isActive: true } });
    expect(world.steering.order(...CALLS)).toEqual(['hub.deleteToken', 'hub.getToken', 'hub.getToken']);
    expect(world.clock.slept).toEqual([2_000]);
  });

  it('is the end when the token is gone at once, from the token’s address and the whole list', async () => {
    const { world, tokenId, remove } = worldWithToken();
    world.steering.on('hub.deleteToken', appliesThenAnswers(accepted(httpStatus)));
    expect(await remove()).toEqual({ gone: true, httpStatus, confirmedBy: 'gone' });
    expect(world.steering.order(...CALLS)).toEqual([...CALLS]);
    expect(world.steering.argsOf('hub.getToken')[0]?.slice(1)).toEqual([PAT, tokenId]);
    expect(world.clock.slept).toEqual([]);
  });
});

describe('a delete that Docker Hub only accepts', () => {
  function worldWithAccepted() {
    const made = worldWithToken();
    made.world.steering.on('hub.deleteToken', answers(accepted()));
    return made;
  }

  it('is the end when the token is gone two seconds later', async () => {
    const { world, tokenId, remove } = worldWithAccepted();
    world.steering.on(
      'hub.getToken',
      followed(() => world.hub.tokens.delete(tokenId)),
    );
    expect(await remove()).toEqual({ gone: true, httpStatus: 202, confirmedBy: 'gone' });
    expect(world.clock.slept).toEqual([2_000]);
  });

  it.each([1, 2])('is the end when the token reads inactive at look %i, though it stays listed', async (nth) => {
    const { world, tokenId, remove } = worldWithAccepted();
    world.steering.on(
      'hub.getToken',
      preceded(() => world.hub.change(tokenId, { isActive: false })),
      { nth },
    );
    expect(await remove()).toEqual({ gone: true, httpStatus: 202, confirmedBy: 'inactive' });
    expect(world.steering.argsOf('hub.getToken')).toHaveLength(nth);
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
  });

  it('is not the end while the list still shows the token, and is not looked at again so soon', async () => {
    const { world, tokenId, remove } = worldWithAccepted();
    world.steering.on('hub.getToken', answers(NOT_FOUND));
    expect(await remove()).toMatchObject({ gone: false, code: 'still_listed', waiting: true, seen: { tokenId } });
    expect(world.clock.slept).toEqual([]);
  });

  it('is the end when the list shows the token inactive', async () => {
    const { world, tokenId, remove } = worldWithAccepted();
    world.hub.change(tokenId, { isActive: false });
    world.steering.on('hub.getToken', answers(NOT_FOUND));
    expect(await remove()).toEqual({ gone: true, httpStatus: 202, confirmedBy: 'inactive' });
  });

  it('and cannot be looked at has failed, and is not looked at again so soon', async () => {
    const { world, remove } = worldWithAccepted();
    world.steering.on('hub.getToken', answers(refusal({ tag: 'fault', code: 'timeout' })));
    expect(await remove()).toEqual({ gone: false, code: 'hub_unavailable:timeout', retryAtMs: NOW_MS + 5_000 });
    expect(world.steering.argsOf('hub.getToken')).toHaveLength(1);
  });

  it('and cannot be looked at two seconds later has failed, too', async () => {
    const { world, remove } = worldWithAccepted();
    world.steering.on('hub.getToken', answers(refusal({ tag: 'throttled', retryAtMs: NOW_MS + 40_000 })), { nth: 2 });
    expect(await remove()).toEqual({
      gone: false,
      code: 'hub_throttled',
      retryAtMs: NOW_MS + 40_000,
      waiting: true,
    });
  });
});

describe('a delete that Docker Hub refuses in a way that may mean that the token was gone', () => {
  const REFUSALS = [
    [404, { tag: 'not_found' }, 'hub_refused:account_not_found'],
    [403, { tag: 'forbidden' }, 'hub_refused:forbidden'],
    [410, { tag: 'invalid', fields: [] }, 'hub_refused:bad_request'],
    [400, { tag: 'invalid', fields: ['label'] }, 'label_refused'],
  ] as const satisfies readonly (readonly [number, HubProblem, string])[];

  it.each(REFUSALS)('(%i) is the end when the token and the whole list lack it', async (httpStatus, problem) => {
    const { world, remove } = worldWithToken();
    world.hub.tokens.clear();
    world.steering.on('hub.deleteToken', answers(refusal(problem, { httpStatus, isJson: true })));
    expect(await remove()).toEqual({ gone: true, httpStatus, confirmedBy: 'gone' });
    expect(world.steering.order(...CALLS)).toEqual([...CALLS]);
  });

  it.each(REFUSALS)(
    '(%i) has failed while the token can be read, and says what it showed',
    async (status, problem, code) => {
      const { world, tokenId, remove } = worldWithToken();
      world.steering.on('hub.deleteToken', answers(refusal(problem, { httpStatus: status, isJson: true })));
      expect(await remove()).toEqual({ gone: false, code, seen: expect.objectContaining({ tokenId }) });
      expect(world.steering.argsOf('hub.getToken')).toHaveLength(1);
      expect(world.clock.slept).toEqual([]);
    },
  );

  it.each(REFUSALS)('(%i) is the end when the token reads inactive', async (httpStatus, problem) => {
    const { world, tokenId, remove } = worldWithToken();
    world.hub.change(tokenId, { isActive: false });
    world.steering.on('hub.deleteToken', answers(refusal(problem, { httpStatus, isJson: true })));
    expect(await remove()).toEqual({ gone: true, httpStatus, confirmedBy: 'inactive' });
  });

  it('has the status of what it most likely was where that is not known', async () => {
    const { world, remove } = worldWithToken();
    world.hub.tokens.clear();
    world.steering.on('hub.deleteToken', answers(refusal({ tag: 'not_found' })));
    expect(await remove()).toMatchObject({ httpStatus: 404 });
  });
});

describe('a delete that has no answer of Docker Hub’s own about the token', () => {
  it.each<[HubProblem, object]>([
    [
      { tag: 'throttled', retryAtMs: NOW_MS + 42_000 },
      { code: 'hub_throttled', retryAtMs: NOW_MS + 42_000, waiting: true },
    ],
    [
      { tag: 'fault', code: 'server_error' },
      { code: 'hub_unavailable:server_error', retryAtMs: NOW_MS + 5_000 },
    ],
    [
      { tag: 'fault', code: 'edge' },
      { code: 'hub_unavailable:edge', retryAtMs: NOW_MS + 5_000 },
    ],
    [{ tag: 'plan' }, { code: 'hub_refused:plan' }],
    [{ tag: 'cap_reached' }, { code: 'hub_refused:forbidden' }],
    [{ tag: 'access_token_session' }, { code: 'hub_refused:access_token_session' }],
  ])('(%j) has failed, and nothing else is asked', async (problem, delay) => {
    const { world, remove } = worldWithToken();
    world.hub.tokens.clear();
    world.steering.on('hub.deleteToken', answers(refusal(problem)));
    expect(await remove()).toEqual({ gone: false, ...delay });
    expect(world.steering.order(...CALLS)).toEqual(['hub.deleteToken']);
  });

  it('fails where no session can be had', async () => {
    const { world, remove } = worldWithToken();
    world.credentials.current.clear();
    expect(await failureOf(remove())).toMatchObject({ tag: 'credential_unavailable' });
  });
});

describe('a token that neither its address nor the list shows', () => {
  /** A delete and a look that both answer 404 while the token lives. */
  function worldWithLost() {
    const made = worldWithToken();
    made.world.steering.on('hub.deleteToken', answers(NOT_FOUND));
    made.world.steering.on('hub.getToken', answers(NOT_FOUND));
    return made;
  }

  it.each<[string, HubProblem]>([
    ['has no such account', { tag: 'not_found' }],
    ['refuses the account', { tag: 'forbidden' }],
  ])('may live where the list %s: whoever lost a role sees 404 everywhere', async (_, problem) => {
    const { world, remove } = worldWithLost();
    world.steering.on('hub.listTokens', answers(refusal(problem)));
    expect(await remove()).toEqual({ gone: false, code: 'account_unreachable' });
  });

  it('may live where the token’s address is refused', async () => {
    const { world, remove } = worldWithToken();
    world.steering.on('hub.deleteToken', answers(NOT_FOUND));
    world.steering.on('hub.getToken', answers(refusal({ tag: 'forbidden' })));
    expect(await remove()).toEqual({ gone: false, code: 'account_unreachable' });
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
  });

  it('may live where the list could not be read', async () => {
    const { world, remove } = worldWithLost();
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'fault', code: 'malformed' })));
    expect(await remove()).toEqual({ gone: false, code: 'hub_unavailable:malformed', retryAtMs: NOW_MS + 5_000 });
  });

  it('may live where the list is not complete', async () => {
    const { world, remove } = worldWithLost();
    world.steering.on('hub.listTokens', INCOMPLETE);
    expect(await remove()).toEqual({ gone: false, code: 'listing_incomplete' });
  });

  it('lives where the list shows it, complete or not', async () => {
    const { world, tokenId, remove } = worldWithLost();
    world.hub.pageSize = 1;
    world.hub.give('acme-bot', 'another');
    world.steering.on('hub.listTokens', answers(refusal({ tag: 'forbidden' })), { nth: 2 });
    expect(await remove()).toMatchObject({ gone: false, code: 'still_listed', waiting: true, seen: { tokenId } });
  });

  it('is gone where another token alone is listed', async () => {
    const { world, tokenId, remove } = worldWithLost();
    world.hub.tokens.delete(tokenId);
    world.hub.give('acme-bot', 'another');
    expect(await remove()).toEqual({ gone: true, httpStatus: 404, confirmedBy: 'gone' });
  });
});

describe('a token that nobody has seen in the list', () => {
  /** One that a list which lags does not show yet, so far after its lease was recorded. */
  function worldWithUnlisted(ageMs: number) {
    const world = new World();
    const target = world.addTarget();
    const lease = world.addLease(target);
    world.hub.unlisted.add(lease.tokenId);
    world.steering.on('hub.deleteToken', answers(NOT_FOUND));
    world.steering.on('hub.getToken', answers(NOT_FOUND));
    world.clock.advance(ageMs);
    return { world, target, lease, remove: () => removeToken(world.ports, target, PAT, lease.tokenId, lease) };
  }

  it('may live before it must be listed, and waiting for that is no failure', async () => {
    const { remove } = worldWithUnlisted(QUIET_AFTER_MS - 1);
    expect(await remove()).toEqual({
      gone: false,
      code: 'quiet_period',
      waiting: true,
      retryAtMs: NOW_MS + QUIET_AFTER_MS,
    });
  });

  it('is gone once it must be listed', async () => {
    const { remove } = worldWithUnlisted(QUIET_AFTER_MS);
    expect(await remove()).toEqual({ gone: true, httpStatus: 404, confirmedBy: 'gone' });
  });

  it('may live where the listing began before that, however long it took', async () => {
    const { world, remove } = worldWithUnlisted(QUIET_AFTER_MS - 1);
    world.steering.on(
      'hub.listTokens',
      followed(() => world.clock.advance(60_000)),
    );
    expect(await remove()).toMatchObject({ gone: false, code: 'quiet_period' });
  });

  it.each<[string, HubReply<{ httpStatus: number }>, boolean, object]>([
    ['its delete is answered with 204', accepted(204), true, { httpStatus: 204 }],
    ['it reads inactive', accepted(202), false, { httpStatus: 202, confirmedBy: 'inactive' }],
  ])('is gone at once where %s', async (_, reply, isActive, proof) => {
    const world = new World();
    const target = world.addTarget();
    const lease = world.addLease(target);
    world.hub.change(lease.tokenId, { isActive });
    world.steering.on('hub.deleteToken', answers(reply));
    expect(await removeToken(world.ports, target, PAT, lease.tokenId, lease)).toEqual({ gone: true, ...proof });
    expect(world.steering.argsOf('hub.listTokens')).toEqual([]);
  });
});
