import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { FakeHub } from '../../fake-hub/server.ts';
import { startDynamodbLocal } from '../aws/dynamodb-local.ts';
import { makeCertificate } from '../clients/certificate.ts';
import { type SharedClock, sharedClock } from './clock.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { ACCOUNT, OWNERS_ACCOUNT, startHubBehindTls } from './hub.ts';
import { type Requests, requestsTo } from './requests.ts';
import { type DeployedStack, stackOn } from './stack.ts';

/** The servers that stand for AWS and Docker Hub. */
export interface World {
  /** A temporary folder. `close` removes it. */
  readonly folder: string;
  readonly clock: SharedClock;
  readonly hub: FakeHub;
  readonly emulator: Emulator;
  readonly requests: Requests;
  readonly clients: Clients;
  readonly stack: DeployedStack;
  /** ARN of the secret that holds the credential of the declared target. */
  readonly credentialArn: string;
  close(): Promise<void>;
}

export type Clients = ReturnType<typeof clientsOf>;

/**
 * How far the shared clock is behind the machine's clock at the start. The emulator deletes expired rows by the machine's clock,
 * so the timer of a lease with this TTL expires at once.
 */
export const BEHIND_MS = 600_000;

/** The certificate names these hosts. Functions connect to no others. */
const HUB_HOST = 'hub.docker.com';
const AWS_HOSTS = '*.us-east-1.amazonaws.com';

/** Starts all servers. When one fails to start, it ends the others and throws that error. */
export async function openWorld(python: string): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'hublease-localstack-'));
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const certificate = makeCertificate(folder, [HUB_HOST, AWS_HOSTS]);
    const clock = sharedClock(join(folder, 'clock'), -BEHIND_MS);
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
      secrets: [ACCOUNT.password, OWNERS_ACCOUNT.password],
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

/** Creates the secret that its owner would create by hand. */
async function keepCredential(secrets: SecretsManagerClient): Promise<string> {
  const SecretString = JSON.stringify(OWNERS_ACCOUNT);
  const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'owners/docker-hub', SecretString }));
  return ARN as string;
}
