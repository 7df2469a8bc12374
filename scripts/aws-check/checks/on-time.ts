import { duration } from '../../live-check/words.ts';
import { answerText, textIn } from '../ask.ts';
import { type Finding, failed, notShown, passed } from '../catalog.ts';
import { lookFor } from '../pause.ts';
import { type Leased, type Run, resourceOf } from '../run.ts';

/** How long past its end a lease may live in normal running: what the README promises. */
const PROMISE_MS = 120_000;
/** A lease that missed the promise is watched this much longer, so that the table can say how late it was. */
const BEYOND_MS = 180_000;
const LOOK_EVERY_MS = 2_000;
/** CloudWatch shows a minute's values some minutes later. */
const METRIC_EVERY_MS = 30_000;
const METRIC_PATIENCE_MS = 600_000;

/** Waits for the end of the lease, and reads when and on what evidence it was revoked. */
export async function onTime({ admin, clock }: Run, { id, expiresAtMs }: Leased): Promise<Finding> {
  await clock.pause(expiresAtMs - clock.nowMs());
  let last = 'no answer';
  const untilMs = expiresAtMs + PROMISE_MS + BEYOND_MS;
  const revoked = await lookFor(clock, { untilMs, everyMs: LOOK_EVERY_MS }, async () => {
    // One request that fails on its way must not end the watch.
    const reply = await admin('GET', `/leases/${id}`).catch(() => undefined);
    if (reply === undefined) return undefined;
    last = reply.status === 200 ? `"${textIn(reply.body, 'lease.status')}"` : answerText(reply);
    return textIn(reply.body, 'lease.status') === 'revoked' ? reply.body : undefined;
  });
  if (revoked === undefined) return failed(`${duration(PROMISE_MS + BEYOND_MS)} after its end the lease is ${last}.`);
  const lateMs = Date.parse(textIn(revoked, 'lease.revokedAt') ?? '') - expiresAtMs;
  const text = `Revoked ${duration(lateMs)} after its end; evidence "${textIn(revoked, 'lease.evidence.kind')}".`;
  return lateMs <= PROMISE_MS ? passed(text) : failed(`${text} The promise is ${duration(PROMISE_MS)}.`);
}

/**
 * Whether the job of the lease ran, which the sweep can hide: it ends due leases too. Source: EventBridge Scheduler User Guide,
 * "Monitoring with CloudWatch": `InvocationAttemptCount`, `TargetErrorCount` and `InvocationDroppedCount` by `ScheduleGroup`.
 */
export async function jobRan({ aws, clock }: Run, { expiresAtMs }: Leased): Promise<Finding> {
  if (aws === undefined) return notShown(NO_STACK);
  const group = resourceOf(await aws.resources(), 'AWS::Scheduler::ScheduleGroup', 'ScheduleGroup');
  if (group === undefined) return failed('The stack has no schedule group.');
  const count = (name: string) =>
    aws.metric(
      { namespace: 'AWS/Scheduler', name, dimensions: { ScheduleGroup: group.physicalId }, statistic: 'Sum' },
      expiresAtMs - 60_000,
      clock.nowMs(),
    );
  const bounds = { untilMs: clock.nowMs() + METRIC_PATIENCE_MS, everyMs: METRIC_EVERY_MS };
  const attempts = await lookFor(clock, bounds, async () => (await count('InvocationAttemptCount')) || undefined);
  const [errors, dropped] = [await count('TargetErrorCount'), await count('InvocationDroppedCount')];
  if (errors > 0 || dropped > 0) {
    return failed(
      `Since the lease's end ${errors} deliveries met an error of the queue, and ${dropped} jobs were dropped.`,
    );
  }
  if (attempts === undefined) {
    return notShown(
      `CloudWatch has no delivery within ${duration(METRIC_PATIENCE_MS)}; it does not promise every value.`,
    );
  }
  return passed(`CloudWatch counts ${attempts} deliveries of the schedule group since the lease's end, and no error.`);
}

export const NO_STACK = 'Set HUBLEASE_AWS_CHECK_STACK to the name of the CloudFormation stack.';
