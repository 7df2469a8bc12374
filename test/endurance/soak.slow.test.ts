import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../fake-hub/faults.ts';
import { tempFolder, untilTestEnds } from '../local/harness.ts';
import { watched } from './flatness.ts';
import { runSoak } from './run-soak.ts';
import { readSamples, type Sample, samplingFlags } from './samples.ts';
import { expectedAnswers, plannedShare, type SoakFault, STEADY_FAULTS, THROTTLING_FAULTS } from './soak-faults.ts';
import { drawOrder } from './soak-orders.ts';
import { excessOf, PROMISED_MS, recordFaults, timesOf } from './soak-verdict.ts';
import { type Point, trendOf } from './trend.ts';

const SECOND_MS = 1_000;

/** One value a second for ten minutes. */
function series(valueAt: (second: number) => number): Point[] {
  return Array.from({ length: 600 }, (_, second) => ({ atMs: second * SECOND_MS, value: valueAt(second) }));
}

const TENTH = { share: 0.1, least: 0 };

describe('a trend', () => {
  it('is flat for what stays, falls, or jitters around one value', () => {
    const random = seededRandom(1);
    expect(
      trendOf(
        series(() => 40),
        TENTH,
      ),
    ).toEqual({ medians: [40, 40, 40], slopePerHour: 0, allowed: 4, flat: true });
    expect(
      trendOf(
        series((second) => 100 - second / 10),
        TENTH,
      ).flat,
    ).toBe(true);
    expect(
      trendOf(
        series(() => 40 + 30 * random()),
        TENTH,
      ).flat,
    ).toBe(true);
  });

  it('is flat whatever the first third did', () => {
    const { medians, flat } = trendOf(
      series((second) => (second < 190 ? second : 200)),
      TENTH,
    );
    expect({ medians, flat }).toEqual({ medians: [99.5, 200, 200], flat: true });
  });

  it('is not flat for what goes on growing by more than is allowed from the middle of one third to the next', () => {
    const growing = (perSecond: number) =>
      trendOf(
        series((second) => 100 + second * perSecond),
        { share: 0, least: 10 },
      );
    // 200 s lie between the two middles.
    expect(growing(9 / 200)).toMatchObject({ flat: true });
    expect(growing(11 / 200)).toMatchObject({ flat: false });
    expect(growing(11 / 200).slopePerHour).toBeCloseTo((11 / 200) * 3_600, 6);
  });

  it('is not flat for a step that stays, though small beside the jitter', () => {
    const random = seededRandom(2);
    const stepped = series((second) => 100 + 20 * random() + (second >= 400 ? 15 : 0));
    expect(trendOf(stepped, TENTH).flat).toBe(false);
  });

  it('is not flat for what grows fast at the very end, where the medians see nothing of it', () => {
    const late = trendOf(
      series((second) => (second < 510 ? 100 : 100 + (second - 510))),
      TENTH,
    );
    expect(late.medians).toEqual([100, 100, 100]);
    expect(late.flat).toBe(false);
  });

  it('allows at least what it is told, so that little of little is none', () => {
    const points = series((second) => second / 600);
    expect(trendOf(points, TENTH).flat).toBe(false);
    expect(trendOf(points, { share: 0.1, least: 2 })).toMatchObject({ allowed: 2, flat: true });
  });
});

const SAMPLE: Sample = {
  atMs: 0,
  rssBytes: 150 * 2 ** 20,
  heapUsedBytes: 40 * 2 ** 20,
  live: { heapBytes: 30 * 2 ** 20, externalBytes: 12 * 2 ** 20 },
  delayP50Ms: 1,
  delayP99Ms: 10,
  delayMaxMs: 20,
  cpuMs: 400,
  waitedMs: 20,
  fileHandles: 40,
  resources: { TCPSocketWrap: 20, Timeout: 2 },
};

