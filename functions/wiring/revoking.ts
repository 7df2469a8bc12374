import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { ulid } from 'ulid';
import type { Dispatcher } from 'undici';
import { cloudWatchAudit } from '../adapters/aws/audit-log.ts';
import { clientConfig } from '../adapters/aws/clients.ts';
import { isKeyUsable } from '../adapters/aws/key-check.ts';
import { kmsSealer } from '../adapters/aws/kms.ts';
import { labelKeySource } from '../adapters/aws/label-key.ts';
import { emfMeter, type Meter } from '../adapters/aws/metrics.ts';
import { type SecretsManagerCredentials, secretsManagerCredentials } from '../adapters/aws/secrets-manager.ts';
import { type Redelivery, sqsRedelivery, sqsRevocationQueue } from '../adapters/aws/sqs.ts';
import { catalogWithSecretNames, credentialPlaceOf } from '../adapters/aws/target-secret-names.ts';
import { dockerHub } from '../adapters/docker-hub/docker-hub.ts';
import { type HubOptions, hubDispatcher } from '../adapters/docker-hub/http.ts';
import { dynamodbCatalog } from '../adapters/dynamodb/catalog.ts';
import { dynamodbClient } from '../adapters/dynamodb/client.ts';
import { dynamodbLeases } from '../adapters/dynamodb/leases.ts';
import { dynamodbSessions } from '../adapters/dynamodb/sessions.ts';
import type { DockerHub } from '../core/ports/docker-hub.ts';
import type { Clock } from '../core/ports/environment.ts';
import type { AdminPorts } from '../core/ports/needs.ts';
import type { BrokerSettings, RevokerSettings } from '../env.ts';
import { limitsOf } from '../limits.ts';
import { jsonLines, type Log } from '../log.ts';
import { VERSION } from '../wire/version.ts';
import { measuredAudit, measuredHub } from './measured.ts';

/** Longest lease, ten years at the most, does not matter here: lists look back over what is kept, and a month of open leases. */
const LISTED_BEYOND_RETENTION_DAYS = 31;

/** What is built once per process, before the first event. */
export interface Wired {
  /** All but creating tokens. Loads the label keys when first called. */
  readonly ports: () => Promise<Omit<AdminPorts, 'minter'>>;
  readonly credentials: SecretsManagerCredentials;
  readonly hubOptions: HubOptions;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly redelivery: Redelivery;
  readonly log: Log;
  /** Whether KMS lets the installation's key be used. */
  readonly isKeyUsable: () => Promise<boolean>;
  readonly dynamodb: ReturnType<typeof dynamodbClient>;
}

/** What a test may put in the place of Docker Hub's address and of time. */
export interface WiringOverrides {
  readonly hubOrigin?: string;
  readonly clock?: Clock;
  readonly dispatcher?: Dispatcher;
  readonly writeLog?: { write(line: string): unknown };
  readonly writeMetrics?: { write(line: string): unknown };
}

/** Builds the AWS edition's adapters, without what creates tokens or schedules. */
export function wireRevoking(
  settings: RevokerSettings & Partial<Pick<BrokerSettings, 'auditRequired'>>,
  overrides: WiringOverrides = {},
): Wired {
  const clock: Clock = overrides.clock ?? { nowMs: Date.now, sleep: (ms) => wait(ms) };
  const log = jsonLines(overrides.writeLog ?? process.stderr, clock, 'info');
  const meter = emfMeter({
    namespace: settings.metricsNamespace,
    ...(overrides.writeMetrics && { out: overrides.writeMetrics }),
  });
  const dynamodb = dynamodbClient();
  const secretsManager = new SecretsManagerClient(clientConfig());
  const sqs = { client: new SQSClient(clientConfig()), queueUrl: settings.queueUrl };
  const limits = limitsOf(settings.minTtlSeconds, settings.auditRetentionSeconds / 86_400);
  const hubOptions: HubOptions = {
    ...(overrides.hubOrigin !== undefined && { origin: overrides.hubOrigin }),
    timeoutMs: limits.hubTimeoutMs,
    userAgent: `hublease/${VERSION}`,
    nowMs: clock.nowMs,
    dispatcher: overrides.dispatcher ?? hubDispatcher(),
  };
  const rows = dynamodbCatalog({ client: dynamodb, tableName: settings.catalogTable });
  const credentials = secretsManagerCredentials({
    client: secretsManager,
    prefix: settings.targetSecretPrefix,
    formerPrefixes: settings.formerSecretPrefixes,
    keyArn: settings.keyArn,
    clock,
    secretIdOf: async (target) => (await credentialPlaceOf(rows, target))?.credentialRef,
    recordedNameOf: async (target) => (await credentialPlaceOf(rows, target))?.secretName,
  });
  const catalog = catalogWithSecretNames(rows, (target) => credentials.locate(target));
  const labels = labelKeySource({ client: secretsManager, secretId: settings.installationSecretArn, clock });
  const sealer = kmsSealer({
    client: new KMSClient(clientConfig()),
    keyArn: settings.keyArn,
    formerKeyArns: settings.formerKeyArns,
    clock,
  });
  const fixed = {
    leases: dynamodbLeases({
      client: dynamodb,
      tableName: settings.leaseTable,
      catalogTableName: settings.catalogTable,
      clock,
      listedDays: Math.ceil(settings.auditRetentionSeconds / 86_400) + LISTED_BEYOND_RETENTION_DAYS,
    }),
    catalog,
    credentials,
    sessions: dynamodbSessions({ client: dynamodb, tableName: settings.catalogTable }),
    sealer,
    hub: forgetting(measuredHub(dockerHub(hubOptions), meter, clock), credentials),
    queue: sqsRevocationQueue(sqs),
    audit: measuredAudit(
      cloudWatchAudit({
        client: new CloudWatchLogsClient(clientConfig()),
        logGroup: settings.auditLogGroup,
        writer: randomUUID(),
        clock,
      }),
      meter,
      settings.auditRequired === 'true',
    ),
    clock,
    ids: { leaseId: (nowMs: number) => ulid(nowMs), opId: randomUUID },
    limits,
  };
  return {
    ports: async () => ({ ...fixed, labels: await labels() }),
    credentials,
    hubOptions,
    clock,
    meter,
    redelivery: sqsRedelivery(sqs),
    log,
    isKeyUsable: () => isKeyUsable(sealer),
    dynamodb,
  };
}

/** A refused credential may have been replaced since it was read: the next login must not take it from memory. */
function forgetting(hub: DockerHub, credentials: SecretsManagerCredentials): DockerHub {
  return {
    ...hub,
    async login(credential, route, nowMs) {
      const reply = await hub.login(credential, route, nowMs);
      if (!reply.ok && reply.problem.tag === 'credential_refused') credentials.forgetCredential(credential);
      return reply;
    },
  };
}
