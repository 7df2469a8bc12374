import { describe, expect, it } from 'vitest';
import type { VariationName } from '../../fake-hub/variations.ts';
import { ask, askAtOnce, freshWorld, loginsOf, verifiedWorld } from './callers.ts';
import type { Differs } from './scenario.ts';
import type { MatrixWorld } from './world.ts';

const CALLERS = 40;
/** What a refusal of one create may cost the others, beyond what Docker Hub asked for. */
const MARGIN_MS = 2_000;

async function within<T>(opening: Promise<MatrixWorld>, work: (world: MatrixWorld) => Promise<T>): Promise<T> {
  const world = await opening;
  try {
    return await work(world);
  } finally {
    await world.close();
  }
}

describe('forty callers at once', () => {
  it('send one login where Docker Hub lets them in, and each gets a lease', () =>
    within(freshWorld({}), async (world) => {
      const answers = await askAtOnce(world, CALLERS);
      expect(new Set(answers.map(({ says }) => says))).toEqual(new Set(['answered']));
      expect(loginsOf(world)).toBe(1);
    }));

  it.each<[string, Differs, string]>([
    ['a challenge page at login (logins-behind-edge)', of('logins-behind-edge'), 'hub_unavailable:edge'],
    ['a captcha at login', of('captcha-400'), 'hub_unavailable:edge'],
    ['a challenge page for every answer', of('challenge-200'), 'hub_unavailable:edge'],
    ['JSON that calls itself text', of('type-text'), 'hub_unavailable:malformed'],
    [
      'a 401 that asks to try again, at every login',
      { settings: { loginTransient401Every: 1 } },
      'hub_unavailable:server_error',
    ],
  ])('send at most two logins into %s', async (_, differs, code) =>
    within(freshWorld(differs), async (world) => {
      const answers = await askAtOnce(world, CALLERS);
      expect(new Set(answers.map(({ says }) => says))).toEqual(new Set([code]));
      expect(loginsOf(world)).toBeLessThanOrEqual(2);
      expect(world.leases.rows.all()).toEqual([]);
    }),
  );

  it('send at most eight logins into a challenge in ten minutes, however often they ask', () =>
    within(freshWorld(of('logins-behind-edge')), async (world) => {
      for (let asked = 0; asked < 60; asked++) {
        await askAtOnce(world, CALLERS);
        await world.pass(10_000);
      }
      expect(loginsOf(world)).toBeLessThanOrEqual(8);
    }));

  it('send one login in each half of a session of 30 s', () =>
    within(freshWorld({ settings: { sessionSeconds: 30 } }), async (world) => {
      for (let asked = 0; asked < 4; asked++) {
        const answers = await askAtOnce(world, CALLERS);
        expect(new Set(answers.map(({ says }) => says))).toEqual(new Set(['answered']));
        await world.pass(5_000);
      }
      expect(loginsOf(world)).toBe(2);
    }));

  it('wait for one transient 401 at a renewed login, and all get a lease with the next', () =>
    within(freshWorld(of('relogin-401-once')), async (world) => {
      await askAtOnce(world, 1);
      await world.pass(30_000);
      const answers = await askAtOnce(world, CALLERS);
      expect(answers.filter(({ says }) => says === 'answered').length).toBeGreaterThanOrEqual(CALLERS - 1);
      expect(loginsOf(world)).toBe(3);
    }));
});

describe('one clean 429 on one create', () => {
  const refuseOnce = (world: MatrixWorld, retryAfterSeconds: number) =>
    world.hub.control.setFaults([{ route: 'pat-create', kind: 'throttle', count: 1, retryAfterSeconds }]);

  it.each([1, 5, 30])('with Retry-After: %i lets other callers mint again then, within 2 s', async (seconds) =>
    within(verifiedWorld(), async (world) => {
      refuseOnce(world, seconds);
      const refused = await world.run(ask(world));
      expect(refused).toEqual({ says: 'hub_throttled', retryAfterMs: seconds * 1_000 });
      const refusedAtMs = world.time.nowMs();

      const other = await world.run(ask(world));
      expect(other.says).toBe('hub_throttled');
      await world.pass(other.retryAfterMs);
      expect((await world.run(ask(world))).says).toBe('answered');
      expect(world.time.nowMs() - refusedAtMs).toBeLessThanOrEqual(seconds * 1_000 + MARGIN_MS);
    }),
  );

  it('is no longer in the way of a retry under the same Idempotency-Key', () =>
    within(verifiedWorld(), async (world) => {
      refuseOnce(world, 5);
      expect((await world.run(ask(world, 'key-1'))).says).toBe('hub_throttled');
      await world.pass(5_000);
      expect((await world.run(ask(world, 'key-1'))).says).toBe('answered');
    }));

  it('lets others mint again in time also while a revocation has to wait', () =>
    within(verifiedWorld(), async (world) => {
      await world.run(ask(world));
      const [lease] = world.openLeases;
      refuseOnce(world, 5);
      const refusedAtMs = world.time.nowMs();
      expect((await world.run(ask(world))).says).toBe('hub_throttled');
      if (lease !== undefined) await world.revoke(lease.id);
      for (;;) {
        const { says, retryAfterMs } = await world.run(ask(world));
        if (says === 'answered') break;
        await world.pass(retryAfterMs);
      }
      // The revocation goes first, and takes its own place within ten seconds of Docker Hub's next window.
      expect(world.time.nowMs() - refusedAtMs).toBeLessThanOrEqual(5_000 + 10_000 + MARGIN_MS);
      expect(world.leases.rows.get(lease?.id ?? '')?.status).toBe('revoked');
    }));

  it('costs no request, and its lease ends with the listings that the sweep makes anyway', () =>
    within(verifiedWorld(), async (world) => {
      refuseOnce(world, 5);
      await world.run(ask(world));
      const [lease] = world.openLeases;
      const sentBefore = world.requests.all.length;
      await world.pass(240_000);
      expect(world.requests.all).toHaveLength(sentBefore);
      world.startSweeps();
      await world.pass(1_000);
      expect(world.leases.rows.get(lease?.id ?? '')).toMatchObject({ status: 'revoked', evidence: { kind: 'absent' } });
      expect(world.requests.leases).toEqual([]);
    }));
});

function of(name: VariationName): Differs {
  return { variations: [name] };
}
