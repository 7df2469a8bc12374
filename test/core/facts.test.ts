import { describe, expect, it } from 'vitest';
import { capOf, noteFacts, noteInRecord, readFacts, refuseMints } from '../../functions/core/hub/facts.ts';
import { losesReply, preceded, rejects } from './ports/steering.ts';
import { failureOf, NOW_MS, World } from './world.ts';

const LAG = { listLagMs: 5 };
const REFUSAL = { code: 'label_refused', sinceMs: NOW_MS - 9, triedAtMs: NOW_MS - 5 } as const;

/** A world in which a target's record is there, with what is known of its Docker Hub. */
function worldWithFacts(facts = {}) {
  const world = new World();
  world.addFacts('acme-bot', facts);
  return world;
}

/** Writes the record as somebody else would. */
function writeBeside(world: World, change: object) {
  const record = world.sessions.rows.get('acme-bot');
  if (record !== undefined) {
    world.sessions.rows.set('acme-bot', { ...record, ...change, version: record.version + 1, opId: 'op-of-another' });
  }
}

describe('what is known of a target by use', () => {
  it('is read from its record', async () => {
    expect(await readFacts(worldWithFacts(LAG).ports, 'acme-bot')).toEqual(LAG);
  });

  it('is nothing where there is no record, or none of it in the record', async () => {
    const world = new World();
    expect(await readFacts(world.ports, 'acme-bot')).toEqual({});
    world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'op-1' });
    expect(await readFacts(world.ports, 'acme-bot')).toEqual({});
  });

  it('cannot be read while the store is out', async () => {
    const world = worldWithFacts();
    world.steering.on('sessions.read', rejects);
    expect(await failureOf(readFacts(world.ports, 'acme-bot'))).toMatchObject({ tag: 'store_unavailable' });
  });
});

describe('a fact that is noted', () => {
  it('stands beside the others and the rest of the record, one version later', async () => {
    const world = worldWithFacts(LAG);
    writeBeside(world, { account: 'acme-bot' });
    await noteFacts(world.ports, 'acme-bot', () => ({ pageSize: 50 }));
    expect(world.sessions.rows.get('acme-bot')).toEqual({
      target: 'acme-bot',
      version: 3,
      opId: 'op-1',
      account: 'acme-bot',
      facts: { listLagMs: 5, pageSize: 50 },
    });
  });

  it('can depend on what is known, and replaces it', async () => {
    const world = worldWithFacts(LAG);
    await noteFacts(world.ports, 'acme-bot', ({ listLagMs = 0 }) => ({ listLagMs: listLagMs + 1 }));
    expect(world.factsOf('acme-bot')).toEqual({ listLagMs: 6 });
  });

  it('is the first one where nothing was known', async () => {
    const world = new World();
    world.sessions.rows.set('acme-bot', { target: 'acme-bot', version: 1, opId: 'op-of-a-login' });
    await noteFacts(world.ports, 'acme-bot', (facts) => {
      expect(facts).toEqual({});
      return LAG;
    });
    expect(world.factsOf('acme-bot')).toEqual(LAG);
  });

  it('is forgotten by undefined, and no member is left of it', async () => {
    const world = worldWithFacts({ ...LAG, pageSize: 10 });
    await noteFacts(world.ports, 'acme-bot', () => ({ pageSize: undefined }));
    expect(world.sessions.rows.get('acme-bot')?.facts).toStrictEqual(LAG);
  });

  it('is not written where nothing changes', async () => {
    const world = worldWithFacts(LAG);
    await noteFacts(world.ports, 'acme-bot', () => undefined);
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
  });

  it('of a target without a record is not written: the next use finds it out again', async () => {
    const world = new World();
    await noteFacts(world.ports, 'acme-bot', () => LAG);
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
    expect(world.sessions.rows.all()).toEqual([]);
  });

  it('is judged again where somebody else wrote meanwhile', async () => {
    const world = worldWithFacts(LAG);
    world.steering.on(
      'sessions.write',
      preceded(() => writeBeside(world, { facts: { listLagMs: 8 } })),
    );
    await noteFacts(world.ports, 'acme-bot', ({ listLagMs = 0 }) => ({ listLagMs: listLagMs + 1 }));
    expect(world.factsOf('acme-bot')).toEqual({ listLagMs: 9 });
  });

  it('is given up after four others', async () => {
    const world = worldWithFacts(LAG);
    world.steering.on(
      'sessions.write',
      preceded(() => writeBeside(world, {})),
      { times: 9 },
    );
    await noteFacts(world.ports, 'acme-bot', () => ({ pageSize: 10 }));
    expect(world.steering.argsOf('sessions.write')).toHaveLength(4);
    expect(world.factsOf('acme-bot')).toEqual(LAG);
  });

  it.each(['sessions.read', 'sessions.write'] as const)('is lost without harm where %s fails', async (call) => {
    const world = worldWithFacts(LAG);
    world.steering.on(call, rejects);
    await noteFacts(world.ports, 'acme-bot', () => ({ pageSize: 10 }));
    expect(world.factsOf('acme-bot')).toEqual(LAG);
  });

  it('is written once where the reply to it is lost', async () => {
    const world = worldWithFacts();
    world.steering.on('sessions.write', losesReply);
    await noteFacts(world.ports, 'acme-bot', () => LAG);
    expect(world.factsOf('acme-bot')).toEqual(LAG);
    expect(world.steering.argsOf('sessions.write')).toHaveLength(1);
  });
});

