import { describe, expect, it } from 'vitest';
import { mintThrowaway, THROWAWAY_LABELS, VERIFICATION_SECRET } from '../../functions/core/catalog/throwaway.ts';
import { MARK_CHARACTERS } from '../../functions/core/hub/label.ts';
import type { Target } from '../../functions/core/model/target.ts';
import type { HubProblem, TokenOrder } from '../../functions/core/ports/docker-hub.ts';
import { answers, type Fault, losesReply, refusal, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, ORG, ORIGIN, VERIFICATION, World } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Docker Hub refused the create for this, as it does with a 400. */
const refused = (problem: HubProblem) => answers(refusal(problem, { httpStatus: 400, isJson: true }));
const EXPIRY = refused({ tag: 'invalid', fields: ['expires_at'] });
const LABEL = refused({ tag: 'invalid', fields: ['token_label'] });
const UNCLEAR = refused({ tag: 'invalid', fields: [] });

function worldWithTarget(target: Partial<Target> = {}) {
  const world = new World();
  return { world, target: world.addTarget(target) };
}

/** Mints the token of a verification that has time for everything. */
function make(world: World, target: Target, { labels = THROWAWAY_LABELS, untilMs = NOW_MS + 99_000 } = {}) {
  return mintThrowaway(world.ports, ORIGIN, target, labels, untilMs);
}

/** What was asked of Docker Hub, in order. */
function asked(world: World): TokenOrder[] {
  return world.steering.argsOf('minter.createToken').map(([, , order]) => order as TokenOrder);
}

function refuse(world: World, fault: Fault, times: number) {
  world.steering.on('minter.createToken', fault, { times });
}

describe('the token of a verification', () => {
  it('is the least that a user’s account can give, and lives for half an hour', async () => {
    const { world, target } = worldWithTarget();
    const made = await make(world, target);
    expect(made).toMatchObject({ granularity: 'second', labelMaxCharacters: 100 });
    expect(made).not.toHaveProperty('minSeconds');
    expect(made?.lease).toMatchObject({
      secret: VERIFICATION_SECRET,
      status: 'active',
      renewable: false,
      expiresAtMs: NOW_MS + 1_800_000,
      maxExpiresAtMs: NOW_MS + 1_800_000,
    });
    expect(made?.lease).not.toHaveProperty('counters');
    expect(asked(world)).toEqual([
      { label: made?.lease.hubLabel, expiresAtMs: NOW_MS + 1_800_000, scope: 'repo:public_read' },
    ]);
  });

  it('is the least that an organization can give', async () => {
    const { world, target } = worldWithTarget(ORG);
    await make(world, target);
    expect(asked(world)[0]).toMatchObject({
      resources: [{ type: 'TYPE_REPO', path: '*/*/public', scopes: ['scope-image-pull'] }],
    });
    expect(asked(world)[0]).not.toHaveProperty('scope');
  });

  it('counts on no quota, and none keeps it back', async () => {
    const { world, target } = worldWithTarget({ maxActive: 0 });
    expect((await make(world, target))?.lease.status).toBe('active');
  });

  it('is minted though the target’s mints are refused', async () => {
    const { world, target } = worldWithTarget();
    world.addFacts('acme-bot', { refusal: { code: 'expiry_refused', sinceMs: 0, triedAtMs: 0 } });
    expect((await make(world, target))?.lease.status).toBe('active');
  });

  it('is minted for a target that is not stored yet', async () => {
    const { world, target } = worldWithTarget();
    world.catalog.targets.set('acme-bot', undefined);
    expect((await make(world, target))?.lease.status).toBe('active');
  });

  it('has a message for its backstop, which waits no longer than a message can', async () => {
    const { world, target } = worldWithTarget();
    const made = await make(world, target);
    expect(world.steering.argsOf('queue.send')).toEqual([[made?.lease.id, 900_000]]);
    expect(world.steering.argsOf('backstop.arm')).toEqual([]);
  });

  it('whose end is near is sent that message for its end, and at once when it is over', async () => {
    const { world, target } = worldWithTarget();
    world.hub.keepsExpiry = () => NOW_MS + 60_000;
    const made = await make(world, target);
    expect(world.steering.argsOf('queue.send').at(-1)).toEqual([made?.lease.id, 60_000]);

    const late = worldWithTarget();
    late.world.hub.keepsExpiry = () => NOW_MS + 60_000;
    late.world.steering.on('leases.update', async (apply) => {
      const outcome = await apply();
      late.world.clock.advance(70_000);
      return outcome;
    });
    await make(late.world, late.target);
    expect(late.world.steering.argsOf('queue.send').at(-1)?.[1]).toBe(0);
  });

  it('is given up where it has no backstop', async () => {
    const { world, target } = worldWithTarget();
    world.steering.on('queue.send', rejects);
    expect(await failureOf(make(world, target))).toMatchObject({ tag: 'not_recorded' });
    expect(world.hub.tokens.size).toBe(0);
  });
});

