import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { FakeHub } from '../../local/fake-hub/server.ts';
import { startDynamodbLocal } from '../aws/dynamodb-local.ts';
import { makeCertificate } from '../clients/certificate.ts';
import { type SharedClock, sharedClock } from './clock.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { ACCOUNT, startHubBehindTls } from './hub.ts';
import { type Requests, requestsTo } from './requests.ts';
import { type DeployedStack, stackOn } from './stack.ts';

/** AWS on this machine, and Docker Hub: before anything is deployed. */
export interface World {
  /** For what a test writes; removed at the end. */
  readonly folder: string;
  readonly clock: SharedClock;
  readonly hub: FakeHub;
  readonly emulator: Emulator;
  readonly requests: Requests;
  readonly clients: Clients;
  readonly stack: DeployedStack;
  /** ARN of the secret in which somebody keeps the credential of a target that the stack declares. */
  readonly credentialArn: string;
  close(): Promise<void>;
}

export type Clients = ReturnType<typeof clientsOf>;

/** Hosts that functions connect to. */
const HUB_HOST = 'hub.docker.com';
const AWS_HOSTS = '*.us-east-1.amazonaws.com';

/** Starts all servers. Whatever starts before another fails is ended again. */
export async function openWorld(python: string): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'hublease-localstack-'));
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const certificate = makeCertificate(folder, [HUB_HOST, AWS_HOSTS]);
    const clock = sharedClock(join(folder, 'clock'));
    const { hub, port, close: closeHub } = await startHubBehindTls(certificate, clock.nowMs);
    ends.push(closeHub);
    const dynamodb = await startDynamodbLocal();
    ends.push(() => dynamodb.stop());
    const emulator = await startEmulator({
      python,
      folder,
      certificate,
      clockFile: clock.file,
      hosts: { [HUB_HOST]: port },
      dynamodbPort: Number(new URL(dynamodb.endpoint).port),
    });
    ends.push(() => emulator.close());
    const clients = clientsOf(emulator.endpoint);
    ends.push(() => {
      for (const client of Object.values(clients)) client.destroy();
    });
    const requests = requestsTo(emulator.endpoint);
    const credentialArn = await keepCredential(clients.secrets);
    return { folder, clock, hub, emulator, requests, clients, stack: stackOn(requests), credentialArn, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function clientsOf(endpoint: string) {
  const config = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  return {
    dynamodb: new DynamoDBClient(config),
    kms: new KMSClient(config),
    logs: new CloudWatchLogsClient(config),
    scheduler: new SchedulerClient(config),
    secrets: new SecretsManagerClient(config),
    sqs: new SQSClient({ ...config, useQueueUrlAsEndpoint: false }),
  };
}

/** What the owner of the declared target does, once and by hand. */
async function keepCredential(secrets: SecretsManagerClient): Promise<string> {
  const SecretString = JSON.stringify(ACCOUNT);
  const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'owners/docker-hub', SecretString }));
  return ARN as string;
}
