import { describe, expect, it } from 'vitest';
import { isRefusedCleanly, refusalOf } from '../../functions/core/leases/refused-create.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubMeta, HubProblem } from '../../functions/core/ports/docker-hub.ts';
import { answers, followed, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, ORIGIN, World } from './world.ts';

const FORBIDDEN: HubProblem = { tag: 'forbidden' };
const NO_FIELDS: HubProblem = { tag: 'invalid', fields: [] };
const CAP: HubProblem = { tag: 'cap_reached' };

describe('a create that Docker Hub refused', () => {
  const named: HubProblem = { tag: 'invalid', fields: ['scopes'] };

  it.each<[string, HubProblem, HubMeta, boolean]>([
    ['401', { tag: 'session_refused' }, { httpStatus: 401, isJson: true }, true],
    ['403', FORBIDDEN, { httpStatus: 403, isJson: true }, true],
    ['403 for its plan', { tag: 'plan' }, { httpStatus: 403, isJson: true }, true],
    ['403 for its number of tokens', CAP, { httpStatus: 403, isJson: true }, true],
    ['404', { tag: 'not_found' }, { httpStatus: 404, isJson: true }, true],
    ['429', { tag: 'throttled', retryAtMs: NOW_MS }, { httpStatus: 429, isJson: true }, true],
    ['400 that names a field that was sent', named, { httpStatus: 400, isJson: true }, true],
    ['400 that names none', NO_FIELDS, { httpStatus: 400, isJson: true }, false],
    ['400 that speaks of a limit', CAP, { httpStatus: 400, isJson: true }, false],
    ['408', NO_FIELDS, { httpStatus: 408, isJson: true }, false],
    ['409 that names a field', named, { httpStatus: 409, isJson: true }, false],
    ['422 that names a field', named, { httpStatus: 422, isJson: true }, false],
    ['425', NO_FIELDS, { httpStatus: 425, isJson: true }, false],
    ['500', { tag: 'fault', code: 'server_error' }, { httpStatus: 500, isJson: true }, false],
    ['no answer', { tag: 'fault', code: 'timeout' }, {}, false],
    ['JSON of unknown status', FORBIDDEN, { isJson: true }, false],
    ['401 not in its form', { tag: 'session_refused' }, { httpStatus: 401 }, false],
    ['403 not in its form', { tag: 'fault', code: 'edge' }, { httpStatus: 403 }, false],
    ['404 not in its form', { tag: 'fault', code: 'malformed' }, { httpStatus: 404 }, false],
    ['429 not in its form', { tag: 'throttled', retryAtMs: NOW_MS }, { httpStatus: 429 }, false],
    ['400 not in its form that names a field', named, { httpStatus: 400 }, false],
  ])('with %s', (_, problem, meta, isClean) => {
    expect(isRefusedCleanly(problem, meta)).toBe(isClean);
  });
});

/** An organization with this many tokens, of which `ours` are open leases that hold places. */
function worldWithOrganization(tokens: number, { ours = 0, target = {} as Partial<Target> } = {}) {
  const world = new World();
  const org = world.addTarget({ ...ORG, maxActive: 100, ...target });
  for (let lease = 0; lease < ours; lease++) world.addLease(org, { counters: ['target:acme'] });
  for (let token = ours; token < tokens; token++) world.hub.give('acme', `other ${token}`);
  return { world, target: org, place: { kind: 'oat', organization: 'acme' } as const };
}

type Org = ReturnType<typeof worldWithOrganization>;

const told = ({ world, target, place }: Org, problem: HubProblem) =>
  failureOf(refusalOf(world.ports, target, place, { problem }, 'admin').then((failed) => Promise.reject(failed)));

