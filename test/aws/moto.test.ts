import { randomBytes } from 'node:crypto';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateScheduleGroupCommand, GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  type SendMessageBatchCommandInput,
  type SendMessageBatchRequestEntry,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudWatchAudit } from '../../functions/adapters/aws/audit-log.ts';
import { clientConfig } from '../../functions/adapters/aws/clients.ts';
import { kmsSealer } from '../../functions/adapters/aws/kms.ts';
import { labelKeySource } from '../../functions/adapters/aws/label-key.ts';
import { readLeaseMessage } from '../../functions/adapters/aws/lease-message.ts';
import { schedulerBackstop } from '../../functions/adapters/aws/scheduler.ts';
import {
  CredentialMalformed,
  CredentialNotOurs,
  secretsManagerCredentials,
} from '../../functions/adapters/aws/secrets-manager.ts';
import { sqsRedelivery, sqsRevocationQueue } from '../../functions/adapters/aws/sqs.ts';
import { unique } from '../contract/builders.ts';
import { sealerContract } from '../contract/sealer.ts';
import { targetCredentialsContract } from '../contract/target-credentials.ts';
import { findMotoPython, MOTO_CLIENT, type Moto, startMoto } from './moto.ts';

const python = findMotoPython();
const NOW_MS = Date.parse('2026-11-21T10:00:00.500Z');
const LEASE_ID = '01KAJ4Z8V5Q2M9T3X7B6C1D0EF';
const fixedClock = { nowMs: () => NOW_MS };

