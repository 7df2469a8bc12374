/** Units of CloudWatch that hublease uses. */
export type MetricUnitName = 'Count' | 'Seconds' | 'Milliseconds' | 'None';

export interface MetricShape {
  readonly unit: MetricUnitName;
  /** A breakdown, which is written beside the total. Its values must be few: each is a metric of its own, and charged. */
  readonly dimension?: string;
}

/**
 * Every metric, in the installation's own namespace. Each is written without dimensions, which is what alarms look at; one
 * that has a `dimension` also by it.
 */
export const METRICS = {
  /** A token was answered. */
  LeasesMinted: { unit: 'Count' },
  /** A lease was revoked on evidence; by its reason. */
  LeasesRevoked: { unit: 'Count', dimension: 'Reason' },
  /** From the moment a lease should have ended to the evidence that it did. */
  TimeToRevokeSeconds: { unit: 'Seconds' },
  /** How far the most overdue open lease is past its expiry; 0 when none is. */
  OverdueSeconds: { unit: 'Seconds' },
  /** An attempt to revoke failed and will be repeated. */
  RevokeFailures: { unit: 'Count' },
  /** The revoker could not work on a message or a timer, which comes back. */
  RecordFailures: { unit: 'Count' },
  /** A lease has been kept open for ten minutes by tokens that may be its own; at each attempt. */
  LeasesBlocked: { unit: 'Count' },
  /** An admin closed a lease on their word, without proof. */
  LeasesAttested: { unit: 'Count' },
  /** A live token was seen of a lease that had read revoked. */
  LeasesReopened: { unit: 'Count' },
  /** One call to Docker Hub. */
  HubLatencyMs: { unit: 'Milliseconds' },
  /** A call to Docker Hub that failed. */
  HubErrors: { unit: 'Count' },
  /** Docker Hub's remaining requests, as it last said. */
  HubRemainingRate: { unit: 'None' },
  /** Docker Hub refused a target's credential; no login with it for ten minutes. */
  LoginBreakerOpen: { unit: 'Count' },
  /** Mints of a target began to be refused: Docker Hub keeps too little of what a lease needs. */
  TargetsRefused: { unit: 'Count' },
  /** Docker Hub denies a target its own account, or its organization; at each attempt and each sweep. */
  AccountsUnreachable: { unit: 'Count' },
  /** An account's list of tokens could not be used; at each sweep. */
  ListingsUnusable: { unit: 'Count' },
  /** How far our clock is from Docker Hub's, never negative. */
  ClockSkewSeconds: { unit: 'Seconds' },
  /** A request that hublease answered with 500: an error that nobody expected. */
  InternalErrors: { unit: 'Count' },
  /**
   * A mint: 0 when a token was answered, 1 when hublease or Docker Hub failed it (5xx). A mint that was refused for what was asked,
   * by whom or how often is not counted.
   */
  MintsFailed: { unit: 'Count' },
  /** API Gateway answered 5xx without an answer of a function. Counted by CloudWatch from the access log. */
  GatewayFailures: { unit: 'Count' },
  /** An audit event could not be stored. */
  AuditEventsLost: { unit: 'Count' },
  /** KMS does not let the installation's key be used; at each sweep. */
  KeyUnusable: { unit: 'Count' },
  /** A sweep came to its end. */
  SweepCompleted: { unit: 'Count' },
  /** Open leases whose revocation has been failing for long, as the sweep counts them. */
  StuckRevocations: { unit: 'Count' },
  /** Open leases, as the sweep counts them. */
  LeasesOpen: { unit: 'Count' },
} as const satisfies Record<string, MetricShape>;

export type MetricName = keyof typeof METRICS;
