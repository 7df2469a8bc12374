import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { LEASE_INDEXES } from '../functions/adapters/dynamodb/tables.ts';
import type { AlarmShape, Watched } from './alarms.ts';
import { metricOf, PERIOD, SWEEPS_LOOKED_AT, sweepPeriod } from './metrics.ts';

/** Timers are the slow net, and their records are lost after a day: an hour behind leaves time to act. */
const MAX_ITERATOR_AGE = Duration.hours(1);
/** A revocation that is tried again waits up to 15 minutes in the queue. Beyond that, and the promise, nobody takes its messages. */
const MAX_QUEUE_AGE = Duration.seconds(15 * 60 + 120);

/** Alarms about the AWS services underneath. */
export function serviceAlarms(watched: Watched): Record<string, AlarmShape> {
  return { ...functionAlarms(watched), ...queueAlarms(watched), ...storeAlarms(watched) };
}

function functionAlarms({ functions, revoker }: Watched): Record<string, AlarmShape> {
  return {
    FunctionErrors: {
      metric: sumOf(
        'failed invocations',
        Object.entries(functions).map(([name, fn]) => [`errors_${name}`, fn.metricErrors()]),
      ),
      description: 'A function crashed, ran out of time or could not start.',
      section: 'function-errors',
      threshold: 0,
    },
    Throttles: {
      metric: sumOf(
        'throttled invocations',
        Object.entries(functions).map(([name, fn]) => [`throttles_${name}`, fn.metricThrottles()]),
      ),
      description: 'Lambda refused to run a function: its concurrency, or that of the account, is used up.',
      section: 'throttles',
      threshold: 0,
    },
    IteratorAge: {
      metric: revoker.metric('IteratorAge', { statistic: cloudwatch.Stats.MAXIMUM }),
      description: "The revoker is an hour behind the lease table's stream, whose records are lost after a day.",
      section: 'iterator-age',
      threshold: MAX_ITERATOR_AGE.toMilliseconds(),
    },
  };
}

function queueAlarms({ queue, deadLetterQueues }: Watched): Record<string, AlarmShape> {
  const deadLetters = Object.entries(deadLetterQueues).map(([name, deadLetterQueue]): [string, AlarmShape] => [
    `${name}DeadLetters`,
    {
      metric: waiting(deadLetterQueue),
      description: `${name}: messages were set aside that could not be worked on. Their leases are still swept.`,
      section: 'dead-letters',
      threshold: 0,
    },
  ]);
  return {
    QueueAge: {
      metric: queue.metricApproximateAgeOfOldestMessage({ statistic: cloudwatch.Stats.MAXIMUM }),
      description: 'A message has waited for the revoker for longer than any retry does.',
      section: 'queue-age',
      threshold: MAX_QUEUE_AGE.toSeconds(),
    },
    ...Object.fromEntries(deadLetters),
  };
}

function storeAlarms({ namespace, leaseTable, catalogTable, sweepInterval }: Watched): Record<string, AlarmShape> {
  return {
    TableThrottles: {
      metric: sumOf('throttled reads and writes', throttlesOf(leaseTable, catalogTable)),
      description: 'DynamoDB has throttled reads or writes for more than ten minutes.',
      section: 'table-throttles',
      threshold: 0,
      // A table that is charged by request throttles for moments while it grows, and the SDK tries again.
      evaluationPeriods: 4,
      datapointsToAlarm: 3,
    },
    KeyUnusable: {
      metric: metricOf(namespace, 'KeyUnusable', { period: sweepPeriod(sweepInterval) }),
      description: 'KMS does not let the key be used: no table, credential or session can be read.',
      section: 'key-unusable',
      threshold: 0,
      evaluationPeriods: SWEEPS_LOOKED_AT,
      datapointsToAlarm: 1,
    },
  };
}

/** Reads and writes of the tables, and writes of the lease table's indexes, which are throttled on their own. */
function throttlesOf(leaseTable: dynamodb.Table, catalogTable: dynamodb.Table): [string, cloudwatch.Metric][] {
  const sum = { statistic: cloudwatch.Stats.SUM };
  return [
    ...Object.entries({ leases: leaseTable, catalog: catalogTable }).flatMap(([name, table]) =>
      ['Read', 'Write'].map((kind): [string, cloudwatch.Metric] => [
        `${kind.toLowerCase()}_${name}`,
        table.metric(`${kind}ThrottleEvents`, sum),
      ]),
    ),
    ...Object.values(LEASE_INDEXES).map((index): [string, cloudwatch.Metric] => [
      `write_${index.replaceAll('-', '_')}`,
      leaseTable.metric('WriteThrottleEvents', {
        ...sum,
        dimensionsMap: { TableName: leaseTable.tableName, GlobalSecondaryIndexName: index },
      }),
    ]),
  ];
}

/** Of several metrics, of which each may be silent. DynamoDB's alarms would go on ringing through silence, so that it counts as 0. */
function sumOf(label: string, metrics: [string, cloudwatch.IMetric][]): cloudwatch.MathExpression {
  return new cloudwatch.MathExpression({
    expression: 'FILL(SUM(METRICS()), 0)',
    label,
    period: PERIOD,
    usingMetrics: Object.fromEntries(metrics),
  });
}

/** Messages that wait in a queue. */
export function waiting(queue: sqs.IQueue): cloudwatch.Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: cloudwatch.Stats.MAXIMUM });
}