describe('what is watched', () => {
  const run = (at: (second: number) => Partial<Sample>) =>
    watched(Array.from({ length: 600 }, (_, second) => ({ ...SAMPLE, ...at(second), atMs: second * SECOND_MS })));
  const growing = (at: (second: number) => Partial<Sample>) =>
    run(at)
      .filter(({ verdict }) => verdict !== 'flat')
      .map(({ what }) => what);

  it('is memory, handles, resources, delays and processor time, each in its own unit', () => {
    expect(Object.fromEntries(run(() => ({})).map(({ what, trend }) => [what, trend.medians[2]]))).toEqual({
      'heap without garbage, MiB': 30,
      'resident memory, MiB': 150,
      'buffers without garbage, MiB': 12,
      'file handles': 40,
      'sockets, timers and the like': 22,
      'event-loop delay p50, ms': 1,
      'event-loop delay p99, ms': 10,
      'event-loop delay max, ms': 20,
      'processor, ms a second': 400,
      'waited for a processor, ms a second': 20,
    });
    expect(growing(() => ({}))).toEqual([]);
  });

  it('sees half a kilobyte that stays of each of 50 leases a second, and a handle of every thousandth', () => {
    const leak = (second: number) => ({ heapBytes: 30 * 2 ** 20 + second * 50 * 512, externalBytes: 12 * 2 ** 20 });
    expect(growing((second) => ({ live: leak(second) }))).toEqual(['heap without garbage, MiB']);
    expect(growing((second) => ({ fileHandles: 40 + Math.floor(second / 20) * 2 }))).toEqual(['file handles']);
  });

  it('sees work that takes longer the more leases are on record', () => {
    expect(growing((second) => ({ cpuMs: 200 + second, delayP99Ms: 10 + second / 8 }))).toEqual([
      'event-loop delay p99, ms',
      'processor, ms a second',
    ]);
  });

  it('does not judge delays where the process had to wait for its turn, and says so', () => {
    const verdicts = (waitedMs: number) =>
      run((second) => ({ waitedMs, delayP99Ms: 10 + second, heapUsedBytes: second })).map(({ verdict }) => verdict);
    expect(verdicts(100)).toEqual(['flat', 'flat', 'flat', 'flat', 'flat', 'flat', 'grows', 'flat', 'flat', 'flat']);
    expect(verdicts(101)).toEqual(['flat', 'flat', 'flat', 'flat', 'flat', 'busy', 'busy', 'busy', 'flat', 'busy']);
  });

  it('takes no notice of garbage that comes and goes', () => {
    expect(growing((second) => ({ heapUsedBytes: (40 + (second % 100)) * 2 ** 20 }))).toEqual([]);
  });

  it('leaves out file handles and waits where the system does not tell them', () => {
    const { fileHandles: _fileHandles, waitedMs: _waitedMs, ...elsewhere } = SAMPLE;
    const samples = Array.from({ length: 9 }, (_unused, second) => ({ ...elsewhere, atMs: second * SECOND_MS }));
    const told = watched(samples).map(({ what }) => what);
    expect(told).not.toContain('file handles');
    expect(told).not.toContain('waited for a processor, ms a second');
  });
});

describe('the faults of a soak', () => {
  it('explain a refusal with its code, a revocation that goes on, and nothing else', () => {
    expect(
      Object.fromEntries(
        (['mint', 'repeat', 'renew', 'show', 'list', 'revoke'] as const).map((doing) => [
          doing,
          [...expectedAnswers(doing)].sort(),
        ]),
      ),
    ).toEqual({
      mint: ['hub_throttled', 'hub_unavailable', 'minted'],
      repeat: ['hub_throttled', 'hub_unavailable', 'in_flight', 'minted'],
      renew: ['renewed', 'too late'],
      show: ['shown'],
      list: ['listed'],
      revoke: ['pending', 'revoked'],
    });
  });

  it('are of every sort that a client can meet, on creates and deletes of both kinds of token', () => {
    for (const route of ['pat-create', 'oat-create', 'pat-delete', 'oat-delete'] as const) {
      const kinds = STEADY_FAULTS.filter(({ fault }) => fault.route === route).map(({ fault }) => fault.kind);
      expect(kinds).toEqual(expect.arrayContaining(['latency', 'server-error', 'reset-before', 'reset-after']));
    }
    expect(THROTTLING_FAULTS.map(({ fault }) => `${fault.kind} ${fault.route}`)).toEqual([
      'throttle oat-create',
      'throttle oat-delete',
    ]);
  });

  it('let most through, and explain only as many refusals as they make', () => {
    expect(plannedShare('pat-create', 'mint')).toBeCloseTo(0.014, 6);
    expect(plannedShare('pat-delete', 'revoke')).toBeCloseTo(0.038, 6);
    const answers = (failed: number) => [
      { doing: 'mint' as const, answer: 'minted', count: 30_000 - failed, expected: true },
      { doing: 'mint' as const, answer: 'hub_unavailable', count: failed, expected: true },
    ];
    // 420 are planned, give or take 20.
    expect(excessOf(answers(500), 50)).toEqual([]);
    expect(excessOf(answers(600), 50)).toEqual(['600 mints failed, of which the faults explain some 420']);
    const throttled = { doing: 'mint' as const, answer: 'hub_throttled', count: 3_000, expected: true };
    expect(excessOf([...answers(0), throttled], 50)).toEqual([
      '3000 mints throttled, of which the faults explain some 2250',
    ]);
  });
});

