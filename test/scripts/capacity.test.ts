import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DESIGN } from '../../scripts/capacity/design.ts';
import {
  accountsNeeded,
  firstLimit,
  HUB_REQUESTS,
  type Limit,
  limitsOf,
  organizationsNeeded,
  USUAL_LOAD,
} from '../../scripts/capacity/model.ts';
import { QUOTAS } from '../../scripts/capacity/quotas.ts';
import { capacityText, USUAL_RATES } from '../../scripts/capacity/text.ts';
import { resourcesOf, SYNTH_TIMEOUT_MS, stackWith, templateOf } from '../infra/synthesized.ts';
import { runToEnd } from '../local/harness.ts';

const page = (name: string) => readFileSync(resolve(import.meta.dirname, '../../docs', name), 'utf8');
const limit = (name: string, load = USUAL_LOAD) => limitsOf(load).find((each) => each.name === name) as Limit;
/** A load without listings to speak of. */
const BARE = { ...USUAL_LOAD, ttlSeconds: 0.001, sweepIntervalSeconds: 1e15 };

describe('Docker Hub accounts', () => {
  it('are as many as the requests of the leases take', () => {
    expect(accountsNeeded(10, 2, BARE)).toBe(2);
    expect(accountsNeeded(10.01, 2, BARE)).toBe(3);
    expect(accountsNeeded(10, 3, BARE)).toBe(3);
    expect(accountsNeeded(10, 2, { ...BARE, hubRequestsPerMinute: 60 })).toBe(20);
  });

  it('are more where the sweep has many open tokens to list', () => {
    // 10 mints a second for 900 s are 9,000 open tokens: 112.5 requests for each of 0.2 sweeps a minute, so 22.5 beside 1,200.
    expect(accountsNeeded(10, 2, USUAL_LOAD)).toBe(3);
    expect(accountsNeeded(10, 2, { ...USUAL_LOAD, ttlSeconds: 86_400 })).toBe(6);
  });

  it('bear each the rate that the table gives for one', () => {
    const { mintsPerSecond } = limit('Docker Hub: requests of an account');
    expect(accountsNeeded(mintsPerSecond, 2, USUAL_LOAD)).toBe(1);
    expect(accountsNeeded(mintsPerSecond * 1.001, 2, USUAL_LOAD)).toBe(2);
    expect(mintsPerSecond).toBeCloseTo((600 - 0.2) / (120 + (900 / 80) * 0.2), 9);
  });

  it('take 2, 3 or 5 requests a lease, the last as docs/cost.md has it', () => {
    expect(HUB_REQUESTS.map(({ requests }) => requests)).toEqual([2, 3, 5]);
    expect(page('cost.md')).toMatch(/five requests\s+instead of two/);
  });

  it('of organizations hold a hundred tokens each', () => {
    expect(organizationsNeeded(10, USUAL_LOAD)).toBe(90);
    expect(organizationsNeeded(0.1, USUAL_LOAD)).toBe(1);
  });
});

describe('the limits', () => {
  it('are in order, and each has a rate, a reason and something that lifts it', () => {
    const limits = limitsOf(USUAL_LOAD);
    const rates = limits.map(({ mintsPerSecond }) => mintsPerSecond);
    expect(rates).toEqual([...rates].sort((one, other) => one - other));
    for (const each of limits) {
      expect(each.mintsPerSecond, each.name).toBeGreaterThan(0);
      expect(each.because, each.name).not.toBe('');
    }
    expect(new Set(limits.map(({ name }) => name)).size).toBe(limits.length);
  });

  it.each([
    ['API: requests of a caller', 10],
    ['API: mints', 20],
    ['API: all requests', 100],
    ['Sweep: due leases, if no Scheduler job runs', 10_000 / 300],
    ['Open leases that can be counted', 100_000 / 900],
    ['Revoker: leases from the queue', 100 / 0.7],
    ['DynamoDB: a quota counter', 250],
    ['DynamoDB: `replay` rows', 500],
    ['Lambda: concurrent executions', 1_000 / 1.75],
    ['DynamoDB: `target` rows', 1_000],
    ['DynamoDB: `by-secret`', 1_000],
    ['Scheduler: jobs delivered', 1_000],
    ['DynamoDB: `due`', 2_000],
    ['DynamoDB: `by-day`', 8_000],
    ['Scheduler: waiting jobs', 10_000_000 / 900],
  ])('%s is met at %d mints a second', (name, rate) => {
    expect(limit(name).mintsPerSecond).toBeCloseTo(rate, 6);
  });

  it('that count what is open are met later where leases are shorter', () => {
    const short = { ...USUAL_LOAD, ttlSeconds: 90 };
    for (const name of [
      'Open leases that can be counted',
      'Sweep: all accounts in one sweep',
      'Scheduler: waiting jobs',
    ]) {
      expect(limit(name, short).mintsPerSecond / limit(name).mintsPerSecond, name).toBeCloseTo(10, 9);
    }
    expect(limit('DynamoDB: `due`', short)).toEqual(limit('DynamoDB: `due`'));
  });

  it('name the first that a rate passes, and none that it only meets', () => {
    expect(firstLimit(20, USUAL_LOAD, ['setting'])?.name).toBe('API: requests of a caller');
    expect(firstLimit(10, USUAL_LOAD, ['setting'])).toBeUndefined();
    expect(firstLimit(100, USUAL_LOAD, ['design'])?.name).toBe('Sweep: all accounts in one sweep');
    expect(firstLimit(1_001, USUAL_LOAD, ['AWS'])?.name).toBe('Lambda: concurrent executions');
    expect(firstLimit(0.05, USUAL_LOAD, ['accounts'])).toBeUndefined();
  });

  it('leave a full account its whole turn in a sweep', () => {
    const { mintsPerSecond } = limit('Docker Hub: requests of an account');
    const seconds = mintsPerSecond * USUAL_LOAD.ttlSeconds * DESIGN.sweepSecondsPerToken;
    expect(seconds).toBeLessThanOrEqual(DESIGN.sweepTurnSeconds);
  });
});

