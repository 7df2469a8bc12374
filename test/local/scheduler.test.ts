import { describe, expect, it } from 'vitest';
import type { RevokePorts } from '../../functions/core/ports/needs.ts';
import type { RevocationQueue } from '../../functions/core/ports/triggers.ts';
import { scheduler } from '../../local/clockwork/scheduler.ts';
import type { Time } from '../../local/clockwork/time.ts';

/** Time that passes when told, and calls what is due in its order. */
function handTime() {
  let nowMs = 0;
  let timers: { readonly atMs: number; readonly act: () => void }[] = [];
  const time: Time = {
    nowMs: () => nowMs,
    sleep: async () => undefined,
    after(ms, act) {
      const timer = { atMs: nowMs + ms, act };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
  };
  async function pass(ms: number): Promise<void> {
    const untilMs = nowMs + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = timers.filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs)[0];
      if (next === undefined) break;
      timers = timers.filter((timer) => timer !== next);
      nowMs = Math.max(nowMs, next.atMs);
      next.act();
    }
    nowMs = untilMs;
  }
  return { time, pass, timers: () => timers.length };
}

/** A store whose leases are due and whose reads and writes fail, as long as it is said to. */
function failingWorld(...due: string[]) {
  const hands = handTime();
  const store = { due, isOut: true };
  const attempts: { readonly leaseId: string; readonly atMs: number }[] = [];
  const errors: string[] = [];
  const clockwork = scheduler(hands.time, (code, leaseId) => errors.push(`${code} ${leaseId}`));
  const leases = {
    due: async () => ({ items: store.due }),
    async get(leaseId: string) {
      attempts.push({ leaseId, atMs: hands.time.nowMs() });
      if (store.isOut) throw new Error('the disk is full');
      store.due = store.due.filter((id) => id !== leaseId);
      return undefined;
    },
  };
  clockwork.start({ leases, clock: hands.time } as unknown as RevokePorts);
  const atMsOf = (leaseId: string) => attempts.filter((each) => each.leaseId === leaseId).map(({ atMs }) => atMs);
  return { ...hands, store, attempts, errors, clockwork, atMsOf };
}

describe('a due lease whose revocation cannot be written down', () => {
  it('rests for a second, twice as long each time, and a quarter of a minute at most', async () => {
    const { pass, atMsOf } = failingWorld('lease');
    await pass(60_000);
    expect(atMsOf('lease')).toEqual([0, 1_000, 3_000, 7_000, 15_000, 30_000, 45_000, 60_000]);
  });

  it('is said on the log each time', async () => {
    const { pass, errors } = failingWorld('lease');
    await pass(1_000);
    expect(errors).toEqual(['revoke_failed lease', 'revoke_failed lease']);
  });

  it('keeps no other from being taken up', async () => {
    const { pass, store, atMsOf } = failingWorld('one');
    await pass(7_500);
    store.due = ['one', 'other'];
    await pass(250);
    expect(atMsOf('other')).toEqual([7_750]);
  });

  it('is revoked when its rest is over and the store is back, and begins anew should it fail again', async () => {
    const { pass, store, atMsOf } = failingWorld('lease');
    await pass(4_000);
    store.isOut = false;
    await pass(3_000);
    expect(atMsOf('lease')).toEqual([0, 1_000, 3_000, 7_000]);
    store.isOut = true;
    store.due = ['lease'];
    await pass(1_250);
    expect(atMsOf('lease').slice(4)).toEqual([7_250, 8_250]);
  });

  it('is forgotten when it is due no more', async () => {
    const { pass, store, atMsOf } = failingWorld('lease');
    await pass(3_500);
    store.due = [];
    await pass(500);
    store.due = ['lease'];
    await pass(250);
    expect(atMsOf('lease').at(-1)).toBe(4_250);
  });

  it('leaves no timer behind when the edition stops', async () => {
    const { pass, clockwork, timers } = failingWorld('one', 'other');
    await pass(1_000);
    await clockwork.stop();
    expect(timers()).toBe(0);
  });
});

describe('a lease that is handed to the queue', () => {
  it.each([
    ['by itself', (queue: RevocationQueue) => queue.send('late', 0)],
    ['with others', (queue: RevocationQueue) => queue.sendAll(['late', 'later'])],
  ])('%s is taken up at once, and not only with the next look at the rows', async (_, hand) => {
    const { pass, store, atMsOf, clockwork, time } = failingWorld();
    store.isOut = false;
    await pass(1_100);
    store.due = ['late'];
    await hand(clockwork.queue);
    await pass(0);
    expect(atMsOf('late')).toEqual([time.nowMs()]);
  });
});