describe('the verdict of a soak', () => {
  const token = { id: 't', account: 'acme-bot', leaseId: 'L', label: '', fromMs: 1_000, toMs: 5_000 };
  const held = (expiresAtMs: number, endAsked = false) =>
    new Map([['L', { id: 'L', tokenId: 't', secret: 'soak/pat', expiresAtMs, endAsked }]]);

  it('counts how late a token ended, from its lease on, or from its beginning where nobody was told of it', () => {
    expect(timesOf([token], held(4_900))).toEqual({ lateMs: [100], faults: [] });
    expect(timesOf([token], new Map())).toEqual({ lateMs: [4_000], faults: [] });
    expect(timesOf([token], held(9_000, true))).toEqual({ lateMs: [], faults: [] });
  });

  it('finds a token that outlived its lease by more than is promised, and one that was taken early', () => {
    const late = { ...token, toMs: 4_900 + PROMISED_MS };
    expect(timesOf([late], held(4_900)).faults).toEqual([]);
    expect(timesOf([late], held(4_899)).faults).toEqual(['token t was alive more than 120 s after its lease']);
    expect(timesOf([late], held(4_899, true)).faults).toHaveLength(1);
    expect(timesOf([{ ...token, toMs: Number.POSITIVE_INFINITY }], new Map()).faults).toHaveLength(1);
    expect(timesOf([token], held(5_001)).faults).toEqual(["token t was taken before its lease's end"]);
  });

  it('finds answered leases that are lost or open, and ends without evidence', () => {
    const ended = { id: 'L', status: 'revoked', evidence: {} };
    expect(recordFaults([ended, { id: 'M', status: 'revoking' }], held(1))).toEqual([]);
    expect(recordFaults([], held(1))).toEqual(['lease L is not on record']);
    expect(recordFaults([{ id: 'L', status: 'active' }], held(1))).toEqual(['lease L is active']);
    expect(recordFaults([{ id: 'M', status: 'revoked' }], new Map())).toEqual(['lease M is revoked without evidence']);
    expect(recordFaults([{ ...ended, status: 'revoking' }], new Map())).toEqual(['lease L is revoking with evidence']);
  });
});

describe('the orders of a soak', () => {
  it('are the same for the same seed, and of every sort', () => {
    const draw = () => {
      const random = seededRandom(7);
      return Array.from({ length: 1_000 }, (_, number) => drawOrder(random, number));
    };
    const orders = draw();
    expect(draw()).toEqual(orders);
    expect(new Set(orders.map(({ label }) => label)).size).toBe(1_000);
    expect(new Set(orders.map(({ secret }) => secret))).toEqual(new Set(['soak/pat', 'soak/oat', 'soak/brief']));
    expect(new Set(orders.map(({ twice }) => twice))).toEqual(new Set([undefined, 'at once', 'after']));
    expect(new Set(orders.flatMap(({ between }) => between))).toEqual(
      new Set(['show', 'show live', 'renew', 'list', 'list live']),
    );
    expect(orders.filter(({ givenBack }) => givenBack).length).toBeGreaterThan(400);
  });
});

describe('a process that samples itself', () => {
  it('writes what it uses, and goes on doing what it is for', () => {
    const { path } = untilTestEnds(tempFolder());
    const file = join(path, 'with a space & more.jsonl');
    const script =
      'setTimeout(() => { const end = Date.now() + 300; while (Date.now() < end); setTimeout(() => console.log(6 * 7), 200); }, 50);';
    const out = execFileSync(process.execPath, [...samplingFlags(file, 20, 100), '--eval', script], {
      encoding: 'utf8',
    });
    expect(out).toBe('42\n');
    const samples = readSamples(file);
    expect(samples.length).toBeGreaterThan(1);
    expect(Math.max(...samples.map(({ delayMaxMs }) => delayMaxMs))).toBeGreaterThan(100);
    for (const sample of samples) {
      expect(sample.rssBytes).toBeGreaterThan(sample.heapUsedBytes);
      expect(sample.heapUsedBytes).toBeGreaterThan(1_000_000);
      if (process.platform === 'linux') expect(sample.fileHandles).toBeGreaterThan(2);
    }
    expect(samples.map(({ resources }) => resources.Timeout)).toContain(1);
    const collected = samples.flatMap(({ live }) => live ?? []);
    expect(collected.length).toBeGreaterThan(0);
    expect(collected.length).toBeLessThan(samples.length);
    for (const { heapBytes } of collected) expect(heapBytes).toBeGreaterThan(1_000_000);
  });
});

/** What happens when nobody listens any more is found only when the quiet period ends, a minute and a half later. */
const isQuick = ({ fault }: SoakFault) => !(fault.kind === 'latency' && fault.latencyMs >= 8_000);

describe('a soak', () => {
  it('of a few seconds has no unexpected answer, keeps every promise, and tells what the edition used', async () => {
    const report = await runSoak({ rate: 10, seconds: 4, seed: 3, faults: STEADY_FAULTS.filter(isQuick) });
    expect(report.faults).toEqual([]);
    expect(report.answers.filter(({ expected }) => !expected)).toEqual([]);
    expect(report.leases).toBeGreaterThan(20);
    expect(report.answers.map(({ doing }) => doing)).toEqual(
      expect.arrayContaining(['mint', 'renew', 'revoke', 'show']),
    );
    expect(report.samples.length).toBeGreaterThan(0);
    expect(report.grownBytes.audit).toBeGreaterThan(report.leases * 100);
    expect(report.lateMs.most).toBeLessThan(120_000);
    expect(report.counts).toMatchObject({ logins: 2 });
  }, 240_000);
});
