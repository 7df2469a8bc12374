import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/adapters/aws/metric-names.ts';
import { environmentOf, type FunctionName, type SettingName, type SettingValue } from '../functions/env.ts';
import { consumerPolicy } from '../functions/wire/consumer-policy.ts';
import type { Route } from '../functions/wire/route.ts';
import { ROUTES } from '../functions/wire/routes.ts';
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
import { type FunctionOptions, HubleaseFunction, type HubleaseFunctionProps } from './function.ts';
import { grantOwnRoutes } from './grants.ts';
import { metricOf } from './metrics.ts';
import { Observability } from './observability.ts';
import { allowLogs, endpointOf, functionOptionsOf, type OperationProps } from './operation.ts';
import type { Consumers } from './resource-policy.ts';
import { MIN_REVOKE_CONCURRENCY, REVOKER_TIMEOUT, Revocation } from './revocation.ts';
import { State } from './state.ts';
import { type Throttling, type ThrottlingProps, throttlingOf } from './throttling.ts';

export type { MetricName } from '../functions/adapters/aws/metric-names.ts';
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
export type { OperationProps } from './operation.ts';
export type { Consumers } from './resource-policy.ts';
export type { CallerRate, Throttle, ThrottlingProps } from './throttling.ts';

/** API Gateway waits no longer than this for an answer. */
const API_TIMEOUT = Duration.seconds(29);
/** A sweep stops one minute earlier, and the next sweep continues it. */
const SWEEPER_TIMEOUT = Duration.minutes(5);
/** The address that alarms link to if `runbook` is not set. */
const RUNBOOK = 'docs/runbook.md';

export interface HubleaseProps extends BoundsProps, OperationProps {
  /** Other accounts that are consumers: their roles can be allowed to lease. Do not list this account. @default none */
  readonly consumers?: Consumers;
  /**
   * Encrypts tables, credentials and sessions. Its key policy must leave decisions to this account's IAM policies, as the KMS
   * default policy does. @default a new key, rotated every year
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * All keys that this installation used before. List them when you set or change `encryptionKey`. If `encryptionKey` was not set
   * before, list the key that the stack made. The keys must stay enabled: without them, hublease cannot read the credentials of
   * targets. @default none
   */
  readonly formerEncryptionKeys?: readonly kms.IKey[];
  /** Gets a message when an alarm begins, and when it ends. @default nobody is notified */
  readonly alarmTopic?: sns.ITopic;
  /** Makes a CloudWatch dashboard. @default true */
  readonly dashboard?: boolean;
  /** Rate limits, for all callers together and for each caller. @default see each property */
  readonly throttling?: ThrottlingProps;
  /**
   * Returns a token only when its `lease.granted` event is in the audit log. If that event cannot be stored, the caller gets 503
   * `audit_unavailable`. Revocations never wait for the audit log. @default false
   */
  readonly auditRequired?: boolean;
  /** Reserved Lambda concurrency of the broker, the function that mints. @default unreserved */
  readonly mintConcurrency?: number;
  /** Reserved Lambda concurrency of the revoker, at least 4. The queue uses half of it. @default unreserved */
  readonly revokeConcurrency?: number;
  /**
   * What happens to tables, key, seed, schedule group and audit logs when the stack is deleted. DESTROY is for trials. It deletes
   * them, and the tables have no deletion protection. Leases that are still open then end only by Docker Hub's own expiry.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, which keeps them. If the first deployment fails, only the tables are kept,
   *   because they are protected from deletion.
   */
  readonly removalPolicy?: RemovalPolicy;
  /** The address of the runbook that alarms link to, without `#section`. @default "docs/runbook.md", the path in the repository */
  readonly runbook?: string;
}

/**
 * One installation of hublease: an API that leases Docker Hub tokens to IAM principals, and everything that ends them on time.
 *
 * ```ts
 * const hublease = new Hublease(this, 'Hublease', { consumers: { accounts: ['111122223333'] } });
 * const target = hublease.addTarget('acme-bot', { credential, kind: 'user' });
 * const secret = hublease.addDynamicSecret('ci/release', { target, scope: 'repo:write', maxTtl: Duration.hours(1) });
 * secret.grantLease(buildRole);
 * ```
 *
 * The account and region must have a role with which API Gateway writes logs. `ApiGatewayLogging` makes one.
 *
 * The ids of the constructs inside never change, because stored data depends on them.
 */
