import { DESIGN } from './design.ts';
import { QUOTAS } from './quotas.ts';

/** The load of an installation. */
export interface Load {
  readonly ttlSeconds: number;
  /** Requests a minute that Docker Hub allows one account. Docker does not publish this limit, but its answers state it. */
  readonly hubRequestsPerMinute: number;
  readonly sweepIntervalSeconds: number;
}

/** 600 requests a minute is the figure of docs/cost.md. */
export const USUAL_LOAD: Load = { ttlSeconds: 900, hubRequestsPerMinute: 600, sweepIntervalSeconds: 300 };

/** One limit, and the rate at which it is reached. */
export interface Limit {
  readonly name: string;
  /** The limit applies separately to each of these. */
  readonly each: 'installation' | 'AWS account' | 'secret' | 'caller' | 'quota' | 'Docker Hub account' | 'organization';
  /** Mints a second at which the limit is reached. */
  readonly mintsPerSecond: number;
  /** How to raise the limit: a setting, a request to AWS, more Docker Hub accounts, or a change of the design. */
  readonly liftedBy: 'accounts' | 'setting' | 'AWS' | 'design';
  /** The reason for the limit. */
  readonly because: string;
}

/** Requests to Docker Hub for one lease. The number depends on how Docker Hub answers the delete. */
export const HUB_REQUESTS = [
  { requests: 2, when: 'deletes answer 204' },
  { requests: 3, when: 'deletes answer 202, and the first look shows the token inactive' },
  { requests: 5, when: 'deletes answer 202, and a second look and the list are needed' },
] as const;

/**
 * Docker Hub accounts that a rate of mints needs, for the requests of each lease and for the sweep's lists of the open tokens.
 *
 * @param mintsPerSecond of all accounts together.
 */
export function accountsNeeded(mintsPerSecond: number, requests: number, load: Load): number {
  const { perLease, perAccount } = requestsPerMinute(requests, load);
  return Math.ceil((mintsPerSecond * perLease) / (load.hubRequestsPerMinute - perAccount) - 1e-9);
}

/** Organizations on a Business plan that a rate of mints needs. */
export function organizationsNeeded(mintsPerSecond: number, load: Load): number {
  return Math.ceil((mintsPerSecond * load.ttlSeconds) / QUOTAS.hubBusinessTokens.value);
}

/** Requests a minute for one lease a second, and for an account without leases. */
function requestsPerMinute(requests: number, { ttlSeconds, sweepIntervalSeconds }: Load) {
  const sweepsPerMinute = 60 / sweepIntervalSeconds;
  return {
    perLease: 60 * requests + (ttlSeconds / DESIGN.tokensPerListing) * sweepsPerMinute,
    perAccount: sweepsPerMinute,
  };
}

/** Every limit that is modelled, the lowest first. */
export function limitsOf(load: Load): readonly Limit[] {
  return [...hubLimits(load), ...ownLimits(load), ...dynamodbLimits(), ...otherAwsLimits(load)].sort(
    (one, other) => one.mintsPerSecond - other.mintsPerSecond,
  );
}

/**
 * The lowest limit that a rate exceeds, among the limits that can be raised in one of these ways. Undefined if it exceeds none.
 * `accounts` raises the limits of Docker Hub.
 */
export function firstLimit(mintsPerSecond: number, load: Load, ways: readonly Limit['liftedBy'][]): Limit | undefined {
  return limitsOf(load).find((limit) => ways.includes(limit.liftedBy) && limit.mintsPerSecond < mintsPerSecond);
}

function hubLimits(load: Load): Limit[] {
  const { perLease, perAccount } = requestsPerMinute(2, load);
  return [
    {
      name: 'Docker Hub: requests of an account',
      each: 'Docker Hub account',
      mintsPerSecond: (load.hubRequestsPerMinute - perAccount) / perLease,
      liftedBy: 'accounts',
      because: `${load.hubRequestsPerMinute} requests a minute (assumed). A lease takes 2, and the sweep lists the account`,
    },
    {
      name: 'Docker Hub: tokens of an organization',
      each: 'organization',
      mintsPerSecond: QUOTAS.hubBusinessTokens.value / load.ttlSeconds,
      liftedBy: 'accounts',
      because: QUOTAS.hubBusinessTokens.source,
    },
    {
      name: 'Sweep: one account within half a sweep',
      each: 'Docker Hub account',
      mintsPerSecond: DESIGN.sweepSeconds / 2 / DESIGN.sweepSecondsPerToken / load.ttlSeconds,
      liftedBy: 'accounts',
      because: 'assumed: reading a page of the list takes 0.3 s, and reading a lease 5 ms',
    },
  ];
}

