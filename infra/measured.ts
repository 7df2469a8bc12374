import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/adapters/aws/metric-names.ts';
import { metricOf } from './metrics.ts';

/** Offers every metric of an installation, for alarms and dashboards of others. */
export abstract class Measured extends Construct {
  /** In which the metrics are. */
  abstract readonly metricsNamespace: string;

  /** Tokens answered. */
  metricMinted(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('LeasesMinted', options);
  }

  /** Leases revoked on evidence. */
  metricRevoked(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('LeasesRevoked', options);
  }

  /** From the end of a lease to the evidence that its token is dead. */
  metricTimeToRevokeSeconds(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('TimeToRevokeSeconds', options);
  }

  /** How far the most overdue open lease is past its end, as of the last sweep. */
  metricOverdueSeconds(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('OverdueSeconds', options);
  }

  /** Attempts to revoke that failed and are repeated. */
  metricRevokeFailures(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('RevokeFailures', options);
  }

  /** Messages and timers that the revoker could not work on and that come back. */
  metricRecordFailures(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('RecordFailures', options);
  }

  /** Open leases whose revocation has failed for long, as of the last sweep. */
  metricStuckRevocations(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('StuckRevocations', options);
  }

  /** Attempts to revoke leases that listed tokens have kept open for ten minutes and more. */
  metricBlocked(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('LeasesBlocked', options);
  }

  /** Leases that an admin closed without proof. */
  metricAttested(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('LeasesAttested', options);
  }

  /** Leases that read revoked while their token lived. */
  metricReopened(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('LeasesReopened', options);
  }

  /** Open leases, as of the last sweep. */
  metricOpen(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('LeasesOpen', options);
  }

  /** Milliseconds that calls to Docker Hub take. */
  metricHubLatency(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('HubLatencyMs', options);
  }

  /** Calls to Docker Hub that failed. */
  metricHubErrors(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('HubErrors', options);
  }

  /** Requests that Docker Hub still allows, as it last said. */
  metricHubRemainingRate(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('HubRemainingRate', options);
  }

  /** Credentials that Docker Hub refused. */
  metricLoginBreakerOpen(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('LoginBreakerOpen', options);
  }

  /** Targets whose mints began to be refused. */
  metricTargetsRefused(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('TargetsRefused', options);
  }

  /** Sweeps and attempts to which Docker Hub denied the target's account. */
  metricAccountsUnreachable(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('AccountsUnreachable', options);
  }

  /** Sweeps that could not use an account's list of tokens. */
  metricListingsUnusable(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('ListingsUnusable', options);
  }

  /** How far our clock and Docker Hub's are apart. */
  metricClockSkewSeconds(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('ClockSkewSeconds', options);
  }

  /** Requests that were answered with 500. */
  metricInternalErrors(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('InternalErrors', options);
  }

  /** Mints that hublease or Docker Hub failed; its average is their share of all mints, its sample count all of them. */
  metricMintsFailed(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('MintsFailed', options);
  }

  /** Requests that API Gateway answered with 5xx by itself. */
  metricGatewayFailures(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('GatewayFailures', options);
  }

  /** Audit events that could not be stored. */
  metricAuditEventsLost(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('AuditEventsLost', options);
  }

  /** Sweeps that found the key unusable. */
  metricKeyUnusable(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('KeyUnusable', options);
  }

  /** Sweeps that came to their end. */
  metricSweepCompleted(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.#metric('SweepCompleted', options);
  }

  #metric(name: MetricName, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return metricOf(this.metricsNamespace, name, options);
  }
}
