import { DESIGN } from './design.ts';
import { QUOTAS } from './quotas.ts';

/** What an installation is asked to bear. */
export interface Load {
  readonly ttlSeconds: number;
  /** Requests a minute that Docker Hub allows one account. Docker does not publish it; its answers state it. */
  readonly hubRequestsPerMinute: number;
  readonly sweepIntervalSeconds: number;
}

/** 600 requests a minute is the figure of docs/cost.md. */
export const USUAL_LOAD: Load = { ttlSeconds: 900, hubRequestsPerMinute: 600, sweepIntervalSeconds: 300 };

/** One limit and the rate at which it is met. */
export interface Limit {
  readonly name: string;
  /** Of what there is one: raising the rate elsewhere does not help it. */
  readonly each: 'installation' | 'AWS account' | 'secret' | 'caller' | 'quota' | 'Docker Hub account' | 'organization';
  /** Mints a second at which it is met. */
  readonly mintsPerSecond: number;
  /** What lifts it: a setting, AWS on request, more Docker Hub accounts, or a change of the design. */
  readonly liftedBy: 'accounts' | 'setting' | 'AWS' | 'design';
  /** From what it follows. */
  readonly because: string;
}

/** Requests of Docker Hub that a lease takes, by how Docker Hub answers its delete. */
export const HUB_REQUESTS = [
  { requests: 2, when: 'deletes answer 204' },
  { requests: 3, when: 'deletes answer 202, and the first look shows the token inactive' },
  { requests: 5, when: 'deletes answer 202, and a second look and the list are needed' },
] as const;

/**
 * Docker Hub accounts that a rate of mints takes: each lease's own requests, and the sweep's listings of the tokens that are open.
 *
 * @param mintsPerSecond of all accounts together.
 */
export function accountsNeeded(mintsPerSecond: number, requests: number, load: Load): number {
  const { perLease, perAccount } = requestsPerMinute(requests, load);
  return Math.ceil((mintsPerSecond * perLease) / (load.hubRequestsPerMinute - perAccount) - 1e-9);
}

/** Organizations whose tokens a rate of mints takes, on a Business plan. */
export function organizationsNeeded(mintsPerSecond: number, load: Load): number {
  return Math.ceil((mintsPerSecond * load.ttlSeconds) / QUOTAS.hubBusinessTokens.value);
}

/** Requests a minute for one lease a second, and for an account that has none. */
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
 * The lowest limit that a rate passes, of those that are lifted in one of these ways. Undefined where it passes none. Docker Hub's are
 * lifted by `accounts`.
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
      because: `${load.hubRequestsPerMinute} requests a minute, assumed; 2 a lease, and the sweep's listings`,
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
      because: 'a page of the listing takes 0.3 s and a lease 5 ms to be read, assumed',
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
      because: '`throttling.stage`; 1 request a lease, where the job does not revoke it itself',
    },
    {
      name: 'Revoker: leases from the queue',
      each: 'installation',
      mintsPerSecond: (queueConcurrency * queueBatch) / revokeSeconds,
      liftedBy: 'setting',
      because: `${queueConcurrency} revokers at a time, or half of \`revokeConcurrency\`; ${queueBatch} leases each, ${revokeSeconds} s assumed`,
    },
    {
      name: 'Sweep: due leases, should no job run',
      each: 'installation',
      mintsPerSecond: DESIGN.sweepMostDue / sweepIntervalSeconds,
      liftedBy: 'design',
      because: `hands on ${DESIGN.sweepMostDue.toLocaleString('en-US')} every ${sweepIntervalSeconds} s`,
    },
    {
      name: 'Sweep: all accounts in one sweep',
      each: 'installation',
      mintsPerSecond: DESIGN.sweepSeconds / DESIGN.sweepSecondsPerToken / ttlSeconds,
      liftedBy: 'design',
      because: `${DESIGN.sweepSeconds} s; beyond it, an account is looked at every second sweep or later`,
    },
    {
      name: 'Open leases that can be counted',
      each: 'installation',
      mintsPerSecond: DESIGN.openLeases / ttlSeconds,
      liftedBy: 'design',
      because: `${DESIGN.openLeases.toLocaleString('en-US')} open at a time; deleting, draining and quotas count them`,
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
      'DynamoDB: a counter',
      'quota',
      [writes, DESIGN.counterWrites],
      'one item; its transactions conflict before that. Every organization has one',
    ),
    of(
      'DynamoDB: `replay` rows',
      'installation',
      [writes, DESIGN.replayWrites],
      'one partition key; leases with an Idempotency-Key, such as those of the command line',
    ),
    of('DynamoDB: `target` rows', 'installation', [reads, DESIGN.targetReads], 'one partition key; 3 reads a lease'),
    of('DynamoDB: `session` rows', 'installation', [reads, DESIGN.sessionReads], 'one partition key; 3 reads a lease'),
    of('DynamoDB: `secret` rows', 'installation', [reads, DESIGN.secretReads], 'one partition key; 1 read a lease'),
    of('DynamoDB: `by-secret`', 'secret', [writes, DESIGN.listWrites], 'one partition key for each secret'),
    of('DynamoDB: `by-caller`', 'caller', [writes, DESIGN.listWrites], 'one partition key for each caller'),
    of(
      'DynamoDB: `due`',
      'installation',
      [writes * DESIGN.shards, DESIGN.dueWrites],
      `${DESIGN.shards} shards; 4 writes a lease`,
    ),
    of(
      'DynamoDB: `by-day`',
      'installation',
      [writes * DESIGN.shards, DESIGN.listWrites],
      `${DESIGN.shards} shards; 1 write a lease`,
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
      'Lambda: executions at a time',
      QUOTAS.lambdaConcurrency.value / DESIGN.lambdaSeconds,
      `${QUOTAS.lambdaConcurrency.value.toLocaleString('en-US')}; ${DESIGN.lambdaSeconds} s a lease, assumed`,
    ),
    of('Scheduler: jobs created', QUOTAS.schedulerCreates.value, QUOTAS.schedulerCreates.source),
    of('Scheduler: jobs delivered', QUOTAS.schedulerInvocations.value, QUOTAS.schedulerInvocations.source),
    of('Scheduler: jobs that wait', QUOTAS.schedules.value / ttlSeconds, QUOTAS.schedules.source),
    of(
      'SQS: messages in flight',
      QUOTAS.sqsInFlight.value / DESIGN.revokeSeconds,
      `${QUOTAS.sqsInFlight.source}; ${DESIGN.revokeSeconds} s each, assumed`,
    ),
  ];
}
