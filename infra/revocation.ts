import { Duration, Stack, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { TIMER_ROW } from '../functions/adapters/dynamodb/tables.ts';
import { checkConcurrency } from './bounds.ts';
import type { HubleaseFunction } from './function.ts';
import type { State } from './state.ts';
import { serviceOfThisAccount } from './trust.ts';

/** A batch is revoked side by side, each lease within some calls to Docker Hub of 8 s at most. */
export const REVOKER_TIMEOUT = Duration.minutes(1);
/** Six times the function's timeout, as AWS advises, so that a message does not come again while it is worked on. */
const VISIBILITY_TIMEOUT = Duration.minutes(6);
/**
 * A revocation that fails sends its own next message. What the revoker could not work on comes back after 5 to 30 s, so that a
 * store may fail for eight minutes before a message is set aside.
 */
const MAX_RECEIVES = 20;
/** The longest that SQS keeps a message: time to look at what went wrong. */
const DEAD_LETTER_RETENTION = Duration.days(14);
const QUEUE_BATCH = 10;
/** Revokers at work on the queue at a time. More would meet Docker Hub's rate limits sooner than leases end. */
const QUEUE_CONCURRENCY = 10;
/** The least that SQS accepts. Source: Lambda, ScalingConfig `MaximumConcurrency` 2 to 1,000. */
const MIN_QUEUE_CONCURRENCY = 2;
const MAX_QUEUE_CONCURRENCY = 1_000;
/** With a reservation, the queue takes half of it: the stream must not find all of it in use, nor the queue be throttled. */
export const MIN_REVOKE_CONCURRENCY = 2 * MIN_QUEUE_CONCURRENCY;
const STREAM_BATCH = 25;
const STREAM_RETRIES = 10;
/** Stream records are gone after 24 h, and block their shard meanwhile. The due sweep finds their leases within minutes. */
const STREAM_MAX_AGE = Duration.hours(6);

/** What makes leases end: the queue, its jobs, and what starts the revoker and the sweeper. */
export class Revocation extends Construct {
  /** Leases to look at: from the scheduler, the sweeper, and revocations that try again. */
  readonly queue: sqs.Queue;
  /** Messages that broke the revoker time and again. */
  readonly queueDeadLetters: sqs.Queue;
  /** Jobs that Scheduler could not deliver. */
  readonly scheduleDeadLetters: sqs.Queue;
  /** Where in the stream a timer's deletion was that broke the revoker. */
  readonly timerDeadLetters: sqs.Queue;
  /** Lets Scheduler send to the queue, for schedules of this installation's group only. */
  readonly scheduleRole: iam.Role;
  /** Matches the ARN of every lease's schedule. */
  readonly scheduleArns: string;

  constructor(scope: Construct, id: string, state: State) {
    super(scope, id);
    this.queueDeadLetters = this.deadLetters('QueueDeadLetters');
    this.scheduleDeadLetters = this.deadLetters('ScheduleDeadLetters');
    this.timerDeadLetters = this.deadLetters('TimerDeadLetters');
    this.queue = new sqs.Queue(this, 'Queue', {
      // Messages hold a lease's id and nothing else.
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: VISIBILITY_TIMEOUT,
      deadLetterQueue: { queue: this.queueDeadLetters, maxReceiveCount: MAX_RECEIVES },
    });
    this.scheduleArns = Stack.of(this).formatArn({
      service: 'scheduler',
      resource: 'schedule',
      resourceName: `${state.scheduleGroup.ref}/lease-*`,
    });
    this.scheduleRole = new iam.Role(this, 'ScheduleRole', {
      // Scheduler names the group, not the schedule. Source: EventBridge Scheduler user guide, "Confused deputy prevention".
      assumedBy: serviceOfThisAccount('scheduler.amazonaws.com', state.scheduleGroup.attrArn),
    });
    this.scheduleRole.addToPolicy(
      new iam.PolicyStatement({
        sid: 'SendLeases',
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn, this.scheduleDeadLetters.queueArn],
      }),
    );
  }

  /** All queues whose messages mean that somebody should look. */
  get deadLetterQueues(): Readonly<Record<string, sqs.Queue>> {
    return {
      Queue: this.queueDeadLetters,
      Schedule: this.scheduleDeadLetters,
      Timer: this.timerDeadLetters,
    };
  }

  /** Starts the revoker for the queue's messages and for deletions of timers, with failures reported one by one. */
  startRevoker(
    revoker: HubleaseFunction,
    state: State,
    { maxRevokers, revokeConcurrency }: { readonly maxRevokers?: number; readonly revokeConcurrency?: number },
  ): void {
    const maxConcurrency = queueConcurrencyOf(maxRevokers, revokeConcurrency);
    const mappings = [
      new lambda.EventSourceMapping(this, 'QueueSource', {
        target: revoker.lambda,
        eventSourceArn: this.queue.queueArn,
        batchSize: QUEUE_BATCH,
        maxConcurrency,
        reportBatchItemFailures: true,
      }),
      new lambda.EventSourceMapping(this, 'TimerSource', {
        target: revoker.lambda,
        eventSourceArn: state.leaseTable.tableStreamArn as string,
        startingPosition: lambda.StartingPosition.TRIM_HORIZON,
        batchSize: STREAM_BATCH,
        filters: [TIMER_REMOVED],
        retryAttempts: STREAM_RETRIES,
        maxRecordAge: STREAM_MAX_AGE,
        bisectBatchOnError: true,
        reportBatchItemFailures: true,
        onFailure: { bind: () => ({ destination: this.timerDeadLetters.queueArn }) },
      }),
    ];
    // Lambda checks the role's permissions when the mapping is made.
    for (const mapping of mappings) mapping.node.addDependency(revoker.role);
  }

  /**
   * Starts the sweeper at every interval. A start that fails is not repeated: the next one does the same.
   *
   * @returns what starts it.
   */
  startSweeper(sweeper: HubleaseFunction, interval: Duration): events.Rule {
    sweeper.lambda.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: interval });
    return new events.Rule(this, 'SweepSchedule', {
      description: 'hublease: gathers due leases and compares Docker Hub with the leases',
      schedule: events.Schedule.rate(interval),
      targets: [new targets.LambdaFunction(sweeper.lambda, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
  }

  private deadLetters(id: string): sqs.Queue {
    const queue = new sqs.Queue(this, id, {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: DEAD_LETTER_RETENTION,
    });
    Validations.of(queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is a dead-letter queue itself, of Scheduler or of the stream, which the template does not show.',
    });
    return queue;
  }
}

/** @throws Error that names the property, what it got and what it expected. */
function queueConcurrencyOf(maxRevokers: number | undefined, reserved: number | undefined): number {
  checkConcurrency('maxRevokers', maxRevokers, MIN_QUEUE_CONCURRENCY, MAX_QUEUE_CONCURRENCY);
  if (maxRevokers === undefined) {
    return reserved === undefined ? QUEUE_CONCURRENCY : Math.max(MIN_QUEUE_CONCURRENCY, Math.floor(reserved / 2));
  }
  if (reserved !== undefined && maxRevokers >= reserved) {
    throw new Error(
      `maxRevokers: expected less than revokeConcurrency, which timers need too, got ${maxRevokers} of ${reserved}`,
    );
  }
  return maxRevokers;
}

/**
 * The deletion of a timer, so that hardly any other change of the table costs an invocation. Who deleted it, the revoker looks
 * itself: whether a filter may name `userIdentity` is a matter on which AWS' documents disagree, and one that never matched
 * would take this net away without a sign. Sources: Lambda Developer Guide, "Using event filtering with a DynamoDB event
 * source" (only the key `dynamodb`); DynamoDB Developer Guide, "DynamoDB Streams and Time to Live" (`userIdentity`, too).
 */
const TIMER_REMOVED = lambda.FilterCriteria.filter({
  eventName: lambda.FilterRule.isEqual('REMOVE'),
  dynamodb: { Keys: { row: { S: lambda.FilterRule.isEqual(TIMER_ROW) } } },
});