describe('a member of a target’s record', () => {
  it('is changed, and removed by undefined', async () => {
    const world = worldWithFacts(LAG);
    await noteInRecord(world.ports, 'acme-bot', () => ({ throttledUntilMs: 7, account: 'acme-bot' }));
    await noteInRecord(world.ports, 'acme-bot', ({ throttledUntilMs }) => {
      expect(throttledUntilMs).toBe(7);
      return { throttledUntilMs: undefined };
    });
    expect(world.sessions.rows.get('acme-bot')).toStrictEqual({
      target: 'acme-bot',
      version: 3,
      opId: 'op-2',
      account: 'acme-bot',
      facts: LAG,
    });
  });

  it('is not written where nothing changes', async () => {
    const world = worldWithFacts(LAG);
    await noteInRecord(world.ports, 'acme-bot', () => ({}));
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
  });
});

describe('refusing a target’s mints', () => {
  const refused = { event: 'target.refused', atMs: NOW_MS, target: 'acme-bot', code: 'expiry_refused' };

  it('is on record with its time, and audited', async () => {
    const world = worldWithFacts(LAG);
    await refuseMints(world.ports, { name: 'acme-bot' }, 'expiry_refused');
    expect(world.factsOf('acme-bot')).toEqual({
      ...LAG,
      refusal: { code: 'expiry_refused', sinceMs: NOW_MS, triedAtMs: NOW_MS },
    });
    expect(world.events).toEqual([refused]);
  });

  it('for the same again changes nothing and is not audited again', async () => {
    const world = worldWithFacts({ refusal: REFUSAL });
    await refuseMints(world.ports, { name: 'acme-bot' }, 'label_refused');
    expect(world.factsOf('acme-bot')).toEqual({ refusal: REFUSAL });
    expect(world.steering.argsOf('sessions.write')).toEqual([]);
    expect(world.events).toEqual([]);
  });

  it('for something else takes the place of the former', async () => {
    const world = worldWithFacts({ refusal: REFUSAL });
    await refuseMints(world.ports, { name: 'acme-bot' }, 'expiry_refused');
    expect(world.factsOf('acme-bot').refusal).toEqual({ code: 'expiry_refused', sinceMs: NOW_MS, triedAtMs: NOW_MS });
    expect(world.events).toEqual([refused]);
  });

  it('for a list that lags takes the place of any other, and no other takes its place', async () => {
    const world = worldWithFacts({ refusal: REFUSAL });
    await refuseMints(world.ports, { name: 'acme-bot' }, 'list_lags');
    const lags = { code: 'list_lags', sinceMs: NOW_MS, triedAtMs: NOW_MS };
    expect(world.factsOf('acme-bot').refusal).toEqual(lags);
    await refuseMints(world.ports, { name: 'acme-bot' }, 'expiry_refused');
    await refuseMints(world.ports, { name: 'acme-bot' }, 'list_lags');
    expect(world.factsOf('acme-bot').refusal).toEqual(lags);
    expect(world.events).toEqual([{ ...refused, code: 'list_lags' }]);
  });

  it('that another process was first to refuse is audited once', async () => {
    const world = worldWithFacts();
    world.steering.on(
      'sessions.write',
      preceded(() => writeBeside(world, { facts: { refusal: REFUSAL } })),
    );
    await refuseMints(world.ports, { name: 'acme-bot' }, 'label_refused');
    expect(world.factsOf('acme-bot').refusal).toEqual(REFUSAL);
    expect(world.events).toEqual([]);
  });

  it('of which there is no record is not audited', async () => {
    const world = new World();
    await refuseMints(world.ports, { name: 'acme-bot' }, 'label_refused');
    expect(world.events).toEqual([]);
  });
});

describe('an organization’s cap', () => {
  it.each([
    ['from the moment that it was seen', 0, 10],
    ['for a day', 86_399_999, 10],
    ['no longer than a day', 86_400_000, undefined],
  ])('is believed %s', (_, ageMs, tokens) => {
    expect(capOf({ cap: { tokens: 10, atMs: NOW_MS - ageMs } }, NOW_MS)).toBe(tokens);
  });

  it('is not known before it was seen', () => {
    expect(capOf({}, NOW_MS)).toBeUndefined();
  });
});
