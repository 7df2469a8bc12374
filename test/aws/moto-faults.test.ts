import { CloudWatchLogsClient, CreateLogGroupCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { ListSecretVersionIdsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudWatchAudit } from '../../functions/adapters/aws/audit-log.ts';
import { AwsCallFailed } from '../../functions/adapters/aws/call.ts';
import { clientConfig, MAX_ATTEMPTS } from '../../functions/adapters/aws/clients.ts';
import { kmsSealer } from '../../functions/adapters/aws/kms.ts';
import { schedulerBackstop } from '../../functions/adapters/aws/scheduler.ts';
import { secretsManagerCredentials } from '../../functions/adapters/aws/secrets-manager.ts';
import { sqsRevocationQueue } from '../../functions/adapters/aws/sqs.ts';
import { unique } from '../contract/builders.ts';
import { findMotoPython, MOTO_CLIENT, type Moto, startMoto } from './moto.ts';
import { type FaultPlan, PLANTED_FAULTS, plantFaults } from './planted-faults.ts';

const python = findMotoPython();
const NOW_MS = Date.parse('2026-11-21T10:00:00Z');
const LEASE_ID = '01KAJ4Z8V5Q2M9T3X7B6C1D0EF';
const clock = { nowMs: () => NOW_MS };

describe.skipIf(python === undefined)('the AWS adapters when calls to AWS fail', () => {
  let moto: Moto;
  const opened: { destroy(): void }[] = [];
  beforeAll(async () => {
    moto = await startMoto(python as string);
  }, 60_000);
  afterAll(async () => {
    for (const client of opened) client.destroy();
    await moto?.close();
  });

  /** A client with faults to plant. Unless `tries` are given, it tries as often as in production. */
  function faulty<T extends SecretsManagerClient | SchedulerClient | SQSClient | KMSClient | CloudWatchLogsClient>(
    // biome-ignore lint/suspicious/noExplicitAny: each client has configuration types of its own.
    Client: new (config: any) => T,
    tries = MAX_ATTEMPTS,
  ): { client: T; faults: FaultPlan } {
    const config = { ...MOTO_CLIENT, ...clientConfig(), endpoint: moto.endpoint, maxAttempts: tries };
    const client = new Client(config);
    opened.push(client);
    return { client, faults: plantFaults(client) };
  }

  /** Runs it with one call failing past all tries, which must reject, and then again, which must not. */
  async function failsThenRepeats(run: () => Promise<unknown>): Promise<void> {
    const error = await run().catch((caught) => caught);
    expect(error).toBeInstanceOf(AwsCallFailed);
    await run();
  }

  describe('Secrets Manager', () => {
    const credential = { username: 'acme-bot', password: 'canary password' };
    const over = (client: SecretsManagerClient) =>
      secretsManagerCredentials({ client, prefix: 'hublease/target', keyArn: 'alias/aws/secretsmanager', clock });

    for (const fault of PLANTED_FAULTS) {
      for (const operation of [
        'DescribeSecret',
        'CreateSecret',
        'PutSecretValue',
        'GetSecretValue',
        'UpdateSecretVersionStage',
      ]) {
        it(`stores a credential though the first try of ${operation} is ${fault}`, async () => {
          const { client, faults } = faulty(SecretsManagerClient);
          const credentials = over(client);
          const target = unique('target');
          faults.fail(operation, fault, 1);
          const version = await credentials.stage(target, credential);
          await credentials.promote(target, version);
          expect(await credentials.read(target)).toEqual({ credential, version });
        });

        it(`stores a credential when it is repeated after ${operation} was ${fault} throughout`, async () => {
          const { client, faults } = faulty(SecretsManagerClient, 1);
          const credentials = over(client);
          const target = unique('target');
          faults.fail(operation, fault, 1);
          let version = '';
          await failsThenRepeats(async () => {
            version = await credentials.stage(target, credential);
            await credentials.promote(target, version);
          });
          expect(await credentials.read(target)).toEqual({ credential, version });
        });
      }

      it(`adds one version only though the first try of PutSecretValue is ${fault}`, async () => {
        const { client, faults } = faulty(SecretsManagerClient);
        const target = unique('target');
        faults.fail('PutSecretValue', fault, 1);
        await over(client).stage(target, credential);
        const { Versions } = await client.send(
          new ListSecretVersionIdsCommand({ SecretId: `hublease/target/${target}`, IncludeDeprecated: true }),
        );
        expect(Versions?.length).toBe(2);
      });

      for (const operation of ['DescribeSecret', 'UpdateSecretVersionStage', 'DeleteSecret']) {
        it(`removes a credential when it is repeated after ${operation} was ${fault} throughout`, async () => {
          const { client, faults } = faulty(SecretsManagerClient, 1);
          const credentials = over(client);
          const target = unique('target');
          await credentials.promote(target, await credentials.stage(target, credential));
          faults.fail(operation, fault, 1);
          await failsThenRepeats(() => credentials.remove(target));
          expect(await credentials.read(target)).toBeUndefined();
        });
      }

      it(`takes a credential after a removal though RestoreSecret was ${fault} once`, async () => {
        const { client, faults } = faulty(SecretsManagerClient, 1);
        const credentials = over(client);
        const target = unique('target');
        await credentials.promote(target, await credentials.stage(target, credential));
        await credentials.remove(target);
        faults.fail('RestoreSecret', fault, 1);
        let version = '';
        await failsThenRepeats(async () => {
          version = await credentials.stage(target, credential);
        });
        await credentials.promote(target, version);
        expect(await credentials.read(target)).toEqual({ credential, version });
      });

      it(`tells a reading that was ${fault} throughout from a target without credential`, async () => {
        const { client, faults } = faulty(SecretsManagerClient);
        const credentials = over(client);
        const target = unique('target');
        await credentials.promote(target, await credentials.stage(target, credential));
        faults.fail('GetSecretValue', fault, MAX_ATTEMPTS);
        faults.tried.length = 0;
        await expect(credentials.read(target)).rejects.toThrow(/^GetSecretValue: \w+$/);
        expect(faults.tried).toEqual(['GetSecretValue', 'GetSecretValue', 'GetSecretValue']);
        expect((await credentials.read(target))?.credential).toEqual(credential);
      });
    }

    it('quotes nothing of an answer that was cut short', async () => {
      const { client } = faulty(SecretsManagerClient, 1);
      const credentials = over(client);
      const target = unique('target');
      await credentials.promote(target, await credentials.stage(target, credential));
      client.middlewareStack.add(
        (next) => async (args) => {
          const reply = await next(args);
          const response = reply.response as { body: AsyncIterable<Buffer> };
          const chunks: Buffer[] = [];
          for await (const chunk of response.body) chunks.push(chunk);
          const whole = Buffer.concat(chunks).toString();
          response.body = (async function* () {
            yield Buffer.from(whole.slice(0, whole.indexOf('canary') + 10));
          })();
          return reply;
        },
        { step: 'deserialize', priority: 'low' },
      );
      const error = await credentials.read(target).catch((caught) => caught);
      expect(error).toBeInstanceOf(AwsCallFailed);
      expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('canary');
    });
  });

  describe('Scheduler', () => {
    const group = 'hublease-faults';
    beforeAll(async () => {
      await faulty(SchedulerClient).client.send(new CreateScheduleGroupCommand({ Name: group }));
    });
    const over = (client: SchedulerClient) =>
      schedulerBackstop({
        client,
        group,
        queueArn: 'arn:aws:sqs:us-east-1:123456789012:revocations',
        roleArn: 'arn:aws:iam::123456789012:role/scheduler',
        deadLetterArn: 'arn:aws:sqs:us-east-1:123456789012:dlq',
        clock,
      });
    const timeOf = async (client: SchedulerClient, leaseId: string) =>
      (await client.send(new GetScheduleCommand({ GroupName: group, Name: `lease-${leaseId}` }))).ScheduleExpression;

    PLANTED_FAULTS.forEach((fault, index) => {
      it(`arms a job though the first try of CreateSchedule is ${fault}`, async () => {
        const { client, faults } = faulty(SchedulerClient);
        const leaseId = `${LEASE_ID.slice(0, -2)}A${index}`;
        faults.fail('CreateSchedule', fault, 1);
        await over(client).arm(leaseId, NOW_MS + 600_000);
        expect(await timeOf(client, leaseId)).toBe('at(2026-11-21T10:10:00)');
      });

      it(`arms a job when it is repeated after CreateSchedule was ${fault} throughout`, async () => {
        const { client, faults } = faulty(SchedulerClient, 1);
        const leaseId = `${LEASE_ID.slice(0, -2)}B${index}`;
        faults.fail('CreateSchedule', fault, 1);
        await failsThenRepeats(() => over(client).arm(leaseId, NOW_MS + 600_000));
        expect(await timeOf(client, leaseId)).toBe('at(2026-11-21T10:10:00)');
      });

      it(`moves a job though UpdateSchedule is ${fault} once`, async () => {
        for (const [tries, letter] of [
          [MAX_ATTEMPTS, 'C'],
          [1, 'D'],
        ] as const) {
          const { client, faults } = faulty(SchedulerClient, tries);
          const leaseId = `${LEASE_ID.slice(0, -2)}${letter}${index}`;
          await over(client).arm(leaseId, NOW_MS + 600_000);
          faults.fail('UpdateSchedule', fault, 1);
          const move = () => over(client).arm(leaseId, NOW_MS + 1_200_000);
          if (tries === 1) await failsThenRepeats(move);
          else await move();
          expect(await timeOf(client, leaseId)).toBe('at(2026-11-21T10:20:00)');
        }
      });
    });

    it('arms a new job when the former one fired and deleted itself before it could be moved', async () => {
      const { client, faults } = faulty(SchedulerClient, 1);
      await over(client).arm(LEASE_ID, NOW_MS + 600_000);
      faults.tried.length = 0;
      client.middlewareStack.add(
        (next, context) => async (args) => {
          if (context.commandName === 'UpdateScheduleCommand') {
            const another = faulty(SchedulerClient).client;
            await another.send(new DeleteScheduleCommand({ GroupName: group, Name: `lease-${LEASE_ID}` }));
          }
          return next(args);
        },
        { step: 'initialize' },
      );
      await over(client).arm(LEASE_ID, NOW_MS + 1_200_000);
      expect(faults.tried).toEqual(['CreateSchedule', 'UpdateSchedule', 'CreateSchedule']);
      expect(await timeOf(client, LEASE_ID)).toBe('at(2026-11-21T10:20:00)');
    });
  });

  describe('SQS', () => {
    for (const fault of PLANTED_FAULTS) {
      it(`sends at least once though the first try is ${fault}, and says so when all are`, async () => {
        const { client, faults } = faulty(SQSClient);
        const queueUrl = (await client.send(new CreateQueueCommand({ QueueName: unique('q') }))).QueueUrl as string;
        const queue = sqsRevocationQueue({ client, queueUrl });
        faults.fail('SendMessage', fault, MAX_ATTEMPTS + 1);
        await failsThenRepeats(() => queue.send(LEASE_ID, 0));
        const received = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }));
        expect(new Set(received.Messages?.map((message) => message.Body))).toEqual(
          new Set([`{"leaseId":"${LEASE_ID}"}`]),
        );
      });

      it(`sends a batch at least once though the first try is ${fault}, and says so when all are`, async () => {
        const { client, faults } = faulty(SQSClient);
        const queueUrl = (await client.send(new CreateQueueCommand({ QueueName: unique('q') }))).QueueUrl as string;
        const queue = sqsRevocationQueue({ client, queueUrl });
        faults.fail('SendMessageBatch', fault, MAX_ATTEMPTS + 1);
        await failsThenRepeats(() => queue.sendAll([LEASE_ID]));
        const received = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }));
        expect(new Set(received.Messages?.map((message) => message.Body))).toEqual(
          new Set([`{"leaseId":"${LEASE_ID}"}`]),
        );
      });
    }
  });

  describe('KMS', () => {
    for (const fault of PLANTED_FAULTS) {
      it(`seals and opens though each first try is ${fault}, and rejects when all are`, async () => {
        const { client, faults } = faulty(KMSClient);
        const keyArn = (await client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn as string;
        const sealer = kmsSealer({ client, keyArn, clock });
        faults.fail('GenerateDataKey', fault, MAX_ATTEMPTS + 1);
        await failsThenRepeats(() => sealer.seal('plain', 'session:acme'));
        const sealed = await sealer.seal('plain', 'session:acme');
        faults.fail('Decrypt', fault, MAX_ATTEMPTS + 1);
        await failsThenRepeats(() => sealer.open(sealed, 'session:acme'));
        expect(await sealer.open(sealed, 'session:acme')).toBe('plain');
      });
    }
  });

  describe('the audit log', () => {
    async function anAudit(tries?: number) {
      const { client, faults } = faulty(CloudWatchLogsClient, tries);
      const logGroup = unique('/hublease/audit');
      await client.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
      const lost: string[] = [];
      const atMs = Date.now();
      const audit = cloudWatchAudit({
        client,
        logGroup,
        writer: 'revoker-1',
        clock: { nowMs: () => atMs },
        writeLine: (line) => lost.push(line),
        // The pauses between tries must not decide what this shows.
        timeoutMs: 20_000,
      });
      const record = () => audit.record({ event: 'lease.revoked', atMs, leaseId: LEASE_ID });
      const kept = async () => {
        const { events } = await client.send(new FilterLogEventsCommand({ logGroupName: logGroup }));
        return (events ?? []).map((event) => JSON.parse(event.message ?? '').leaseId);
      };
      return { client, faults, record, kept, lost };
    }

    for (const fault of PLANTED_FAULTS) {
      for (const operation of ['PutLogEvents', 'CreateLogStream']) {
        it(`loses no event though the first try of ${operation} is ${fault}`, async () => {
          const { faults, record, kept, lost } = await anAudit();
          faults.fail(operation, fault, 1);
          await record();
          expect(new Set(await kept())).toEqual(new Set([LEASE_ID]));
          expect(lost).toEqual([]);
        });

        it(`writes the event to its own log when ${operation} is ${fault} throughout`, async () => {
          const { faults, record, lost } = await anAudit(1);
          faults.fail(operation, fault, 1);
          await record();
          expect(lost.length).toBe(1);
          expect(JSON.parse(lost[0] as string)).toMatchObject({
            message: 'audit event not stored',
            code: expect.stringMatching(new RegExp(`^${operation}: \\w+$`)),
            audit: { event: 'lease.revoked', leaseId: LEASE_ID },
          });
          await record();
          expect(lost.length).toBe(1);
        });
      }
    }
  });
});
