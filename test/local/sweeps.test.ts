import { describe, expect, it } from 'vitest';
import type { HubToken } from '../../functions/core/ports/docker-hub.ts';
import { TURN_MS } from '../../functions/core/sweeping/sweep-turns.ts';
import { startSweeps } from '../../local/clockwork/sweeps.ts';
import { aTarget } from '../contract/builders.ts';
import { memoryPorts, NOW_MS } from '../functions/memory-ports.ts';

const INTERVAL_SECONDS = 300;

/** Somebody else's: two pages of them. */
const TOKENS: readonly HubToken[] = Array.from({ length: 150 }, (_, index) => ({
  tokenId: `token-${index}`,
  label: 'laptop',
  createdAtMs: NOW_MS,
  isActive: true,
  expiresAtMs: null,
  lastUsedAtMs: null,
}));

/** Ports whose targets `a`, `b` and `c` take so long to be listed, page by page, and a sweep that begins when it is told. */
async function worldOf(pageMs: Readonly<Record<string, number>>) {
  let nowMs = NOW_MS;
  let begin: (() => void) | undefined;
  const looked: string[] = [];
  const memory = memoryPorts();
  const ports: typeof memory = {
    ...memory,
    clock: { nowMs: () => nowMs, sleep: async () => {} },
    hub: {
      ...memory.hub,
      login: async ({ username: account }) => ({
        ok: true,
        value: { account, bearer: 'bearer', expiresAtMs: nowMs + 3_600_000 },
        meta: {},
      }),
      listTokens: async ({ account }, _place, { page, pageSize }) => {
        if (page === 1) looked.push(account);
        nowMs += pageMs[account] ?? 0;
        const tokens = TOKENS.slice((page - 1) * pageSize, page * pageSize);
        return { ok: true, value: { tokens, total: TOKENS.length, more: page * pageSize < TOKENS.length }, meta: {} };
      },
    },
  };
  for (const name of ['a', 'b', 'c']) {
    await ports.catalog.putTarget(aTarget({ name, username: name }));
    const version = await ports.credentials.stage(name, { username: name, password: 'password-of-nobody' });
    await ports.credentials.promote(name, version);
  }
  const time = {
    nowMs: () => nowMs,
    sleep: async () => undefined,
    after(_ms: number, act: () => void) {
      begin = act;
      return () => {};
    },
  };
  const ended = async () => {
    while (begin === undefined) await new Promise((resolve) => setImmediate(resolve));
  };
  const stop = startSweeps(INTERVAL_SECONDS, ports, { purge: () => 0 }, time, { info() {}, error() {} });
  const sweepAgain = async () => {
    looked.length = 0;
    const act = begin;
    begin = undefined;
    act?.();
    await ended();
  };
  await ended();
  return { looked, sweepAgain, stop };
}

describe('the sweeps of the embedded edition', () => {
  it('begin with the target that the last one left over', async () => {
    const { looked, sweepAgain, stop } = await worldOf({ c: TURN_MS });
    expect(looked).toEqual(['a', 'b', 'c']);
    await sweepAgain();
    expect(looked).toEqual(['c', 'a', 'b']);
    await sweepAgain();
    expect(looked).toEqual(['a', 'b', 'c']);
    await stop();
  });

  it('go on behind the last target where one ran out of time', async () => {
    const { looked, sweepAgain, stop } = await worldOf({ a: 200_000, b: 200_000 });
    expect(looked).toEqual(['a', 'b']);
    await sweepAgain();
    expect(looked.at(-1)).toBe('c');
    await stop();
  });
});