/** A clock that the test moves. */
function aClock() {
  let nowMs = NOW_MS;
  return {
    nowMs: () => nowMs,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe.skipIf(python === undefined)('the AWS adapters over moto', () => {
  let moto: Moto;
  let secrets: SecretsManagerClient;
  let kms: KMSClient;
  let keyArn: string;
  const config = () => ({ ...MOTO_CLIENT, ...clientConfig(), endpoint: moto.endpoint });

  beforeAll(async () => {
    moto = await startMoto(python as string);
    secrets = new SecretsManagerClient(config());
    // A damaged text makes moto answer 500, which is not worth trying again.
    kms = new KMSClient({ ...config(), maxAttempts: 1 });
    keyArn = await aKey();
  }, 60_000);

  afterAll(async () => {
    secrets?.destroy();
    kms?.destroy();
    await moto?.close();
  });

  async function aKey(): Promise<string> {
    return (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn as string;
  }

  const credentialsWith = (options: Partial<Parameters<typeof secretsManagerCredentials>[0]> = {}) =>
    secretsManagerCredentials({ client: secrets, prefix: 'hublease/target', keyArn, clock: fixedClock, ...options });

  targetCredentialsContract('Secrets Manager', async () => ({ credentials: credentialsWith(), close: async () => {} }));

  // A clock that runs on makes every reading a real one.
  targetCredentialsContract('Secrets Manager without its memory', async () => {
    const { nowMs, pass } = aClock();
    const running = () => {
      pass(60_000);
      return nowMs();
    };
    return { credentials: credentialsWith({ clock: { nowMs: running } }), close: async () => {} };
  });

  sealerContract('KMS', async () => ({
    sealer: kmsSealer({ client: kms, keyArn, clock: fixedClock }),
    stranger: kmsSealer({ client: kms, keyArn: await aKey(), clock: fixedClock }),
    close: async () => {},
  }));

  describe('Secrets Manager', () => {
    const credential = { username: 'acme-bot', password: 'first password' };

    async function stored(credentials: ReturnType<typeof credentialsWith>, target: string, value = credential) {
      const version = await credentials.stage(target, value);
      await credentials.promote(target, version);
      return version;
    }

    it('names the secret after the target and encrypts it under the key given', async () => {
      const target = unique('target');
      await stored(credentialsWith(), target);
      const secret = await secrets.send(new DescribeSecretCommand({ SecretId: `hublease/target/${target}` }));
      expect(secret.KmsKeyId).toBe(keyArn);
    });

    it('serves a credential from memory for a minute, and reads it again after that', async () => {
      const target = unique('target');
      const clock = aClock();
      const reader = credentialsWith({ clock });
      await stored(credentialsWith(), target);
      await reader.read(target);
      const version = await stored(credentialsWith(), target, { ...credential, password: 'second password' });
      clock.pass(59_999);
      expect((await reader.read(target))?.credential.password).toBe('first password');
      clock.pass(1);
      expect(await reader.read(target)).toEqual({
        credential: { ...credential, password: 'second password' },
        version,
      });
    });

    it('reads again at once when told to forget the target, or the credential that was refused', async () => {
      for (const forget of ['forget', 'forgetCredential'] as const) {
        const target = unique('target');
        const reader = credentialsWith();
        await stored(credentialsWith(), target);
        const first = await reader.read(target);
        await stored(credentialsWith(), target, { ...credential, password: 'second password' });
        if (forget === 'forget') reader.forget(target);
        else reader.forgetCredential(first?.credential ?? credential);
        expect((await reader.read(target))?.credential.password).toBe('second password');
      }
    });

    it('does not remember that there was no credential', async () => {
      const target = unique('target');
      const reader = credentialsWith();
      expect(await reader.read(target)).toBeUndefined();
      await stored(credentialsWith(), target);
      expect(await reader.read(target)).toBeDefined();
    });

    it('shows nothing of the former credential while a new one is staged after a removal', async () => {
      const target = unique('target');
      const credentials = credentialsWith();
      await stored(credentials, target);
      await credentials.remove(target);
      await credentials.stage(target, { ...credential, password: 'second password' });
      expect(await credentials.read(target)).toBeUndefined();
    });

    it('leaves a removed secret to be restored by hand for seven days', async () => {
      const target = unique('target');
      const credentials = credentialsWith();
      await stored(credentials, target);
      await credentials.remove(target);
      const secret = await secrets.send(new DescribeSecretCommand({ SecretId: `hublease/target/${target}` }));
      const days = ((secret.DeletedDate?.getTime() ?? 0) - Date.now()) / 86_400_000;
      expect(Math.round(days)).toBe(7);
    });

    it('takes a credential for a target whose secret somebody else had deleted', async () => {
      const target = unique('target');
      const credentials = credentialsWith();
      await stored(credentials, target);
      await secrets.send(new DeleteSecretCommand({ SecretId: `hublease/target/${target}`, RecoveryWindowInDays: 7 }));
      credentials.forget(target);
      expect(await credentials.read(target)).toBeUndefined();
      const version = await stored(credentials, target);
      expect(await credentials.read(target)).toEqual({ credential, version });
    });

    it('refuses a secret of another form, without quoting it', async () => {
      const canary = 'canary-7f1d';
      for (const text of [
        `not json ${canary}`,
        `"${canary}"`,
        'null',
        '{}',
        JSON.stringify({ username: 'acme-bot', password: '', note: canary }),
        JSON.stringify({ username: 'acme-bot', password: [canary] }),
        JSON.stringify({ username: 'acme-bot', password: canary, totpSecret: 7 }),
      ]) {
        const target = unique('target');
        const credentials = credentialsWith();
        await secrets.send(new CreateSecretCommand({ Name: `hublease/target/${target}`, SecretString: text }));
        const error = await credentials.read(target).catch((caught) => caught);
        expect(error).toBeInstanceOf(CredentialMalformed);
        expect(error.target).toBe(target);
        expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain(canary);
      }
    });

    it('does not promote a version that holds no credential', async () => {
      const target = unique('target');
      const credentials = credentialsWith();
      const version = await stored(credentials, target);
      const put = await secrets.send(
        new PutSecretValueCommand({
          SecretId: `hublease/target/${target}`,
          SecretString: '{}',
          VersionStages: ['AWSPENDING'],
        }),
      );
      await expect(credentials.promote(target, put.VersionId as string)).rejects.toThrow(CredentialMalformed);
      expect((await credentials.read(target))?.version).toBe(version);
    });

    describe("with a secret that the target's owner keeps", () => {
      async function anOwnersSecret(text: string) {
        const created = await secrets.send(new CreateSecretCommand({ Name: unique('owner'), SecretString: text }));
        const credentials = credentialsWith({ secretIdOf: async () => created.ARN });
        return { arn: created.ARN as string, version: created.VersionId, credentials };
      }

      it('reads the credential there and takes no notice of other fields', async () => {
        const { credentials, version } = await anOwnersSecret(JSON.stringify({ ...credential, comment: 'x' }));
        expect(await credentials.read('acme')).toEqual({ credential, version });
      });

      it('never changes it', async () => {
        const { credentials, arn, version } = await anOwnersSecret(JSON.stringify(credential));
        await expect(credentials.stage('acme', credential)).rejects.toThrow(CredentialNotOurs);
        await expect(credentials.promote('acme', version as string)).rejects.toThrow(CredentialNotOurs);
        await credentials.remove('acme');
        const secret = await secrets.send(new DescribeSecretCommand({ SecretId: arn }));
        expect(secret.DeletedDate).toBeUndefined();
        expect(secret.VersionIdsToStages).toEqual({ [version as string]: ['AWSCURRENT'] });
      });
    });
  });

  describe('KMS', () => {
    it('seals a session longer than KMS encrypts in one call', async () => {
      const sealer = kmsSealer({ client: kms, keyArn, clock: fixedClock });
      const plain = randomBytes(10_000).toString('hex');
      expect(await sealer.open(await sealer.seal(plain, 'session:acme'), 'session:acme')).toBe(plain);
    });

    it('refuses to seal what no session is', async () => {
      const sealer = kmsSealer({ client: kms, keyArn, clock: fixedClock });
      await expect(sealer.seal('x'.repeat(65_537), 'session:acme')).rejects.toThrow('at most 65536 bytes');
    });

    it('opens a text again from memory, for its own context only', async () => {
      const client = new KMSClient({ ...config(), maxAttempts: 1 });
      const sealer = kmsSealer({ client, keyArn, clock: fixedClock });
      const sealed = await sealer.seal('plain', 'session:acme');
      expect(await sealer.open(sealed, 'session:acme')).toBe('plain');
      client.middlewareStack.add(
        () => async () => {
          throw new Error('no more calls');
        },
        { step: 'finalizeRequest' },
      );
      expect(await sealer.open(sealed, 'session:acme')).toBe('plain');
      await expect(sealer.open(sealed, 'session:other')).rejects.toThrow();
      client.destroy();
    });
  });

  describe('Scheduler', () => {
    const group = 'hublease-test';
    const deadLetterArn = 'arn:aws:sqs:us-east-1:123456789012:hublease-schedule-dlq';
    const queueArn = 'arn:aws:sqs:us-east-1:123456789012:hublease-revocations';
    const roleArn = 'arn:aws:iam::123456789012:role/hublease-scheduler';
    let client: SchedulerClient;
    let clock: ReturnType<typeof aClock>;

    beforeAll(async () => {
      client = new SchedulerClient(config());
      await client.send(new CreateScheduleGroupCommand({ Name: group }));
    });
    afterAll(() => client?.destroy());

    const backstop = () => {
      clock = aClock();
      return schedulerBackstop({ client, group, queueArn, roleArn, deadLetterArn, clock });
    };
    const job = (leaseId: string) =>
      client.send(new GetScheduleCommand({ GroupName: group, Name: `lease-${leaseId}` }));

    it('arms a job that sends the lease to the revocation queue once and then deletes itself', async () => {
      await backstop().arm(LEASE_ID, NOW_MS + 900_000);
      expect(await job(LEASE_ID)).toMatchObject({
        Name: `lease-${LEASE_ID}`,
        GroupName: group,
        ScheduleExpression: 'at(2026-11-21T10:15:01)',
        ScheduleExpressionTimezone: 'UTC',
        FlexibleTimeWindow: { Mode: 'OFF' },
        ActionAfterCompletion: 'DELETE',
        Target: {
          Arn: queueArn,
          RoleArn: roleArn,
          Input: `{"leaseId":"${LEASE_ID}"}`,
          RetryPolicy: { MaximumEventAgeInSeconds: 3_600, MaximumRetryAttempts: 185 },
          DeadLetterConfig: { Arn: deadLetterArn },
        },
      });
    });

    it('sends what the revoker reads', async () => {
      const leaseId = '01KAJ4Z8V5Q2M9T3X7B6C1D0EG';
      await backstop().arm(leaseId, NOW_MS + 900_000);
      expect(readLeaseMessage((await job(leaseId)).Target?.Input ?? '')).toBe(leaseId);
    });

    it('sets no job earlier than 90 s from now, for Scheduler may drop what is due before', async () => {
      const leaseId = '01KAJ4Z8V5Q2M9T3X7B6C1D0EH';
      for (const [atMs, expected] of [
        [NOW_MS - 1_000, 'at(2026-11-21T10:01:31)'],
        [NOW_MS + 89_000, 'at(2026-11-21T10:01:31)'],
        [NOW_MS + 91_000, 'at(2026-11-21T10:01:32)'],
      ] as const) {
        await backstop().arm(leaseId, atMs);
        expect((await job(leaseId)).ScheduleExpression).toBe(expected);
      }
    });

    it('takes the same time again as done', async () => {
      const leaseId = '01KAJ4Z8V5Q2M9T3X7B6C1D0EJ';
      await backstop().arm(leaseId, NOW_MS + 900_000);
      await backstop().arm(leaseId, NOW_MS + 900_000);
      expect((await job(leaseId)).ScheduleExpression).toBe('at(2026-11-21T10:15:01)');
    });

    it('moves the job of a lease that was renewed, and keeps all else of it', async () => {
      const leaseId = '01KAJ4Z8V5Q2M9T3X7B6C1D0EK';
      await backstop().arm(leaseId, NOW_MS + 900_000);
      const before = await job(leaseId);
      await backstop().arm(leaseId, NOW_MS + 1_800_000);
      const after = await job(leaseId);
      expect(after.ScheduleExpression).toBe('at(2026-11-21T10:30:01)');
      expect(after.Target).toEqual(before.Target);
      expect(after.ActionAfterCompletion).toBe('DELETE');
    });
  });

  describe('SQS', () => {
    let client: SQSClient;
    const opened: SQSClient[] = [];
    beforeAll(() => {
      client = new SQSClient(config());
      opened.push(client);
    });
    afterAll(() => {
      for (const each of opened) each.destroy();
    });

    it('sends a message that the revoker reads', async () => {
      const queueUrl = (await client.send(new CreateQueueCommand({ QueueName: unique('q') }))).QueueUrl as string;
      await sqsRevocationQueue({ client, queueUrl }).send(LEASE_ID, 0);
      const received = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
      expect(received.Messages?.map((message) => readLeaseMessage(message.Body ?? ''))).toEqual([LEASE_ID]);
    });

    it('rounds a delay up to whole seconds, and keeps it between 0 and 900', async () => {
      const queueUrl = (await client.send(new CreateQueueCommand({ QueueName: unique('q') }))).QueueUrl as string;
      const asked: unknown[] = [];
      const watched = new SQSClient(config());
      watched.middlewareStack.add(
        (next) => (args) => {
          asked.push((args.input as { DelaySeconds?: number }).DelaySeconds);
          return next(args);
        },
        { step: 'initialize' },
      );
      const queue = sqsRevocationQueue({ client: watched, queueUrl });
      for (const delayMs of [-5, 0, 1, 1_000, 1_001, 900_000, 900_001]) await queue.send(LEASE_ID, delayMs);
      expect(asked).toEqual([0, 0, 1, 1, 2, 900, 900]);
      watched.destroy();
    });

    describe('for many leases', () => {
      const IDS = Array.from({ length: 25 }, (_, index) => `01KAJ4Z8V5Q2M9T3X7B6C1D0${String(index).padStart(2, '0')}`);

      /** A client that says what each batch held, and of which `refuse` takes messages out of the next batches. */
      async function watched() {
        const queueUrl = (await client.send(new CreateQueueCommand({ QueueName: unique('q') }))).QueueUrl as string;
        const batches: string[][] = [];
        const refusals: ((leaseId: string) => boolean)[] = [];
        const watching = new SQSClient(config());
        opened.push(watching);
        watching.middlewareStack.add(
          (next) => async (args) => {
            const input = args.input as SendMessageBatchCommandInput;
            const idOf = ({ MessageBody = '' }: SendMessageBatchRequestEntry) => readLeaseMessage(MessageBody) ?? '';
            const entries = input.Entries ?? [];
            batches.push(entries.map(idOf));
            const isRefused = refusals.shift() ?? (() => false);
            const taken = entries.filter((entry) => !isRefused(idOf(entry)));
            // SQS API reference, BatchResultErrorEntry.
            const Failed = entries
              .filter((entry) => isRefused(idOf(entry)))
              .map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false }));
            if (taken.length === 0) return { output: { Failed, $metadata: {} }, response: {} };
            const answered = await next({ ...args, input: { ...input, Entries: taken } });
            return { ...answered, output: { ...answered.output, Failed } };
          },
          { step: 'initialize' },
        );
        const received = async () => {
          const ids: string[] = [];
          for (;;) {
            const command = new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 });
            const { Messages = [] } = await client.send(command);
            if (Messages.length === 0) return ids.sort();
            ids.push(...Messages.map(({ Body = '' }) => readLeaseMessage(Body) ?? ''));
          }
        };
        return { queue: sqsRevocationQueue({ client: watching, queueUrl }), batches, refusals, received };
      }

      it('sends ten messages with each request', async () => {
        const { queue, batches, received } = await watched();
        await queue.sendAll(IDS);
        expect(batches).toEqual([IDS.slice(0, 10), IDS.slice(10, 20), IDS.slice(20)]);
        expect(await received()).toEqual(IDS);
        await queue.sendAll([]);
        expect(batches).toHaveLength(3);
      });

      it('sends again what SQS did not take of a batch, and only that', async () => {
        const { queue, batches, refusals, received } = await watched();
        const some = (leaseId: string) => leaseId === IDS[3] || leaseId === IDS[7];
        refusals.push(some, (leaseId) => leaseId === IDS[7]);
        await queue.sendAll(IDS.slice(0, 10));
        expect(batches.slice(1)).toEqual([[IDS[3], IDS[7]], [IDS[7]]]);
        expect(await received()).toEqual(IDS.slice(0, 10));
      });

      it('tries three times, sends the batches behind it, and then says so', async () => {
        const { queue, batches, refusals, received } = await watched();
        const one = (leaseId: string) => leaseId === IDS[3];
        refusals.push(one, one, one);
        const sent = queue.sendAll(IDS);
        await expect(sent).rejects.toMatchObject({ operation: 'SendMessageBatch', code: 'InternalError' });
        expect(batches.map((batch) => batch.length)).toEqual([10, 1, 1, 10, 5]);
        expect(await received()).toEqual(IDS.filter((leaseId) => !one(leaseId)));
      });

      it('sends the batches behind a request that failed', async () => {
        const { queue, refusals, received } = await watched();
        refusals.push(() => {
          throw new Error('canary');
        });
        const sent = queue.sendAll(IDS);
        await expect(sent).rejects.toMatchObject({ name: 'AwsCallFailed', operation: 'SendMessageBatch' });
        await expect(sent).rejects.not.toThrow('canary');
        expect(await received()).toEqual(IDS.slice(10));
      });
    });

    it('shows a received message again before the visibility timeout of its queue has passed', async () => {
      const queueUrl = (await client.send(new CreateQueueCommand({ QueueName: unique('q') }))).QueueUrl as string;
      await sqsRevocationQueue({ client, queueUrl }).send(LEASE_ID, 0);
      const receive = async () => (await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }))).Messages ?? [];
      const [first] = await receive();
      expect(await receive()).toEqual([]);
      await sqsRedelivery({ client, queueUrl }).showAgain(first?.ReceiptHandle as string, 0);
      expect((await receive()).map(({ MessageId }) => MessageId)).toEqual([first?.MessageId]);
    });

    it('says which call failed for a message that is not known, and quotes no receipt handle', async () => {
      const queueUrl = (await client.send(new CreateQueueCommand({ QueueName: unique('q') }))).QueueUrl as string;
      const refused = sqsRedelivery({ client, queueUrl }).showAgain('canary', 5_000);
      await expect(refused).rejects.toMatchObject({ name: 'AwsCallFailed', operation: 'ChangeMessageVisibility' });
      await expect(refused).rejects.not.toThrow('canary');
    });
  });

  describe('the audit log', () => {
    let client: CloudWatchLogsClient;
    beforeAll(() => {
      client = new CloudWatchLogsClient(config());
    });
    afterAll(() => client?.destroy());

    it('writes each event to a stream of the day and the process, and makes the stream when it first needs it', async () => {
      const logGroup = unique('/hublease/audit');
      await client.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
      const lost: string[] = [];
      // CloudWatch refuses times far from its own clock, so this test goes by the real one.
      const atMs = Date.now();
      const clock = { nowMs: () => atMs };
      const audit = cloudWatchAudit({ client, logGroup, writer: 'broker-1', clock, writeLine: (l) => lost.push(l) });
      await audit.record({
        event: 'lease.granted',
        atMs,
        leaseId: LEASE_ID,
        secret: 'ci/release',
        detail: { ttl: 900 },
      });
      await audit.record({ event: 'lease.revoked', atMs: atMs + 1, leaseId: LEASE_ID, code: 'expired' });
      expect(lost).toEqual([]);
      const streams = await client.send(new DescribeLogStreamsCommand({ logGroupName: logGroup }));
      const day = new Date(atMs).toISOString().slice(0, 10).replaceAll('-', '/');
      expect(streams.logStreams?.map((stream) => stream.logStreamName)).toEqual([`${day}/broker-1`]);
      const { events } = await client.send(new FilterLogEventsCommand({ logGroupName: logGroup }));
      expect(events?.map((event) => JSON.parse(event.message ?? ''))).toEqual([
        {
          event: 'lease.granted',
          atMs,
          at: new Date(atMs).toISOString(),
          secret: 'ci/release',
          leaseId: LEASE_ID,
          detail: { ttl: 900 },
        },
        { event: 'lease.revoked', atMs: atMs + 1, at: expect.any(String), leaseId: LEASE_ID, code: 'expired' },
      ]);
    });

    it('lets an event that CloudWatch refuses for its time fall to the own log', async () => {
      const logGroup = unique('/hublease/audit');
      await client.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
      const lost: string[] = [];
      const audit = cloudWatchAudit({
        client,
        logGroup,
        writer: 'broker-1',
        clock: fixedClock,
        writeLine: (l) => lost.push(l),
      });
      await audit.record({ event: 'lease.revoked', atMs: 1_000, leaseId: LEASE_ID });
      expect(lost.map((line) => JSON.parse(line))).toEqual([
        {
          level: 'ERROR',
          message: 'audit event not stored',
          code: 'PutLogEvents: EventRejected',
          audit: { event: 'lease.revoked', atMs: 1_000, at: '1970-01-01T00:00:01.000Z', leaseId: LEASE_ID },
        },
      ]);
    });
  });

  describe('the installation secret', () => {
    const seed = 'q'.repeat(64);

    it('is read again after five minutes, and the last keys serve while it is broken', async () => {
      const clock = aClock();
      const name = unique('installation');
      await secrets.send(new CreateSecretCommand({ Name: name, SecretString: JSON.stringify({ seed }) }));
      const load = labelKeySource({ client: secrets, secretId: name, clock });
      const first = await load();
      await secrets.send(
        new PutSecretValueCommand({
          SecretId: name,
          SecretString: JSON.stringify({ seed, keys: { k2: 'w'.repeat(64) }, currentKeyId: 'k2' }),
        }),
      );
      clock.pass(299_999);
      expect(await load()).toBe(first);
      clock.pass(1);
      const second = await load();
      expect(second.currentKeyId).toBe('k2');
      expect(second.installation).toBe(first.installation);
      expect(second.mac('k1', 'text')).toBe(first.mac('k1', 'text'));
      await secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString: 'broken' }));
      clock.pass(300_000);
      expect(await load()).toBe(second);
      await secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString: JSON.stringify({ seed }) }));
      clock.pass(29_999);
      expect(await load()).toBe(second);
      clock.pass(1);
      expect((await load()).currentKeyId).toBe('k1');
    });

    it('rejects while there are no keys at all', async () => {
      const load = labelKeySource({ client: secrets, secretId: unique('installation'), clock: fixedClock });
      await expect(load()).rejects.toThrow('GetSecretValue: ResourceNotFoundException');
    });
  });
});
