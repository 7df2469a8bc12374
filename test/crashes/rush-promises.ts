import { beforeAll, expect, it } from 'vitest';
import type { QueueFigures } from './queue-triggers.ts';
import { type RushPlan, type RushReport, runRush, tell } from './rush.ts';

/** For the 10,000, on a machine that has much else to do. */
const LIMIT_MS = 1_500_000;
const MINUTE_MS = 60_000;
/** Beyond the best that Docker Hub's limit allows: a tenth, and the two minutes in which the last few find their turns. */
const MAX_OVER_IDEAL = 1.1;
const LAST_TURNS_MS = 2 * MINUTE_MS;
/** Docker Hub's sessions last so long, and are renewed two minutes before. */
const SESSION_MS = 8 * MINUTE_MS;
/** Until then nobody can know that there is a crowd: Docker Hub has not refused anything yet. */
const FIRST_REFUSAL_MS = 2_000;
/** Collected garbage leaves that much uncertain; a row kept in memory for each lease of 10,000 would be more. */
const HEAP_SLACK_BYTES = 8 * 1024 * 1024;
/** Each lease costs a row and a message for each time that it has to wait, in spans that grow: so many for the last of 10,000. */
const MAX_TURNS = 40;

/** The promises that hold however many leases end at once. */
export function itSurvivesARush(plan: RushPlan & { readonly queue?: QueueFigures; readonly tells?: boolean }): void {
  let report: RushReport;
  const minutes = () => Math.ceil(report.settledMs / MINUTE_MS) + 1;
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

  beforeAll(async () => {
    report = await runRush(plan);
    if (plan.tells) process.stdout.write(`${tell(report)}\nqueue: ${JSON.stringify(plan.queue ?? 'none')}\n`);
  }, LIMIT_MS);

  it('deletes every token, none of them early, over a restart half way', () => {
    expect(report.alive).toBe(0);
    expect(report.leases).toHaveLength(plan.leases);
    for (const lease of report.leases) {
      expect(lease).toMatchObject({ status: 'revoked', revokeReason: 'expired', evidence: { kind: 'deleted' } });
      expect(lease.revokedAtMs).toBeGreaterThanOrEqual(lease.expiresAtMs);
    }
  });

  it('takes hardly longer than the limit makes it', () => {
    expect(report.lastDeletedMs).toBeGreaterThan(report.idealMs - MINUTE_MS);
    expect(report.lastDeletedMs).toBeLessThan(report.idealMs * MAX_OVER_IDEAL + LAST_TURNS_MS);
  });

  it('does not storm a Docker Hub that refuses: a few are refused a minute, those that were under way', () => {
    const refused = sum(Object.values(report.requests).map((count) => count.refused));
    expect(refused).toBeLessThanOrEqual(4 * minutes() + report.mostHubCalls);
  });

  it('logs in once for each session and never too often, so that nobody is locked out', () => {
    expect(report.logins.failed).toBe(0);
    expect(report.requests.login?.sent ?? 0).toBeLessThanOrEqual(report.settledMs / SESSION_MS + 2);
  });

  it('mints nothing meanwhile, tells callers when to come again, and mints once the crowd is through', () => {
    const during = report.orders.filter(({ afterMs, backlog }) => afterMs > FIRST_REFUSAL_MS && backlog > 0);
    expect(during.length).toBeGreaterThan(0);
    for (const order of during) {
      expect(order.status).toBe(503);
      expect(order.retryAfterSeconds).toBeGreaterThan(0);
      expect(order.retryAfterSeconds).toBeLessThanOrEqual(960);
    }
    expect(report.orders.at(-1)).toMatchObject({ status: 201, backlog: 0 });
    expect(report.settledMs - report.lastDeletedMs).toBeLessThan(16 * MINUTE_MS);
  });

  it('looks through the account only when nobody waits', () => {
    // A delete that the restart cut off is sent again, finds its token gone, and asks the token and the list whether that is so.
    const cutOff = report.mostHubCalls;
    expect(report.requests.listTokens?.sent ?? 0).toBeLessThanOrEqual(2 + cutOff);
    expect(report.requests.getToken?.sent ?? 0).toBeLessThanOrEqual(cutOff);
  });

  it('counts no failure, alarms nobody, and says of each lease once that it waits', () => {
    expect(Math.max(...report.leases.map(({ attempts }) => attempts))).toBe(0);
    expect(report.events['lease.stuck']).toBeUndefined();
    expect(report.events['lease.revoke_delayed']).toBeLessThanOrEqual(plan.leases);
    expect(report.events['lease.revoked']).toBe(plan.leases);
    expect(Object.keys(report.errors)).toEqual(
      Object.keys(report.errors).filter((error) => error === 'sweep_step_failed reconcile hub_throttled'),
    );
  });

  it('needs no more memory for many than for few, in calls, timers and heap, and few writes for each', () => {
    const [before, half, end] = report.heapBytes;
    expect(half - before).toBeLessThan(HEAP_SLACK_BYTES);
    expect(end - before).toBeLessThan(HEAP_SLACK_BYTES);
    expect(sum(report.leases.map(({ version }) => version))).toBeLessThan(plan.leases * MAX_TURNS);
    // The queue of AWS is a part of the world, here as there.
    if (plan.queue === undefined) expect(report.mostTimers).toBeLessThan(60);
  });

  const { queue } = plan;
  if (queue === undefined) return;

  it('keeps one message for each lease that waits, beside its job and its timer', () => {
    expect(queue.deadLetters).toBe(0);
    expect(queue.most).toBeLessThanOrEqual(2 * plan.leases + 100);
    // Version 2 is `active`: from there each write but the last two sent one message.
    const retries = sum(report.leases.map(({ version }) => version - 3));
    expect(queue.handled).toBeLessThanOrEqual(2 * plan.leases + retries + 100);
  });
}
