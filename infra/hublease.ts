import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/adapters/metric-names.ts';
import { environmentOf, type FunctionName, type SettingName, type SettingValue } from '../functions/env.ts';
import { consumerPolicy } from '../functions/wire/consumer-policy.ts';
import { ROUTES, type Route } from '../functions/wire/routes.ts';
import { giveAccess } from './access.ts';
import { LeaseApi } from './api.ts';
import { type Bounds, type BoundsProps, boundsOf, checkConcurrency } from './bounds.ts';
import type { FunctionEntry } from './bundle.ts';
import {
  CATALOG_TIMEOUT,
  CatalogEntries,
  type DynamicSecretProps,
  type DynamicSecretRef,
  type TargetProps,
  type TargetRef,
} from './catalog.ts';
import { HubleaseFunction, type HubleaseFunctionProps } from './function.ts';
import { grantOwnRoutes } from './grants.ts';
import { metricOf } from './metrics.ts';
import { Observability } from './observability.ts';
import type { Consumers } from './resource-policy.ts';
import { LEAST_REVOKE_CONCURRENCY, REVOKER_TIMEOUT, Revocation } from './revocation.ts';
import { State } from './state.ts';
import { type Throttling, type ThrottlingProps, throttlingOf } from './throttling.ts';

export {
  type DynamicSecretProps,
  DynamicSecretRef,
  type PinnedRole,
  type TargetProps,
  TargetRef,
  type TokenResource,
  type TokenScope,
} from './catalog.ts';
export { ConsumerRole, type ConsumerRoleProps } from './consumer-role.ts';
export type { Consumers } from './resource-policy.ts';
export type { CallerRate, Throttle, ThrottlingProps } from './throttling.ts';

/** What API Gateway waits at most. A function that works longer answers nobody. */
const API_TIMEOUT = Duration.seconds(29);
/** A sweep stops a minute before and goes on with the next one. */
const SWEEPER_TIMEOUT = Duration.minutes(5);
/** Where alarms point to when nobody says where the runbook is read. */
const RUNBOOK = 'docs/runbook.md';

export interface HubleaseProps extends BoundsProps {
  /** Other accounts that may be given the callers' routes. This account needs no mention. @default none */
  readonly consumers?: Consumers;
  /**
   * Encrypts tables, credentials and sessions. Its key policy must leave the decision to this account's IAM policies, as KMS'
   * default does. @default a key of its own, rotated every year
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Keys that this installation had before, its own one too: what they encrypted is still read, and they must stay enabled. Without
   * them the credentials of targets cannot be found after `encryptionKey` is given or changed. @default none
   */
  readonly formerEncryptionKeys?: readonly kms.IKey[];
  /** Told of every alarm, when it begins and when it ends. @default nobody */
  readonly alarmTopic?: sns.ITopic;
  /** @default true */
  readonly dashboard?: boolean;
  /** How many requests are taken, of all callers and of one. @default for each as it says */
  readonly throttling?: ThrottlingProps;
  /**
   * Answer a token only when its `lease.granted` is in the audit log. When CloudWatch Logs cannot be written, callers then get 503
   * `audit_unavailable`. Revocations never wait for it. @default false
   */
  readonly auditRequired?: boolean;
  /** Reserved for the broker, which mints. @default unreserved */
  readonly mintConcurrency?: number;
  /** Reserved for the revoker, 4 at least; the queue takes half of it. @default unreserved */
  readonly revokeConcurrency?: number;
  /**
   * What becomes of tables, key, seed, schedule group and audit logs when the stack is deleted. With DESTROY the tables have
   * no deletion protection either, and leases that are still open then end by Docker Hub's own expiry alone: for trying out.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: kept, but for what a first deployment made before it failed. The tables,
   *   which are protected from deletion, are kept even then.
   */
  readonly removalPolicy?: RemovalPolicy;
  /** Where the runbook is read, without `#section`. @default "docs/runbook.md", as in the repository */
  readonly runbook?: string;
}

/**
 * One installation of hublease: an API that leases Docker Hub tokens to IAM principals, and all that makes them end on time.
 *
 * ```ts
 * const hublease = new Hublease(this, 'Hublease', { consumers: { accounts: ['111122223333'] } });
 * const target = hublease.addTarget('acme-bot', { credential, kind: 'user' });
 * const secret = hublease.addDynamicSecret('ci/release', { target, scope: 'repo:write', maxTtl: Duration.hours(1) });
 * secret.grantLease(buildRole);
 * ```
 *
 * The account and region must have a role with which API Gateway writes logs; `ApiGatewayLogging` makes one.
 *
 * The ids of the constructs inside are a contract: what is stored depends on them.
 */
