import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  type SchedulerClient,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import type { Clock } from '../../core/ports/environment.ts';
import type { Backstop } from '../../core/ports/triggers.ts';
import { awsCall, failedWith } from './call.ts';
import { writeLeaseMessage } from './lease-message.ts';

/**
 * A job is always at least this far in the future. Scheduler is precise to the minute. If a time has passed when the request is
 * handled, the job is refused or never runs. This leaves one minute of precision, and half a minute for different clocks.
 */
const MIN_AHEAD_MS = 90_000;
/** The due sweep takes over long before this, so longer retries would not help. */
const DELIVERY_AGE_SECONDS = 3_600;
/** Scheduler's maximum. Its pauses grow, so the age above ends the retries first. */
const DELIVERY_ATTEMPTS = 185;
/** A job can run and delete itself between two calls of arming at most once, because a new job is at least 90 s in the future. */
const ROUNDS = 2;

export interface SchedulerOptions {
  readonly client: SchedulerClient;
  readonly group: string;
  /** The revocation queue. */
  readonly queueArn: string;
  /** The role with which Scheduler sends to that queue. */
  readonly roleArn: string;
  /** Receives messages that could not be delivered. */
  readonly deadLetterArn: string;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * Arms one EventBridge Scheduler job per lease, `lease-ID`, which sends the lease's id to the revocation queue once and then
 * deletes itself. Rejects with AwsCallFailed; the job may then be armed or not.
 *
 * The client token of the create is derived from lease and time, so a retry after a lost reply is the same request. An existing
 * job is set to the given time, which changes nothing if the time is the same.
 *
 * IAM actions: CreateSchedule, UpdateSchedule, and PassRole for `roleArn`. Source: EventBridge Scheduler API reference,
 * CreateSchedule; user guide, "One-time schedules": `at(yyyy-mm-ddThh:mm:ss)`.
 */
export function schedulerBackstop(options: SchedulerOptions): Backstop {
  const { client, clock } = options;
  return {
    async arm(leaseId, atMs) {
      const atSeconds = Math.ceil(Math.max(atMs, clock.nowMs() + MIN_AHEAD_MS) / 1_000);
      const job = jobOf(options, leaseId, atSeconds);
      for (let round = 1; ; round++) {
        try {
          await awsCall('CreateSchedule', () =>
            client.send(new CreateScheduleCommand({ ...job, ClientToken: `${leaseId}-${atSeconds}` })),
          );
          return;
        } catch (error) {
          if (!failedWith(error, 'ConflictException')) throw error;
        }
        try {
          await awsCall('UpdateSchedule', () => client.send(new UpdateScheduleCommand(job)));
          return;
        } catch (error) {
          if (round === ROUNDS || !failedWith(error, 'ResourceNotFoundException')) throw error;
        }
      }
    },
  };
}

function jobOf(options: SchedulerOptions, leaseId: string, atSeconds: number) {
  return {
    Name: `lease-${leaseId}`,
    GroupName: options.group,
    ScheduleExpression: `at(${new Date(atSeconds * 1_000).toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length)})`,
    ScheduleExpressionTimezone: 'UTC',
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'DELETE',
    Target: {
      Arn: options.queueArn,
      RoleArn: options.roleArn,
      Input: writeLeaseMessage(leaseId),
      RetryPolicy: { MaximumEventAgeInSeconds: DELIVERY_AGE_SECONDS, MaximumRetryAttempts: DELIVERY_ATTEMPTS },
      DeadLetterConfig: { Arn: options.deadLetterArn },
    },
  } satisfies CreateScheduleCommandInput;
}
