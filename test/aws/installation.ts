import { randomBytes } from 'node:crypto';
import { CloudWatchLogsClient, CreateLogGroupCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateScheduleGroupCommand,
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DeleteCommand, GetCommand, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { vi } from 'vitest';
import { type FakeHub, startFakeHub } from '../../fake-hub/server.ts';
import { rowToLease } from '../../functions/adapters/dynamodb/lease-row.ts';
import type { DynamodbTable } from '../../functions/adapters/dynamodb/rows.ts';
import { dynamodbSessions } from '../../functions/adapters/dynamodb/sessions.ts';
import { CATALOG_TABLE, LEASE_TABLE } from '../../functions/adapters/dynamodb/tables.ts';
import type { Lease } from '../../functions/core/model/lease.ts';
import type { HubFacts } from '../../functions/core/ports/sessions.ts';
import type { SettingValue } from '../../functions/env.ts';
import { unique } from '../contract/builders.ts';
import { type Deployment, deploy } from './deployment.ts';
import { canRunDynamodbLocal, type DynamodbLocal, startDynamodbLocal } from './dynamodb-local.ts';
import { findMotoPython, MOTO_CLIENT, type Moto, startMoto } from './moto.ts';
import { type TestClock, testClock } from './test-clock.ts';

/** Both servers together; some 6 s on two idle cores. */
export const START_TIMEOUT_MS = 120_000;

export const ACCOUNT = { username: 'acme-bot', password: 'password-of-the-fake-canary' };

const REGION = 'us-east-1';
/** moto's own account. */
const ACCOUNT_ID = '123456789012';

/** DynamoDB Local and moto together are AWS here. */
export interface Aws {
  readonly local: DynamodbLocal;
  readonly moto: Moto;
  /** An installation of its own, with an empty catalog and a fake Docker Hub. */
  install(): Promise<Installation>;
  /** Ends both servers and every installation. */
  close(): Promise<void>;
}

/** One installation, as its infrastructure would make it, and what a test may look at. */
export interface Installation {
  /** The variables of the functions' environment, by setting. */
  readonly settings: Readonly<Record<string, SettingValue>>;
  readonly clock: TestClock;
  /** Docker Hub, whose own expiry is off, so that only hublease ends tokens. */
  readonly hub: FakeHub;
  /** Every line that a function logged. */
  readonly log: readonly string[];
  readonly leaseTable: DynamodbTable;
  readonly queueUrl: string;
  readonly sqs: SQSClient;
  readonly secrets: SecretsManagerClient;
  /** The functions anew, as after a cold start of each. */
  deploy(changed?: Readonly<Record<string, SettingValue>>): Deployment;
  leaseRow(leaseId: string): Promise<Record<string, unknown> | undefined>;
  lease(leaseId: string): Promise<Lease | undefined>;
  /** All leases that were ever recorded. */
  leases(): Promise<Lease[]>;
  timerRow(leaseId: string): Promise<Record<string, unknown> | undefined>;
  /** Forgets a target's login, as if its life had ended. */
  removeSession(target: string): Promise<void>;
  /** What use is to have taught about a target that somebody has logged in to. */
  learn(target: string, facts: HubFacts): Promise<void>;
  catalogRow(partition: string, entry: string): Promise<Record<string, unknown> | undefined>;
  /** The lease's job; undefined when there is none. */
  schedule(leaseId: string): Promise<GetScheduleCommandOutput | undefined>;
  /** The current text of a target's secret; undefined when there is none. */
  targetSecret(target: string): Promise<string | undefined>;
  /** As a row that was written before names of secrets were recorded. */
  forgetSecretName(target: string): Promise<void>;
  auditEvents(): Promise<Record<string, unknown>[]>;
  /** Ids of tokens on Docker Hub that open something. */
  liveTokens(): string[];
}

/** The servers that this machine can run, or undefined after a line that says what is missing. */
export function findAws(): { start(): Promise<Aws> } | undefined {
  const python = findMotoPython();
  return canRunDynamodbLocal() && python !== undefined ? { start: () => startAws(python) } : undefined;
}

async function startAws(python: string): Promise<Aws> {
  const [local, moto] = await Promise.all([startDynamodbLocal(), startMoto(python)]);
  // What the functions find in Lambda's environment, and the endpoints in place of AWS' own.
  const environment = {
    AWS_REGION: REGION,
    // DynamoDB Local keeps tables apart by key.
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_ENDPOINT_URL: moto.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: local.endpoint,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const clients = clientsOf(moto);
  const hubs: FakeHub[] = [];
  const { keyArn, group, logGroup } = await sharedResources(clients);
  return {
    local,
    moto,
    async install() {
      const clock = testClock();
      const hub = await startFakeHub({
        accounts: [ACCOUNT],
        organizations: [{ name: 'acme', owners: [ACCOUNT.username], repositories: ['app'] }],
        expireTokens: false,
        nowMs: clock.nowMs,
        sleep: clock.sleep,
      });
      hubs.push(hub);
      const name = unique('hublease');
      const { queueUrl, installationSecretArn } = await ownResources(clients, name);
      const [leaseTable, catalogTable] = [await local.createTable(LEASE_TABLE), await local.createTable(CATALOG_TABLE)];
      const arnOf = (service: string, rest: string) => `arn:aws:${service}:${REGION}:${ACCOUNT_ID}:${rest}`;
      const settings = {
        leaseTable: leaseTable.tableName,
        catalogTable: catalogTable.tableName,
        targetSecretPrefix: `${name}/target`,
        formerSecretPrefixes: [],
        installationSecretArn,
        keyArn,
        formerKeyArns: [],
        queueUrl: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT_ID}/${name}`,
        queueArn: arnOf('sqs', name),
        scheduleGroup: group,
        scheduleRoleArn: `arn:aws:iam::${ACCOUNT_ID}:role/hublease-scheduler`,
        scheduleDeadLetterArn: arnOf('sqs', `${name}-undelivered`),
        auditLogGroup: logGroup,
        metricsNamespace: 'Hublease',
        minTtlSeconds: 60,
        auditRetentionSeconds: 30 * 86_400,
        callerRatePerMinute: 600_000,
        auditRequired: 'false',
        callerBurst: 100_000,
      };
      const log: string[] = [];
      const writeLog = { write: (line: string) => log.push(line) };
      const overrides = { hubOrigin: hub.url, clock, writeLog, writeMetrics: { write: () => true } };
      const row = async ({ client, tableName }: DynamodbTable, Key: Record<string, string>) =>
        (await client.send(new GetCommand({ TableName: tableName, Key, ConsistentRead: true }))).Item;
      return {
        settings,
        clock,
        hub,
        log,
        leaseTable,
        queueUrl,
        sqs: clients.sqs,
        secrets: clients.secrets,
        deploy: (changed = {}) => deploy({ ...settings, ...changed }, queueUrl, overrides),
        leaseRow: (leaseId) => row(leaseTable, { leaseId, row: 'lease' }),
        lease: async (leaseId) => {
          const stored = await row(leaseTable, { leaseId, row: 'lease' });
          return stored && rowToLease(stored);
        },
        leases: async () => {
          const { Items } = await leaseTable.client.send(
            new ScanCommand({ TableName: leaseTable.tableName, ConsistentRead: true }),
          );
          return (Items ?? []).filter((item) => item.row === 'lease').map(rowToLease);
        },
        timerRow: (leaseId) => row(leaseTable, { leaseId, row: 'timer' }),
        removeSession: async (target) => {
          const Key = { partition: 'session', entry: target };
          await catalogTable.client.send(new DeleteCommand({ TableName: catalogTable.tableName, Key }));
        },
        learn: async (target, facts) => {
          const sessions = dynamodbSessions(catalogTable);
          const record = await sessions.read(target);
          if (record === undefined) throw new Error('nobody has logged in');
          await sessions.write({ ...record, version: record.version + 1, opId: unique('learned'), facts });
        },
        catalogRow: (partition, entry) => row(catalogTable, { partition, entry }),
        schedule: (leaseId) =>
          clients.scheduler
            .send(new GetScheduleCommand({ GroupName: group, Name: `lease-${leaseId}` }))
            .catch(undefinedWhenNotFound),
        targetSecret: async (target) =>
          (
            await clients.secrets
              .send(new GetSecretValueCommand({ SecretId: `${name}/target/${target}`, VersionStage: 'AWSCURRENT' }))
              .catch(undefinedWhenNotFound)
          )?.SecretString,
        forgetSecretName: async (target) => {
          await catalogTable.client.send(
            new UpdateCommand({
              TableName: catalogTable.tableName,
              Key: { partition: 'target', entry: target },
              UpdateExpression: 'REMOVE secretName',
            }),
          );
        },
        auditEvents: async () => {
          const { events } = await clients.logs.send(new FilterLogEventsCommand({ logGroupName: logGroup }));
          return (events ?? []).map((event) => JSON.parse(event.message ?? ''));
        },
        liveTokens: () =>
          hub.control
            .tokens()
            .filter((token) => token.live)
            .map((token) => token.id),
      };
    },
    async close() {
      vi.unstubAllEnvs();
      for (const client of Object.values(clients)) client.destroy();
      await Promise.all([...hubs.map((hub) => hub.close()), local.stop(), moto.close()]);
    },
  };
}

/** Puts target `bot` and secret `ci/release` into the catalog, through the admin function. */
export async function prepare(
  installation: Installation,
  changed: Readonly<Record<string, SettingValue>> = {},
): Promise<void> {
  const { admin } = installation.deploy(changed);
  const put = async (path: string, body: object, query = {}) => {
    const { status } = await admin({ method: 'PUT', path: `/v1/admin/${path}`, query, body: JSON.stringify(body) });
    if (status !== 201) throw new Error(`PUT ${path} answered ${status}`);
  };
  await put('targets/bot', { kind: 'user', credential: ACCOUNT }, { verify: ['false'] });
  await put('secrets/ci/release', {
    target: 'bot',
    scope: 'repo:write',
    defaultTtl: '15m',
    maxTtl: '1h',
    allow: ['arn:aws:iam::111122223333:role/ci*'],
  });
}

type Clients = ReturnType<typeof clientsOf>;

function clientsOf(moto: Moto) {
  const config = { ...MOTO_CLIENT, endpoint: moto.endpoint };
  return {
    kms: new KMSClient(config),
    logs: new CloudWatchLogsClient(config),
    scheduler: new SchedulerClient(config),
    secrets: new SecretsManagerClient(config),
    sqs: new SQSClient(config),
  };
}

/** What installations of one test file share: nothing of one shows in another. */
async function sharedResources(clients: Clients) {
  const [group, logGroup] = [unique('hublease'), unique('/hublease/audit')];
  await clients.scheduler.send(new CreateScheduleGroupCommand({ Name: group }));
  await clients.logs.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
  const keyArn = (await clients.kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn as string;
  return { group, logGroup, keyArn };
}

async function ownResources(clients: Clients, name: string) {
  const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: name }));
  const seed = randomBytes(32).toString('hex');
  const { ARN } = await clients.secrets.send(
    new CreateSecretCommand({ Name: `${name}/installation`, SecretString: JSON.stringify({ seed }) }),
  );
  return { queueUrl: QueueUrl as string, installationSecretArn: ARN as string };
}

function undefinedWhenNotFound(error: unknown): undefined {
  const name = (error as Error).name;
  // A secret that was removed is said to be marked for deletion.
  if (name !== 'ResourceNotFoundException' && name !== 'InvalidRequestException') throw error;
}
