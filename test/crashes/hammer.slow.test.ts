import { beforeAll, describe, expect, it } from 'vitest';
import { embeddedTriggers } from './embedded-triggers.ts';
import { type HammerReport, runHammer } from './hammer.ts';
import { queueTriggers } from './queue-triggers.ts';
import type { Triggers } from './rush-world.ts';

/** What is promised of every lease. */
const PROMISED_MS = 120_000;
/** For half an hour of virtual time on a machine that has much else to do. */
const LIMIT_MS = 300_000;
/** A tenth of 60, and one for the minute that has only begun. */
const LOOKS_PER_MINUTE = 6;

const EDITIONS: readonly (readonly [string, Parameters<typeof runHammer>[0]['triggers']])[] = [
  ['in the embedded edition', embeddedTriggers],
  [
    'behind a queue with delays, jobs and timers, as on AWS',
    (time, log): Triggers => queueTriggers({ most: 0, handled: 0, deadLetters: 0, waiting: 0 })(time, log),
  ],
];

describe.each(EDITIONS)('four clients that hammer live views at 60 Docker Hub requests a minute, %s', (_, triggers) => {
  let report: HammerReport;

  beforeAll(async () => {
    report = await runHammer({ requestsPerMinute: 60, leases: 24, endEveryMs: 20_000, triggers });
  }, LIMIT_MS);

  it('keep no other role’s token alive: each is deleted within 120 s of its lease’s end', () => {
    expect(report.overdueMs).toHaveLength(24);
    expect(Math.max(...report.overdueMs)).toBeLessThan(PROMISED_MS);
    expect(Math.min(...report.overdueMs)).toBeGreaterThanOrEqual(0);
  });

  it('take a tenth of Docker Hub’s requests', () => {
    const looks = report.requests.getToken?.sent ?? 0;
    expect(looks).toBeGreaterThan(report.minutes);
    expect(looks).toBeLessThanOrEqual(LOOKS_PER_MINUTE * (report.minutes + 1));
  });

  it('are shown views all the while, most of them again and again', () => {
    expect(Object.keys(report.answers)).toEqual(['200']);
    expect(report.views).toBeGreaterThan(1_000);
    expect(report.differentViews).toBeLessThanOrEqual(report.requests.getToken?.sent ?? 0);
  });
});
