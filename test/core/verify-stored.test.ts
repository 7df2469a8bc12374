import { describe, expect, it } from 'vitest';
import type { VerificationStep } from '../../functions/core/catalog/verify.ts';
import { endRefusal, verifyStored } from '../../functions/core/catalog/verify-stored.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubFacts, MintRefusal } from '../../functions/core/ports/sessions.ts';
import { answers, preceded, refusal } from './ports/steering.ts';
import { failureOf, NOW_MS, ORIGIN, VERIFICATION, World } from './world.ts';

const NOT_FOUND = answers(refusal({ tag: 'not_found' }, { httpStatus: 404, isJson: true }));
const OUT = answers(refusal({ tag: 'fault', code: 'timeout' }));

function refusedFor(code: MintRefusal): NonNullable<HubFacts['refusal']> {
  return { code, sinceMs: NOW_MS - 9_000, triedAtMs: NOW_MS - 5_000 };
}

function worldWithTarget(target: Partial<Target> = {}, facts: HubFacts = {}) {
  const world = new World();
  world.addFacts('acme-bot', facts);
  return { world, target: world.addTarget(target) };
}

const verify = (world: World, target: Target) => verifyStored(world.ports, ORIGIN, target);

describe('a stored target that is verified', () => {
  it('is written with what was learned, one version later, and audited', async () => {
    const { world, target } = worldWithTarget({ version: 4, expiryGranularity: 'day' });
    world.clock.advance(9);
    const verified = await verify(world, target);
    expect(verified).toStrictEqual({
      target: {
        ...target,
        version: 5,
        opId: expect.any(String),
        expiryGranularity: 'second',
        verification: { ...VERIFICATION, atMs: NOW_MS + 9, creatorUserAgentKept: true, deleteStatus: 204 },
      },
    });
    expect(world.catalog.targets.all()).toEqual([verified.target]);
    expect(world.events.at(-1)).toEqual({
      event: 'target.verified',
      atMs: NOW_MS + 9,
      caller: ORIGIN.caller.arn,
      callerId: ORIGIN.caller.id,
      requestId: 'request-1',
      sourceIp: '192.0.2.7',
      target: 'acme-bot',
    });
  });

  it('names no address of the caller that is not known', async () => {
    const { world, target } = worldWithTarget();
    const { sourceIp: _, ...origin } = ORIGIN;
    await verifyStored(world.ports, origin, target);
    expect(world.events.at(-1)).not.toHaveProperty('sourceIp');
  });

  it('stays as it is where time ran out before a token was made, and its mints stay refused', async () => {
    const facts = { refusal: refusedFor('label_refused') };
    const { world, target } = worldWithTarget({}, facts);
    world.steering.on('minter.createToken', async () => {
      world.clock.advance(11_000);
      return refusal({ tag: 'invalid', fields: [] });
    });
    expect(await verify(world, target)).toStrictEqual({ target, pending: 'login' });
    expect(world.catalog.targets.all()).toEqual([target]);
    expect(world.factsOf('acme-bot')).toEqual(facts);
    expect(world.eventNames).not.toContain('target.verified');
  });

  it('is written with what was learned though Docker Hub has yet to delete the token', async () => {
    const { world, target } = worldWithTarget({}, { refusal: refusedFor('list_lags') });
    world.steering.on('hub.deleteToken', OUT, { times: 9 });
    const verified = await verify(world, target);
    expect(verified).toMatchObject({ target: { version: 2, verification: { listDelayMs: 0 } }, pending: 'delete' });
    expect(world.catalog.targets.all()).toEqual([verified.target]);
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('is not written over what somebody else wrote meanwhile, and its mints stay refused', async () => {
    const { world, target } = worldWithTarget({}, { refusal: refusedFor('label_refused') });
    world.steering.on(
      'catalog.putTarget',
      preceded(() => world.catalog.targets.set('acme-bot', { ...target, version: 2 })),
    );
    expect(await failureOf(verify(world, target))).toEqual({ tag: 'version_conflict', name: 'acme-bot' });
    expect(world.factsOf('acme-bot').refusal).toBeDefined();
    expect(world.eventNames).not.toContain('target.verified');
  });
});

describe('a stored target that fails its verification', () => {
  it.each<[MintRefusal, (world: World) => void]>([
    ['label_refused', (world) => Object.assign(world.hub, { keepsLabel: () => 'another' })],
    ['expiry_refused', (world) => Object.assign(world.hub, { keepsExpiry: () => null })],
  ])('with %s has its mints refused', async (code, spoil) => {
    const { world, target } = worldWithTarget();
    spoil(world);
    expect(await failureOf(verify(world, target))).toEqual({ tag: code, target: 'acme-bot' });
    expect(world.factsOf('acme-bot').refusal).toMatchObject({ code });
    expect(world.eventNames).toContain('target.refused');
    expect(world.catalog.targets.all()).toEqual([target]);
  });

  it.each([
    ['an outage', OUT, 'hub_unavailable'],
    ['a lost role', answers(refusal({ tag: 'forbidden' })), 'hub_refused'],
  ])('for %s goes on giving tokens', async (_, fault, tag) => {
    const { world, target } = worldWithTarget();
    world.steering.on('minter.createToken', fault);
    expect(await failureOf(verify(world, target))).toMatchObject({ tag });
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('for a fault of its own goes on giving tokens, too', async () => {
    const { world, target } = worldWithTarget();
    const fault = new Error('a fault');
    const ids = {
      ...world.ports.ids,
      leaseId: () => {
        throw fault;
      },
    };
    await expect(verifyStored({ ...world.ports, ids }, ORIGIN, target)).rejects.toBe(fault);
    expect(world.factsOf('acme-bot')).toEqual({});
  });
});

describe('a refusal of mints', () => {
  const NEVER = { atMs: 0, account: 'acme-bot', loginRoute: 'auth-token' } as const;
  type Verified = { pending: VerificationStep | undefined } | undefined;

  it.each<[string, Verified, Partial<Target>, Record<MintRefusal, boolean>]>([
    [
      'by a verification that passed',
      { pending: undefined },
      {},
      { expiry_refused: true, label_refused: true, list_lags: true },
    ],
    [
      'by one whose token is not gone yet',
      { pending: 'delete' },
      {},
      { expiry_refused: true, label_refused: true, list_lags: true },
    ],
    [
      'by one whose token is not listed yet',
      { pending: 'list' },
      {},
      { expiry_refused: true, label_refused: true, list_lags: false },
    ],
    [
      'by one whose token could not be read yet',
      { pending: 'read' },
      {},
      { expiry_refused: false, label_refused: false, list_lags: false },
    ],
    [
      'by a login alone',
      { pending: undefined },
      { verification: NEVER },
      { expiry_refused: false, label_refused: false, list_lags: false },
    ],
    [
      'by a change without a verification',
      undefined,
      {},
      { expiry_refused: false, label_refused: false, list_lags: false },
    ],
    [
      'by the owner’s word on expiries',
      undefined,
      { allowUnprovenExpiry: true },
      { expiry_refused: true, label_refused: false, list_lags: false },
    ],
  ])('is ended %s, where it is about what was shown', async (_, verified, target, isOver) => {
    for (const code of ['expiry_refused', 'label_refused', 'list_lags'] as const) {
      const { world, target: changed } = worldWithTarget(target, { refusal: refusedFor(code), listLagMs: 7 });
      await endRefusal(world.ports, changed, verified);
      const left = isOver[code] ? {} : { refusal: refusedFor(code) };
      expect(world.factsOf('acme-bot'), code).toEqual({ listLagMs: 7, ...left });
    }
  });

  it('that there is not needs no write', async () => {
    const { world, target } = worldWithTarget({}, { listLagMs: 7 });
    await endRefusal(world.ports, target, { pending: undefined });
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
  });

  it('that stays needs no write', async () => {
    const { world, target } = worldWithTarget({}, { refusal: refusedFor('label_refused') });
    await endRefusal(world.ports, target, undefined);
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
  });

  it('is not ended for a target of which nothing was ever verified', async () => {
    const { world, target } = worldWithTarget({}, { refusal: refusedFor('label_refused') });
    const { verification: _, ...bare } = target;
    await endRefusal(world.ports, bare, { pending: undefined });
    expect(world.factsOf('acme-bot').refusal).toBeDefined();
  });

  it('ends with a verification of the stored target, which is then minted from', async () => {
    const { world, target } = worldWithTarget({}, { refusal: refusedFor('expiry_refused') });
    await verify(world, target);
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('for a list that lags stays while the verification’s token is not listed', async () => {
    const { world, target } = worldWithTarget({}, { refusal: refusedFor('list_lags') });
    world.steering.on('hub.getToken', NOT_FOUND, { times: 99 });
    expect(await verify(world, target)).toMatchObject({ pending: 'read' });
    expect(world.factsOf('acme-bot').refusal).toEqual(refusedFor('list_lags'));
  });
});