describe('an organization that takes no more tokens', () => {
  const full = (most: number) => ({ tag: 'quota_reached', counter: 'target:acme', most });

  it.each([10, 100])('is known by a list of exactly %i, and remembered', async (tokens) => {
    const org = worldWithOrganization(tokens);
    expect(await told(org, FORBIDDEN)).toMatchObject(full(tokens));
    expect(org.world.factsOf('acme').cap).toEqual({ tokens, atMs: NOW_MS });
    expect(org.world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('is known by a list after a 400 that names no field, too', async () => {
    expect(await told(worldWithOrganization(10), NO_FIELDS)).toMatchObject(full(10));
  });

  it.each([0, 9, 11, 99, 101])('is not known by a list of %i', async (tokens) => {
    const org = worldWithOrganization(tokens);
    expect(await told(org, FORBIDDEN)).toEqual({ tag: 'hub_refused', code: 'forbidden', target: 'acme' });
    expect(await told(org, NO_FIELDS)).toEqual({ tag: 'hub_refused', code: 'bad_request', target: 'acme' });
    expect(org.world.factsOf('acme')).not.toHaveProperty('cap');
  });

  it.each<HubProblem>([
    { tag: 'invalid', fields: ['label'] },
    { tag: 'plan' },
    { tag: 'not_found' },
    { tag: 'session_refused' },
    { tag: 'throttled', retryAtMs: NOW_MS + 5_000 },
    { tag: 'fault', code: 'timeout' },
  ])('is not looked for after %j', async (problem) => {
    const org = worldWithOrganization(10);
    expect(await told(org, problem)).not.toMatchObject({ tag: 'quota_reached' });
    expect(org.world.steering.hubCalls).toBe(0);
  });

  it('is known by words that name a limit, whatever the list shows, and remembered with that number', async () => {
    const org = worldWithOrganization(25);
    expect(await told(org, CAP)).toMatchObject(full(25));
    expect(org.world.factsOf('acme').cap).toEqual({ tokens: 25, atMs: NOW_MS });
  });

  it('is not listed again for such words while its cap is known', async () => {
    const org = worldWithOrganization(25);
    org.world.addFacts('acme', { cap: { tokens: 10, atMs: NOW_MS - 86_399_999 } });
    expect(await told(org, CAP)).toMatchObject(full(10));
    expect(org.world.steering.argsOf('hub.listTokens')).toEqual([]);
  });

  it('is listed again for such words once its cap is a day old', async () => {
    const org = worldWithOrganization(25);
    org.world.addFacts('acme', { cap: { tokens: 10, atMs: NOW_MS - 86_400_000 } });
    expect(await told(org, CAP)).toMatchObject(full(25));
  });

  it('is listed again after other words, for those may be of a lost role', async () => {
    const org = worldWithOrganization(7);
    org.world.addFacts('acme', { cap: { tokens: 10, atMs: NOW_MS } });
    expect(await told(org, FORBIDDEN)).toMatchObject({ tag: 'hub_refused', code: 'forbidden' });
  });

  it.each<[string, (world: World) => void]>([
    ['cannot be read', (world) => world.steering.on('hub.listTokens', answers(refusal(FORBIDDEN)))],
    [
      'ends early',
      (world) =>
        world.steering.on(
          'hub.listTokens',
          answers({ ok: true, value: { tokens: [], total: 3, more: false }, meta: {} }),
        ),
    ],
    ['fails', (world) => world.steering.on('hub.listTokens', rejects)],
    ['is empty', (world) => world.hub.tokens.clear()],
  ])(
    'is told with what is ours where words name a limit and the list %s, and nothing is remembered',
    async (_, spoil) => {
      const org = worldWithOrganization(10, { ours: 3 });
      spoil(org.world);
      expect(await told(org, CAP)).toMatchObject(full(3));
      expect(org.world.factsOf('acme')).not.toHaveProperty('cap');
    },
  );

  it('is not looked for page after page while the caller waits', async () => {
    const org = worldWithOrganization(10);
    org.world.hub.pageSize = 5;
    org.world.steering.on(
      'hub.listTokens',
      followed(() => org.world.clock.advance(4_000)),
    );
    expect(await told(org, FORBIDDEN)).toMatchObject({ tag: 'hub_refused' });
    expect(org.world.steering.argsOf('hub.listTokens')).toHaveLength(1);
  });

  it('is looked for on as many pages as come within that time', async () => {
    const org = worldWithOrganization(10);
    org.world.hub.pageSize = 5;
    org.world.steering.on(
      'hub.listTokens',
      followed(() => org.world.clock.advance(3_999)),
    );
    expect(await told(org, FORBIDDEN)).toMatchObject(full(10));
  });

  it('names who holds places, and when the next one is free', async () => {
    const org = worldWithOrganization(10, { ours: 2 });
    expect(await told(org, CAP)).toEqual({
      ...full(10),
      holders: [ORIGIN.caller.arn],
      retryAfterSeconds: 900,
    });
  });

  it('asks to wait a minute where all of its tokens are of others', async () => {
    expect(await told(worldWithOrganization(10), CAP)).toEqual({ ...full(10), holders: [], retryAfterSeconds: 60 });
  });

  it('is no word of the store’s', async () => {
    const org = worldWithOrganization(10);
    org.world.steering.on('leases.listOpen', rejects);
    expect(await told(org, CAP)).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('a user’s account, which has no documented cap,', () => {
  function worldWithUser() {
    const world = new World();
    const target = world.addTarget();
    world.addLease(target);
    for (let token = 1; token < 10; token++) world.hub.give('acme-bot', `other ${token}`);
    return { world, target, place: { kind: 'pat' } as const };
  }

  it('is not listed for a refusal', async () => {
    const { world, target, place } = worldWithUser();
    const failed = await refusalOf(world.ports, target, place, { problem: FORBIDDEN }, 'admin');
    expect(failed.failure).toEqual({ tag: 'hub_refused', code: 'forbidden', target: 'acme-bot' });
    expect(world.steering.hubCalls).toBe(0);
  });

  it('names to a caller only the holders in their own account', async () => {
    const { world, target, place } = worldWithUser();
    const holders = ['arn:aws:iam::111122223333:role/ci', 'arn:aws:iam::444455556666:role/payments'];
    for (const caller of holders) world.addLease(target, { counters: [`target:${target.name}`], caller });
    const failed = await refusalOf(world.ports, target, place, { problem: CAP }, { accountId: '444455556666' });
    expect(failed.failure).toMatchObject({ tag: 'quota_reached', holders: [holders[1]] });
  });

  it('is full where Docker Hub’s words say so, and nothing is remembered', async () => {
    const { world, target, place } = worldWithUser();
    const failed = await refusalOf(world.ports, target, place, { problem: CAP }, 'admin');
    expect(failed.failure).toMatchObject({ tag: 'quota_reached', counter: 'target:acme-bot', most: 1 });
    expect(world.steering.hubCalls).toBe(0);
    expect(world.factsOf('acme-bot')).toEqual({});
  });
});
