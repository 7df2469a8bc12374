import { beforeEach, describe, expect, it } from 'vitest';
import type { MetricName } from '../../functions/adapters/aws/metric-names.ts';
import type { Clock } from '../../functions/core/ports/environment.ts';
import type { LeaseStore } from '../../functions/core/ports/leases.ts';
import type { SweepPlace } from '../../functions/core/sweeping/sweep-turns.ts';
import { jsonLines } from '../../functions/log.ts';
import { sweeper } from '../../functions/sweeper.ts';
import { aLease, aTarget } from '../contract/builders.ts';
import { memoryPorts, NOW_MS } from './memory-ports.ts';

const SWEEP_MS = 300_000;
/** How long a look at one target's account takes here. */
const LOOK_MS = 100_000;

let ports: ReturnType<typeof memoryPorts>;
let lines: string[];
let recorded: [MetricName, number][];
let looked: string[];
let marked: SweepPlace[];
let nowMs: number;
let isKeyUsable: boolean;

beforeEach(async () => {
  nowMs = NOW_MS;
  isKeyUsable = true;
  lines = [];
  recorded = [];
  looked = [];
  marked = [];
  const memory = memoryPorts();
  const clock: Clock = { nowMs: () => nowMs, sleep: async () => {} };
  ports = {
    ...memory,
    clock,
    hub: {
      ...memory.hub,
      login: async ({ username: account }) => ({
        ok: true,
        value: { account, bearer: 'bearer', expiresAtMs: nowMs + 600_000 },
        meta: {},
      }),
      listTokens: async (session, place, window) => {
        looked.push(session.account);
        nowMs += LOOK_MS;
        return memory.hub.listTokens(session, place, window);
      },
    },
  };
  for (const name of ['a', 'b', 'c']) await addTarget(name);
});

async function addTarget(name: string, credential = true): Promise<void> {
  await ports.catalog.putTarget(aTarget({ name, username: name }));
  if (!credential) return;
  const version = await ports.credentials.stage(name, { username: name, password: 'password-of-nobody' });
  await ports.credentials.promote(name, version);
}

function runSweep(from: SweepPlace = {}, remainingMs = SWEEP_MS) {
  const log = jsonLines({ write: (line) => lines.push(line) }, ports.clock);
  const mark = { read: async () => from, write: async (place: SweepPlace) => void marked.push(place) };
  const meter = { record: (name: MetricName, value: number) => void recorded.push([name, value]) };
  const handler = sweeper(
    async () => ports,
    mark,
    meter,
    log,
    async () => isKeyUsable,
  );
  return handler({}, { getRemainingTimeInMillis: () => remainingMs });
}

describe('the sweeper', () => {
  it('looks at every target, and begins with the first next time', async () => {
    const report = await runSweep(undefined, 10 * SWEEP_MS);
    expect(report).toMatchObject({ targets: 3, failures: [] });
    expect(looked).toEqual(['a', 'b', 'c']);
    expect(marked).toEqual([{}]);
  });

  it('takes up no target in the last minute of its time, and marks where it stopped', async () => {
    // 240 s are to be used: a third look begins after 200 s, a fourth would after 300 s.
    await addTarget('d');
    const report = await runSweep(undefined);
    expect(report).toMatchObject({ targets: 3, resumeAfter: 'c' });
    expect(looked).toEqual(['a', 'b', 'c']);
    expect(marked).toEqual([{ resumeAfter: 'c' }]);
  });

  it('says that the key cannot be used, also where nothing else can be done without it', async () => {
    isKeyUsable = false;
    ports = { ...ports, catalog: { ...ports.catalog, listTargets: () => Promise.reject(new Error('no key')) } };
    await expect(runSweep(undefined)).rejects.toThrow();
    expect(recorded).toEqual([['KeyUnusable', 1]]);
  });

  it('goes on behind the mark', async () => {
    await runSweep({ resumeAfter: 'b' });
    expect(looked).toEqual(['c']);
    expect(marked).toEqual([{}]);
  });

  it('goes on behind a mark whose target is gone', async () => {
    await runSweep({ resumeAfter: 'aa' });
    expect(looked).toEqual(['b', 'c']);
  });

  it('measures how the open leases stand, and last of all that it came to its end', async () => {
    const due = aLease({ issuedAtMs: nowMs - 900_000, expiresAtMs: nowMs - 30_000, attempts: 8 });
    const later = aLease({ issuedAtMs: nowMs });
    for (const lease of [due, later]) await ports.leases.create(lease);
    const dueBy: LeaseStore['due'] = async (atMs) => ({
      items: [due, later].filter(({ dueAtMs = 0 }) => dueAtMs <= atMs).map(({ id }) => id),
    });
    const sent: string[] = [];
    const sendAll = async (leaseIds: readonly string[]) => void sent.push(...leaseIds);
    ports = { ...ports, queue: { ...ports.queue, sendAll }, leases: { ...ports.leases, due: dueBy } };
    await runSweep(undefined, 0);
    expect(sent).toEqual([due.id]);
    expect(recorded).toEqual([
      ['LeasesOpen', 2],
      ['OverdueSeconds', 30],
      ['StuckRevocations', 1],
      ['SweepCompleted', 1],
    ]);
  });

  it('names the targets that it could not look at, and looks at the others', async () => {
    await addTarget('aa', false);
    const report = await runSweep(undefined, 10 * SWEEP_MS);
    expect(report.failures).toEqual([{ step: 'reconcile', target: 'aa', code: 'credential_unavailable' }]);
    expect(looked).toEqual(['a', 'b', 'c']);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', event: 'sweep_step_failed', route: 'reconcile', target: 'aa', code: 'credential_unavailable' },
    ]);
    expect(recorded.at(-1)).toEqual(['SweepCompleted', 1]);
  });

  it('looks at the targets though the queue takes no lease, and says so', async () => {
    const lease = aLease({ issuedAtMs: nowMs - 900_000, expiresAtMs: nowMs });
    await ports.leases.create(lease);
    const sendAll = async () => {
      throw new Error('it said canary');
    };
    const due = async () => ({ items: [lease.id] });
    ports = { ...ports, queue: { ...ports.queue, sendAll }, leases: { ...ports.leases, due } };
    const report = await runSweep(undefined, 10 * SWEEP_MS);
    expect(report.failures).toEqual([{ step: 'due', code: 'store_unavailable' }]);
    expect(looked).toEqual(['a', 'b', 'c']);
    expect(lines.join()).toContain('sweep_step_failed');
    expect(lines.join()).not.toContain('canary');
  });

  it('does not say that it came to its end when it cannot tell how the leases stand', async () => {
    const due = async () => {
      throw new Error('the leases cannot be read');
    };
    ports = { ...ports, leases: { ...ports.leases, due } };
    await expect(runSweep({ resumeAfter: 'b' })).rejects.toThrow();
    expect(looked).toEqual(['c']);
    expect(recorded).toEqual([]);
  });

  it('leaves the mark where it is when the targets cannot be listed', async () => {
    const listTargets = async () => {
      throw new Error('the targets cannot be listed');
    };
    ports = { ...ports, catalog: { ...ports.catalog, listTargets } };
    await expect(runSweep({ resumeAfter: 'b' })).rejects.toThrow();
    expect(marked).toEqual([]);
    expect(recorded).toEqual([]);
  });

  it('keeps the place where it began when it has no time for any target', async () => {
    expect(await runSweep({ resumeAfter: 'a' }, 0)).toMatchObject({ targets: 0, resumeAfter: 'a' });
    expect(marked).toEqual([{ resumeAfter: 'a' }]);
  });
});