function ownLimits({ ttlSeconds, sweepIntervalSeconds }: Load): Limit[] {
  const { queueConcurrency, queueBatch, revokeSeconds } = DESIGN;
  return [
    {
      name: 'API: requests of a caller',
      each: 'caller',
      mintsPerSecond: DESIGN.callerRequestsPerMinute / 60,
      liftedBy: 'setting',
      because: '`throttling.caller`',
    },
    {
      name: 'API: mints',
      each: 'installation',
      mintsPerSecond: DESIGN.mintsPerSecond,
      liftedBy: 'setting',
      because: '`throttling.mints`',
    },
    {
      name: 'API: all requests',
      each: 'installation',
      mintsPerSecond: DESIGN.stageRequestsPerSecond,
      liftedBy: 'setting',
      because: '`throttling.stage`; 1 request for each lease if the job does not revoke it itself',
    },
    {
      name: 'Revoker: leases from the queue',
      each: 'installation',
      mintsPerSecond: (queueConcurrency * queueBatch) / revokeSeconds,
      liftedBy: 'setting',
      because: `${queueConcurrency} revokers at once, or half of \`revokeConcurrency\`. Each revokes ${queueBatch} leases in ${revokeSeconds} s (assumed)`,
    },
    {
      name: 'Sweep: due leases, if no Scheduler job runs',
      each: 'installation',
      mintsPerSecond: DESIGN.sweepMostDue / sweepIntervalSeconds,
      liftedBy: 'design',
      because: `sends at most ${DESIGN.sweepMostDue.toLocaleString('en-US')} to the queue every ${sweepIntervalSeconds} s`,
    },
    {
      name: 'Sweep: all accounts in one sweep',
      each: 'installation',
      mintsPerSecond: DESIGN.sweepSeconds / DESIGN.sweepSecondsPerToken / ttlSeconds,
      liftedBy: 'design',
      because: `a sweep takes at most ${DESIGN.sweepSeconds} s. Above this rate, not every sweep reaches every account`,
    },
    {
      name: 'Open leases that can be counted',
      each: 'installation',
      mintsPerSecond: DESIGN.openLeases / ttlSeconds,
      liftedBy: 'design',
      because: `at most ${DESIGN.openLeases.toLocaleString('en-US')} open leases. Deleting, draining and quotas count them`,
    },
  ];
}

function dynamodbLimits(): Limit[] {
  const [writes, reads] = [QUOTAS.dynamodbPartitionWrites.value, QUOTAS.dynamodbPartitionReads.value];
  const of = (
    name: string,
    each: Limit['each'],
    [capacity, units]: readonly [number, number],
    because: string,
    liftedBy: Limit['liftedBy'] = 'design',
  ): Limit => ({ name, each, mintsPerSecond: capacity / units, liftedBy, because });
  return [
    of(
      'DynamoDB: a quota counter',
      'quota',
      [writes, DESIGN.counterWrites],
      'one item. Its transactions conflict below this rate. Every organization has a counter',
    ),
    of(
      'DynamoDB: `replay` rows',
      'installation',
      [writes, DESIGN.replayWrites],
      'one partition key, for leases with an Idempotency-Key. The command line sends one',
    ),
    of(
      'DynamoDB: `target` rows',
      'installation',
      [reads, DESIGN.targetReads],
      'one partition key; 3 reads for each lease',
    ),
    of(
      'DynamoDB: `session` rows',
      'installation',
      [reads, DESIGN.sessionReads],
      'one partition key; 3 reads for each lease',
    ),
    of(
      'DynamoDB: `secret` rows',
      'installation',
      [reads, DESIGN.secretReads],
      'one partition key; 1 read for each lease',
    ),
    of('DynamoDB: `by-secret`', 'secret', [writes, DESIGN.listWrites], 'one partition key for each secret'),
    of('DynamoDB: `by-caller`', 'caller', [writes, DESIGN.listWrites], 'one partition key for each caller'),
    of(
      'DynamoDB: `due`',
      'installation',
      [writes * DESIGN.shards, DESIGN.dueWrites],
      `${DESIGN.shards} shards; 4 writes for each lease`,
    ),
    of(
      'DynamoDB: `by-day`',
      'installation',
      [writes * DESIGN.shards, DESIGN.listWrites],
      `${DESIGN.shards} shards; 1 write for each lease`,
    ),
    of(
      'DynamoDB: the lease table',
      'installation',
      [QUOTAS.dynamodbTableWrites.value, DESIGN.tableWrites],
      QUOTAS.dynamodbTableWrites.source,
      'AWS',
    ),
  ];
}

function otherAwsLimits({ ttlSeconds }: Load): Limit[] {
  const of = (name: string, mintsPerSecond: number, because: string): Limit => ({
    name,
    each: 'AWS account',
    mintsPerSecond,
    liftedBy: 'AWS',
    because,
  });
  return [
    of('API Gateway: requests', QUOTAS.apiGatewayRequests.value, QUOTAS.apiGatewayRequests.source),
    of(
      'Lambda: concurrent executions',
      QUOTAS.lambdaConcurrency.value / DESIGN.lambdaSeconds,
      `${QUOTAS.lambdaConcurrency.value.toLocaleString('en-US')}; ${DESIGN.lambdaSeconds} s for each lease (assumed)`,
    ),
    of('Scheduler: jobs created', QUOTAS.schedulerCreates.value, QUOTAS.schedulerCreates.source),
    of('Scheduler: jobs delivered', QUOTAS.schedulerInvocations.value, QUOTAS.schedulerInvocations.source),
    of('Scheduler: waiting jobs', QUOTAS.schedules.value / ttlSeconds, QUOTAS.schedules.source),
    of(
      'SQS: messages in flight',
      QUOTAS.sqsInFlight.value / DESIGN.revokeSeconds,
      `${QUOTAS.sqsInFlight.source}; ${DESIGN.revokeSeconds} s each (assumed)`,
    ),
  ];
}
