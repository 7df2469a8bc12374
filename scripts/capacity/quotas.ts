/**
 * What AWS and Docker Hub allow, each with its source. Defaults of the large regions such as us-east-1 and eu-west-1, as of November
 * 2026; Service Quotas shows those of an account.
 */

export interface Quota {
  readonly value: number;
  readonly source: string;
}

export const QUOTAS = {
  /** Requests a second, of an account and region. Small regions have 2,500. */
  apiGatewayRequests: {
    value: 10_000,
    source: 'API Gateway Developer Guide, "Amazon API Gateway quotas": throttle quota per account, per Region',
  },
  /** Executions at a time, of an account and region. New accounts have fewer. */
  lambdaConcurrency: { value: 1_000, source: 'Lambda Developer Guide, "Lambda quotas": concurrent executions' },
  /** Write units a second, of one partition key whose entries DynamoDB does not split any further. */
  dynamodbPartitionWrites: {
    value: 1_000,
    source: 'DynamoDB Developer Guide, "Designing partition keys": 1,000 write units per second and partition',
  },
  /** Read units a second, of the same. */
  dynamodbPartitionReads: {
    value: 3_000,
    source: 'DynamoDB Developer Guide, "Designing partition keys": 3,000 read units per second and partition',
  },
  /** Write units a second, of a table on demand, and of each of its indexes by itself. */
  dynamodbTableWrites: {
    value: 40_000,
    source: 'DynamoDB Developer Guide, "Quotas": 40,000 write request units per table on demand',
  },
  /** Requests a second. Small regions have 250. */
  schedulerCreates: {
    value: 5_000,
    source: 'EventBridge Scheduler User Guide, "Quotas": CreateSchedule request rate',
  },
  /** Deliveries a second. */
  schedulerInvocations: {
    value: 1_000,
    source: 'EventBridge Scheduler User Guide, "Quotas": invocations throttle limit',
  },
  /** Jobs that wait. */
  schedules: { value: 10_000_000, source: 'EventBridge Scheduler User Guide, "Quotas": number of schedules' },
  /** Messages that are received and not yet deleted. A standard queue has no quota of requests. */
  sqsInFlight: {
    value: 120_000,
    source: 'SQS Developer Guide, "Standard queue quotas": messages per queue, in flight',
  },
  /** Access tokens of an organization, expired ones included. */
  hubBusinessTokens: {
    value: 100,
    source: 'Docker\'s documentation, "Organization access tokens": 100 on a Business plan, 10 on a Team plan',
  },
} as const satisfies Record<string, Quota>;