export class Hublease extends Construct {
  /** URL with the stage, and without a slash at the end: `https://ID.execute-api.REGION.amazonaws.com/v1`. */
  readonly endpointUrl: string;
  readonly leaseTable: dynamodb.Table;
  readonly catalogTable: dynamodb.Table;
  /** Use it to attach a web ACL, a custom domain or a usage plan. */
  readonly restApi: apigateway.RestApi;
  /** The functions by name: `broker`, `admin`, `revoker`, `sweeper`. */
  readonly functions: Readonly<Record<'broker' | 'admin' | 'revoker' | 'sweeper', lambda.Function>>;
  /** The alarms by name, such as `OverdueLeases`. */
  readonly alarms: Readonly<Record<string, cloudwatch.Alarm>>;
  /** The revoker reads `revocations`. The other queues are its dead-letter queues. */
  readonly queues: Readonly<
    Record<'revocations' | 'queueDeadLetters' | 'scheduleDeadLetters' | 'timerDeadLetters', sqs.Queue>
  >;
  /** Encrypts tables, credentials and sessions. */
  readonly key: kms.IKey;
  readonly auditLog: logs.LogGroup;
  /** The access log of API Gateway. */
  readonly accessLog: logs.LogGroup;
  readonly metricsNamespace: string;
  /** Unset when `dashboard` is false. */
  readonly dashboard?: cloudwatch.Dashboard;

  readonly #bounds: Bounds;
  readonly #throttling: Throttling;
  readonly #auditRequired: boolean;
  readonly #options: FunctionOptions;
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
    const endpoint = endpointOf(props);
    const options = functionOptionsOf(props);
    const { logKey } = props;
    if (logKey !== undefined) allowLogs(logKey, this);
    checkConcurrency('mintConcurrency', props.mintConcurrency, 1);
    checkConcurrency('revokeConcurrency', props.revokeConcurrency, MIN_REVOKE_CONCURRENCY);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    const { auditRetention, sweepInterval } = bounds;

