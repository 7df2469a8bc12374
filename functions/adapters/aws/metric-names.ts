/** Units of CloudWatch that hublease uses. */
export type MetricUnitName = 'Count' | 'Seconds' | 'Milliseconds' | 'None';

export interface MetricShape {
  readonly unit: MetricUnitName;
  /**
   * A breakdown, which is written in addition to the total. It must have few values, because AWS charges each as a separate
   * metric.
   */
  readonly dimension?: string;
}

/**
 * Every metric, in the installation's own namespace. Each is written without dimensions, for the alarms. A metric with a
 * `dimension` is also written with it.
 */
export const METRICS = {
  /** A token was returned. */
  LeasesMinted: { unit: 'Count' },
  /** A lease was revoked on evidence; by its reason. */
  LeasesRevoked: { unit: 'Count', dimension: 'Reason' },
  /** Time from a lease's end to the evidence for it. */
  TimeToRevokeSeconds: { unit: 'Seconds' },
  /** How far the most overdue open lease is past its expiry; 0 if none is overdue. */
  OverdueSeconds: { unit: 'Seconds' },
  /** An attempt to revoke failed and will be repeated. */
  RevokeFailures: { unit: 'Count' },
  /** The revoker failed on a message or a timer record, which will be delivered again. */
  RecordFailures: { unit: 'Count' },
  /** Tokens that may belong to a lease have kept it open for ten minutes; counted at each attempt. */
  LeasesBlocked: { unit: 'Count' },
  /** An admin closed a lease on their word, without proof. */
  LeasesAttested: { unit: 'Count' },
  /** A live token of a revoked lease was seen. */
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
  /** Docker Hub denies a target the access to its account or organization; counted at each attempt and each sweep. */
  AccountsUnreachable: { unit: 'Count' },
  /** An account's list of tokens could not be used; counted at each sweep. */
  ListingsUnusable: { unit: 'Count' },
  /** The difference between our clock and Docker Hub's, never negative. */
  ClockSkewSeconds: { unit: 'Seconds' },
  /** A request that hublease answered with 500: an error that nobody expected. */
  InternalErrors: { unit: 'Count' },
  /**
   * A mint: 0 if a token was returned, 1 if hublease or Docker Hub failed (5xx). A mint that was refused because of its order,
   * its caller or its rate is not counted.
   */
  MintsFailed: { unit: 'Count' },
  /** API Gateway itself answered 5xx, without an answer of a function. Counted by CloudWatch from the access log. */
  GatewayFailures: { unit: 'Count' },
  /** An audit event could not be stored. */
  AuditEventsLost: { unit: 'Count' },
  /** KMS does not allow the use of the installation's key; counted at each sweep. */
  KeyUnusable: { unit: 'Count' },
  /** A sweep finished. */
  SweepCompleted: { unit: 'Count' },
  /** Open leases whose revocation has failed many times, as the sweep counts them. */
  StuckRevocations: { unit: 'Count' },
  /** Open leases, as the sweep counts them. */
  LeasesOpen: { unit: 'Count' },
} as const satisfies Record<string, MetricShape>;

export type MetricName = keyof typeof METRICS;