export class Hublease extends Construct {
  /** With the stage and without a slash at the end: `https://ID.execute-api.REGION.amazonaws.com/v1`. */
  readonly endpointUrl: string;
  readonly leaseTable: dynamodb.Table;
  /** Unset when `dashboard` is false. */
  readonly dashboard?: cloudwatch.Dashboard;

  readonly #bounds: Bounds;
  readonly #throttling: Throttling;
  readonly #auditRequired: boolean;
  readonly #state: State;
  readonly #revocation: Revocation;
  readonly #api: LeaseApi;
  readonly #loggingIn: readonly HubleaseFunction[];
  #catalog: { readonly entries: CatalogEntries; readonly handler: HubleaseFunction } | undefined;

  /** @throws Error that names the property, what it got and what it expected. */
  constructor(scope: Construct, id: string, props: HubleaseProps = {}) {
    super(scope, id);
    const bounds = boundsOf(props);
    const throttling = throttlingOf(props.throttling ?? {});
    checkConcurrency('mintConcurrency', props.mintConcurrency, 1);
    checkConcurrency('revokeConcurrency', props.revokeConcurrency, LEAST_REVOKE_CONCURRENCY);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const { auditRetention, sweepInterval } = bounds;

    const state = new State(this, 'State', {
      encryptionKey: props.encryptionKey,
      formerEncryptionKeys: props.formerEncryptionKeys ?? [],
      auditRetention,
      removalPolicy,
    });
    const revocation = new Revocation(this, 'Revocation', state);
    this.#bounds = bounds;
    this.#throttling = throttling;
    this.#auditRequired = props.auditRequired ?? false;
    this.#state = state;
    this.#revocation = revocation;

    const broker = this.#function('Broker', 'broker', 'broker', {
      description: "hublease: callers' routes. Mints, and revokes what its callers give back",
      timeout: API_TIMEOUT,
      reservedConcurrency: props.mintConcurrency,
    });
    const admin = this.#function('Admin', 'admin', 'admin', {
      description: 'hublease: admin routes. Keeps targets and dynamic secrets',
      timeout: API_TIMEOUT,
    });
    const revoker = this.#function('Revoker', 'revoker', 'revoker', {
      description: 'hublease: revokes leases that have ended',
      timeout: REVOKER_TIMEOUT,
      reservedConcurrency: props.revokeConcurrency,
      // A revocation that has to be tried again sends itself the next message, for as long as it takes. Lambda would take that
      // for a loop gone wild and stop it after some 16 rounds.
      recursiveLoop: lambda.RecursiveLoop.ALLOW,
    });
    const sweeper = this.#function('Sweeper', 'sweeper', 'sweeper', {
      description: 'hublease: finds what is due and was missed, and compares Docker Hub with the leases',
      timeout: SWEEPER_TIMEOUT,
    });
    this.#loggingIn = [broker, admin, revoker, sweeper];

    revocation.startRevoker(revoker, state, props.revokeConcurrency);
    const sweepRule = revocation.startSweeper(sweeper, sweepInterval);
    this.#api = new LeaseApi(this, 'Api', {
      functions: { broker, admin },
      consumers: props.consumers ?? {},
      throttling,
      auditRetention,
      removalPolicy,
    });
    const observability = new Observability(this, 'Observability', {
      namespace: state.metricsNamespace,
      sweepInterval,
      sweepRule,
      queue: revocation.queue,
      deadLetterQueues: revocation.deadLetterQueues,
      functions: { broker: broker.lambda, admin: admin.lambda, revoker: revoker.lambda, sweeper: sweeper.lambda },
      revoker: revoker.lambda,
      leaseTable: state.leaseTable,
      catalogTable: state.catalogTable,
      accessLog: this.#api.accessLog,
      runbook: props.runbook ?? RUNBOOK,
      alarmTopic: props.alarmTopic,
      dashboard: props.dashboard ?? true,
    });
    this.endpointUrl = this.#api.endpointUrl;
    this.leaseTable = state.leaseTable;
    if (observability.dashboard !== undefined) this.dashboard = observability.dashboard;
  }

  /**
   * Keeps a target in step with this stack. The API refuses to change it from then on; taking it out of the stack lets its
   * leases run out, and then removes it. Its secrets must go with it or before.
   *
   * @param name 1 to 4 segments such as `team/acme-bot`.
   */
  addTarget(name: string, props: TargetProps): TargetRef {
    const { entries, handler } = this.#catalogEntries();
    return entries.addTarget(name, props, [...this.#loggingIn, handler]);
  }

  /**
   * Keeps a dynamic secret in step with this stack, as `addTarget` does a target.
   *
   * @param name 1 to 4 segments such as `ci/release`.
   */
  addDynamicSecret(name: string, props: DynamicSecretProps): DynamicSecretRef {
    return this.#catalogEntries().entries.addDynamicSecret(name, props, this.#bounds, this.#api);
  }

  /** Lets a role of this account call every admin route: all targets, all dynamic secrets, everybody's leases. */
  grantAdmin(role: iam.IRole): iam.Grant {
    return this.#grantOwn('grantAdmin', role, (route) => route.who === 'admin');
  }

  /** Lets a role of this account see leases, and change nothing. */
  grantReadLeases(role: iam.IRole): iam.Grant {
    return this.#grantOwn('grantReadLeases', role, ({ method, path }) => method === 'GET' && LEASES_PATH.test(path));
  }

  /**
   * The identity policy that a role needs to lease, as JSON for an output. In another account, `ConsumerRole` writes it.
   *
   * @param secrets names, in which `*` stands for anything. @default all secrets, of which each one's `allow` decides
   */
  consumerPolicy(secrets: readonly string[] = ['*']): string {
    return Stack.of(this).toJsonString(consumerPolicy(this.#api.address, secrets));
  }

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
    return metricOf(this.#state.metricsNamespace, name, options);
  }

  #grantOwn(verb: string, role: iam.IRole, isGranted: (route: Route) => boolean): iam.Grant {
    return grantOwnRoutes(this.#api, verb, role, ROUTES.filter(isGranted));
  }

  #function<F extends FunctionName>(
    id: string,
    name: F,
    entry: FunctionEntry,
    props: Omit<HubleaseFunctionProps, 'entry' | 'environment'>,
  ): HubleaseFunction {
    const environment = environmentOf(name, this.#settings());
    const made = new HubleaseFunction(this, id, { ...props, entry, environment });
    giveAccess(made, name, this.#state, this.#revocation);
    return made;
  }

  #settings(): Record<SettingName, SettingValue> {
    const [state, revocation, bounds] = [this.#state, this.#revocation, this.#bounds];
    return {
      leaseTable: state.leaseTable.tableName,
      catalogTable: state.catalogTable.tableName,
      targetSecretPrefix: state.targetSecretPrefix,
      formerSecretPrefixes: state.formerSecretPrefixes,
      installationSecretArn: state.installationSecret.secretArn,
      keyArn: state.key.keyArn,
      formerKeyArns: state.formerKeys.map(({ keyArn }) => keyArn),
      queueUrl: revocation.queue.queueUrl,
      queueArn: revocation.queue.queueArn,
      scheduleGroup: state.scheduleGroup.ref,
      scheduleRoleArn: revocation.scheduleRole.roleArn,
      scheduleDeadLetterArn: revocation.scheduleDeadLetters.queueArn,
      auditLogGroup: state.auditLog.logGroupName,
      metricsNamespace: state.metricsNamespace,
      minTtlSeconds: bounds.minTtl.toSeconds(),
      auditRetentionSeconds: bounds.auditRetention.toSeconds(),
      defaultTtlSeconds: bounds.defaultTtl.toSeconds(),
      maxTtlSeconds: bounds.maxTtl.toSeconds(),
      callerRatePerMinute: this.#throttling.caller.perMinute,
      callerBurst: this.#throttling.caller.burst,
      auditRequired: String(this.#auditRequired),
      logLevel: LOG_LEVEL,
    };
  }

  /** Made with the first entry: an installation that is kept through the API alone has no use for it. */
  #catalogEntries(): { readonly entries: CatalogEntries; readonly handler: HubleaseFunction } {
    if (this.#catalog === undefined) {
      const handler = this.#function('CatalogResource', 'catalogResource', 'catalog-resource', {
        description: 'hublease: keeps the entries of CDK stacks in step with the catalog',
        timeout: CATALOG_TIMEOUT,
      });
      this.#catalog = { handler, entries: new CatalogEntries(this, 'Catalog', handler) };
    }
    return this.#catalog;
  }
}

/** Own leases, and everybody's. */
const LEASES_PATH = /^\/(?:admin\/)?leases(?:\/|$)/;
const LOG_LEVEL = 'info';