describe('the expiry of that token', () => {
  it.each<[number, string, number]>([
    [1, 'minute', NOW_MS + 1_800_000],
    [2, 'hour', NOW_MS + HOUR_MS],
    [3, 'day', Date.UTC(2026, 10, 22)],
  ])('after %i refusals is rounded to the %s', async (times, granularity, expiresAtMs) => {
    const { world, target } = worldWithTarget();
    refuse(world, EXPIRY, times);
    const made = await make(world, target);
    expect(made).toMatchObject({ granularity, labelMaxCharacters: 100 });
    expect(made).not.toHaveProperty('minSeconds');
    expect(asked(world).at(-1)?.expiresAtMs).toBe(expiresAtMs);
    expect(asked(world)).toHaveLength(times + 1);
  });

  it.each<[number, string, number, number]>([
    [4, 'second', 3_600, NOW_MS + HOUR_MS + 60_000],
    [5, 'second', 86_400, NOW_MS + DAY_MS + 60_000],
    [6, 'day', 86_400, Date.UTC(2026, 10, 23)],
  ])('after %i refusals is to the %s, and no nearer than %i s', async (times, granularity, minSeconds, expiresAtMs) => {
    const { world, target } = worldWithTarget();
    refuse(world, EXPIRY, times);
    const made = await make(world, target);
    expect(made).toMatchObject({ granularity, minSeconds });
    expect(made?.lease).toMatchObject({ expiresAtMs: NOW_MS + 1_800_000, hubExpiresAtMs: expiresAtMs });
    expect(asked(world).at(-1)?.expiresAtMs).toBe(expiresAtMs);
  });

  it.each<[string, Fault]>([
    ['names the expiry', EXPIRY],
    ['names nothing', UNCLEAR],
  ])('is changed after a 400 that %s', async (_, fault) => {
    const { world, target } = worldWithTarget();
    refuse(world, fault, 1);
    expect(await make(world, target)).toMatchObject({ granularity: 'minute' });
  });

  it('is changed where Docker Hub kept one that leaves too little', async () => {
    const { world, target } = worldWithTarget();
    world.hub.keepsExpiry = (askedMs) => ((askedMs as number) < NOW_MS + HOUR_MS ? NOW_MS : askedMs);
    expect(await make(world, target)).toMatchObject({ granularity: 'hour' });
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('begins at its finest, whatever was learned before', async () => {
    const verification = { ...VERIFICATION, expiryMinSeconds: 86_400 };
    const { world, target } = worldWithTarget({ expiryGranularity: 'day', verification });
    const made = await make(world, target);
    expect(made).toMatchObject({ granularity: 'second' });
    expect(made).not.toHaveProperty('minSeconds');
    expect(asked(world)[0]?.expiresAtMs).toBe(NOW_MS + 1_800_000);
  });

  it('can be kept from ending at all by a target that was never verified, too', async () => {
    const { world, target } = worldWithTarget();
    const { verification: _, ...unverified } = target;
    refuse(world, EXPIRY, 4);
    expect(await make(world, unverified)).toMatchObject({ minSeconds: 3_600 });
  });
});

describe('the label of that token', () => {
  it('is first as long as any that is documented, and of mixed case', async () => {
    const { world, target } = worldWithTarget();
    await make(world, target);
    const label = asked(world)[0]?.label as string;
    expect(label).toHaveLength(100);
    expect(label.slice(MARK_CHARACTERS)).toMatch(/^ [A-Z][a-z].*\.$/);
  });

  it.each<[string, (world: World) => void]>([
    ['is refused', (world) => refuse(world, LABEL, 1)],
    ['comes back cut', (world) => Object.assign(world.hub, { keepsLabel: (label: string) => label.slice(0, 64) })],
  ])('is our mark alone where that %s, and the expiry begins at its finest again', async (_, happen) => {
    const { world, target } = worldWithTarget();
    refuse(world, EXPIRY, 1);
    happen(world);
    const made = await make(world, target);
    expect(made).toMatchObject({ labelMaxCharacters: 59, granularity: 'second' });
    expect(made?.lease).not.toHaveProperty('label');
    expect(asked(world).at(-1)?.label).toHaveLength(59);
    expect(asked(world)).toHaveLength(3);
    expect(world.hub.tokens.size).toBe(1);
    expect(world.factsOf('acme-bot')).toEqual({});
  });

  it('is our mark alone after a 400 that names nothing, whatever the expiry', async () => {
    const { world, target } = worldWithTarget();
    refuse(world, UNCLEAR, 7);
    expect(await make(world, target)).toMatchObject({ labelMaxCharacters: 59, granularity: 'second' });
  });

  it('is refused where not even our mark comes back, and no token is left', async () => {
    const { world, target } = worldWithTarget();
    world.hub.keepsLabel = (label) => label.toLowerCase();
    expect(await failureOf(make(world, target))).toEqual({ tag: 'label_refused', target: 'acme-bot' });
    expect(asked(world).map(({ label }) => label.length)).toEqual([100, 59]);
    expect(world.hub.tokens.size).toBe(0);
  });

  it('is only of the ones that are to be tried', async () => {
    const { world, target } = worldWithTarget();
    const made = await make(world, target, { labels: THROWAWAY_LABELS.slice(1) });
    expect(made).toMatchObject({ labelMaxCharacters: 59 });
    expect(asked(world)[0]?.label).toHaveLength(59);
  });
});

describe('a verification that Docker Hub gives no token', () => {
  it('ends with the last refusal', async () => {
    const { world, target } = worldWithTarget();
    refuse(world, UNCLEAR, 13);
    world.steering.on('minter.createToken', EXPIRY);
    expect(await failureOf(make(world, target))).toEqual({ tag: 'expiry_refused', target: 'acme-bot' });
    expect(asked(world)).toHaveLength(14);
  });

  it.each<[string, Fault, object]>([
    ['its number of tokens', refused({ tag: 'cap_reached' }), { tag: 'quota_reached' }],
    ['its plan', refused({ tag: 'plan' }), { tag: 'hub_refused', code: 'plan' }],
    ['the role of its user', answers(refusal({ tag: 'forbidden' })), { tag: 'hub_refused', code: 'forbidden' }],
    ['an outage', answers(refusal({ tag: 'fault', code: 'timeout' })), { tag: 'hub_unavailable' }],
    ['an answer that was lost', losesReply, { tag: 'hub_unavailable' }],
  ])('for %s asks no second time', async (_, fault, failure) => {
    const { world, target } = worldWithTarget();
    refuse(world, fault, 9);
    expect(await failureOf(make(world, target))).toMatchObject(failure);
    expect(asked(world)).toHaveLength(1);
  });

  it('for its number of tokens is told of the holders in all accounts, for an admin has ordered it', async () => {
    const { world, target } = worldWithTarget();
    const holder = 'arn:aws:iam::444455556666:role/payments';
    world.addLease(target, { counters: [`target:${target.name}`], caller: holder });
    refuse(world, refused({ tag: 'cap_reached' }), 9);
    expect(await failureOf(make(world, target))).toMatchObject({ tag: 'quota_reached', holders: [holder] });
  });

  it('for a fault of its own ends with that fault', async () => {
    const { world, target } = worldWithTarget();
    const fault = new Error('a fault');
    const ports = {
      ...world.ports,
      ids: {
        ...world.ports.ids,
        leaseId: () => {
          throw fault;
        },
      },
    };
    await expect(mintThrowaway(ports, ORIGIN, target, THROWAWAY_LABELS, NOW_MS + 1)).rejects.toBe(fault);
  });

  it('in time is asked for again by whoever wants it', async () => {
    const { world, target } = worldWithTarget();
    const slow: Fault = async () => {
      world.clock.advance(5_500);
      return refusal({ tag: 'invalid', fields: ['expires_at'] }, { httpStatus: 400, isJson: true });
    };
    refuse(world, slow, 9);
    expect(await make(world, target, { untilMs: NOW_MS + 11_000 })).toBeUndefined();
    expect(asked(world)).toHaveLength(2);
  });

  it('in time asks once more in the last millisecond', async () => {
    const { world, target } = worldWithTarget();
    const untilMs = NOW_MS + 11_000;
    world.clock.advance(10_999);
    expect(await make(world, target, { untilMs })).toBeDefined();
    world.clock.advance(1);
    expect(await make(world, target, { untilMs })).toBeUndefined();
  });
});