describe('what the model takes for granted', () => {
  it('is what the stack has', { timeout: SYNTH_TIMEOUT_MS }, () => {
    const template = templateOf(stackWith().stack);
    const sources = Object.values(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'));
    expect(sources.map(({ Properties }) => Properties)).toContainEqual(
      expect.objectContaining({
        BatchSize: DESIGN.queueBatch,
        ScalingConfig: { MaximumConcurrency: DESIGN.queueConcurrency },
      }),
    );
    const sweeper = Object.entries(resourcesOf(template, 'AWS::Lambda::Function')).find(([id]) => /Sweeper/.test(id));
    expect((sweeper?.[1].Properties.Timeout as number) - 60).toBe(DESIGN.sweepSeconds);
    const [rule] = Object.values(resourcesOf(template, 'AWS::Events::Rule'));
    expect(rule?.Properties.ScheduleExpression).toBe(`rate(${USUAL_LOAD.sweepIntervalSeconds / 60} minutes)`);
  });

  it('is what docs/cost.md counts', () => {
    const cost = page('cost.md');
    expect(cost).toContain('1.0 s + 0.7 s + 0.05 s = 1.75 s');
    const rows = [...cost.matchAll(/^\| (?:lease created|timer put|`active`|`revoked`).*?\|(.*)\|$/gm)];
    const columns = rows.map(([, cells = '']) => cells.split('|').map((cell) => Number(cell.replace('–', '0'))));
    const sum = (column: number) => columns.reduce((total, cells) => total + (cells[column] ?? 0), 0);
    expect(rows).toHaveLength(4);
    expect([sum(0), sum(1), sum(2), sum(3), sum(4)]).toEqual([
      DESIGN.tableWrites,
      DESIGN.dueWrites,
      DESIGN.listWrites,
      DESIGN.listWrites,
      DESIGN.listWrites,
    ]);
    expect(cost).toContain('| mint | secret, target, session for its rate, session, target again | 5 |');
    expect(cost).toContain('| revoke, from the queue | lease, target, session | 3 |');
  });

  it('names a source for each quota', () => {
    for (const { source, value } of Object.values(QUOTAS)) {
      expect(source).toMatch(/^\w.+, ".+": .+/);
      expect(value).toBeGreaterThan(0);
    }
  });
});

describe('npm run capacity', () => {
  it('prints the tables that docs/scale.md holds', async () => {
    const text = capacityText(USUAL_RATES, USUAL_LOAD);
    expect((await runToEnd('scripts/capacity/main.ts', [])).stdout).toBe(text);
    const [, held] = /<!-- npm run capacity -->\n\n([\s\S]*?)\n<!-- end -->/.exec(page('scale.md')) ?? [];
    expect(held, 'put what npm run capacity prints into docs/scale.md').toBe(text);
  });

  it('takes other figures', async () => {
    const args = ['--mints', '5', '--ttl', '300', '--hub-rate', '60', '--sweep', '60'];
    const { code, stdout } = await runToEnd('scripts/capacity/main.ts', args);
    expect(code).toBe(0);
    expect(stdout).toBe(capacityText([5], { ttlSeconds: 300, hubRequestsPerMinute: 60, sweepIntervalSeconds: 60 }));
    expect(stdout).toContain('| open leases | 1,500 |');
  });

  it.each([
    ['--mints', '0'],
    ['--mints', '5,x'],
    ['--ttl', '-1'],
    ['--hub-rate', 'many'],
    ['--sweep', '0'],
  ])('refuses %s %s', async (flag, value) => {
    const { code, stdout, stderr } = await runToEnd('scripts/capacity/main.ts', [`${flag}=${value}`]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('capacity: ');
  });
});