    const state = new State(this, 'State', {
      encryptionKey: props.encryptionKey,
      formerEncryptionKeys: props.formerEncryptionKeys ?? [],
      auditRetention,
      logKey,
      removalPolicy,
    });
    const revocation = new Revocation(this, 'Revocation', state);
    this.#bounds = bounds;
    this.#throttling = throttling;
    this.#auditRequired = props.auditRequired ?? false;
    this.#options = options;
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
      // A revocation that must be retried sends the next message to its own queue, until it succeeds. Lambda would detect a
      // recursive loop and stop it after about 16 rounds.
      recursiveLoop: lambda.RecursiveLoop.ALLOW,
    });
    const sweeper = this.#function('Sweeper', 'sweeper', 'sweeper', {
      description: 'hublease: finds what is due and was missed, and compares Docker Hub with the leases',
      timeout: SWEEPER_TIMEOUT,
    });
    this.#loggingIn = [broker, admin, revoker, sweeper];

    revocation.startRevoker(revoker, state, props);
    const sweepRule = revocation.startSweeper(sweeper, sweepInterval);
    this.#api = new LeaseApi(this, 'Api', {
      functions: { broker, admin },
      consumers: props.consumers ?? {},
      throttling,
      auditRetention,
      removalPolicy,
      endpoint,
      logKey,
      tracing: options.tracing,
    });
    const functions = {
      broker: broker.lambda,
      admin: admin.lambda,
      revoker: revoker.lambda,
      sweeper: sweeper.lambda,
    };
    const observability = new Observability(this, 'Observability', {
      namespace: state.metricsNamespace,
      sweepInterval,
      sweepRule,
      queue: revocation.queue,
      deadLetterQueues: revocation.deadLetterQueues,
      functions,
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
    this.catalogTable = state.catalogTable;
    this.restApi = this.#api.restApi;
    this.functions = functions;
    this.alarms = observability.alarms;
    const { queue: revocations, queueDeadLetters, scheduleDeadLetters, timerDeadLetters } = revocation;
    this.queues = { revocations, queueDeadLetters, scheduleDeadLetters, timerDeadLetters };
    this.key = state.key;
    this.auditLog = state.auditLog;
    this.accessLog = this.#api.accessLog;
    this.metricsNamespace = state.metricsNamespace;
    if (observability.dashboard !== undefined) this.dashboard = observability.dashboard;
  }

  /**
   * Declares a target in this stack. The API then refuses to change it. If you remove it from the stack, it gives no more leases,
   * and is deleted when its open leases have ended. Remove its secrets at the same time or earlier.
   *
   * @param name 1 to 4 segments such as `team/acme-bot`.
   */
  addTarget(name: string, props: TargetProps): TargetRef {
    const { entries, handler } = this.#catalogEntries();
    return entries.addTarget(name, props, [...this.#loggingIn, handler]);
  }

  /**
   * Declares a dynamic secret in this stack. The API then refuses to change it, as with `addTarget`.
   *
   * @param name 1 to 4 segments such as `ci/release`.
   */
  addDynamicSecret(name: string, props: DynamicSecretProps): DynamicSecretRef {
    return this.#catalogEntries().entries.addDynamicSecret(name, props, this.#bounds, this.#api);
  }

  /**
   * One of the installation's metrics, for your own alarms and dashboards.
   *
   * @param name `METRICS` and the runbook say what each metric counts.
   * @param options default: a period of five minutes, and the statistic that fits the metric.
   */
  metric(name: MetricName, options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return metricOf(this.metricsNamespace, name, options);
  }

  /** Lets a role of this account call every admin route: all targets, all dynamic secrets, and the leases of all callers. */
  grantAdmin(role: iam.IRole): iam.Grant {
    return this.#grantOwn('grantAdmin', role, (route) => route.who === 'admin');
  }

  /** Lets a role of this account read all leases, but change nothing. */
  grantReadLeases(role: iam.IRole): iam.Grant {
    return this.#grantOwn('grantReadLeases', role, ({ method, path }) => method === 'GET' && LEASES_PATH.test(path));
  }

  /**
   * The identity policy that a role needs to lease, as JSON for an output. `ConsumerRole` adds this policy in another account.
   *
   * @param secrets names of secrets. `*` matches any text. @default all secrets. The `allow` of each secret still decides
   */
  consumerPolicy(secrets: readonly string[] = ['*']): string {
    return Stack.of(this).toJsonString(consumerPolicy(this.#api.address, secrets));
  }

  #grantOwn(verb: string, role: iam.IRole, isGranted: (route: Route) => boolean): iam.Grant {
    return grantOwnRoutes(this.#api, verb, role, ROUTES.filter(isGranted));
  }

  #function<F extends FunctionName>(
    id: string,
    name: F,
    entry: FunctionEntry,
    props: Omit<HubleaseFunctionProps, 'entry' | 'environment' | 'options'>,
  ): HubleaseFunction {
    const environment = environmentOf(name, this.#settings());
    const made = new HubleaseFunction(this, id, { ...props, entry, environment, options: this.#options });
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
      callerRatePerMinute: this.#throttling.caller.perMinute,
      callerBurst: this.#throttling.caller.burst,
      auditRequired: String(this.#auditRequired),
    };
  }

  /** Made with the first entry, because an installation that is configured only through the API does not need it. */
  #catalogEntries(): { readonly entries: CatalogEntries; readonly handler: HubleaseFunction } {
    if (this.#catalog === undefined) {
      const handler = this.#function('CatalogResource', 'catalogResource', 'catalog-resource', {
        description: 'hublease: keeps the entries of CDK stacks in step with the catalog',
        timeout: CATALOG_TIMEOUT,
      });
      this.#catalog = { handler, entries: new CatalogEntries(this, 'Catalog', handler, this.#options) };
    }
    return this.#catalog;
  }
}

/** The routes for a caller's own leases, and for the leases of all callers. */
const LEASES_PATH = /^\/(?:admin\/)?leases(?:\/|$)/;
