import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AwsCallFailed } from '../../functions/adapters/aws/call.ts';
import { clientConfig } from '../../functions/adapters/aws/clients.ts';
import { CredentialMalformed, secretsManagerCredentials } from '../../functions/adapters/aws/secrets-manager.ts';
import { unique } from '../contract/builders.ts';
import { findMotoPython, MOTO_CLIENT, type Moto, startMoto } from './moto.ts';
import { plantFaults } from './planted-faults.ts';

const python = findMotoPython();
const clock = { nowMs: () => Date.parse('2026-11-21T10:00:00Z') };
const credential = { username: 'acme-bot', password: 'canary password' };

describe.skipIf(python === undefined)('credentials in Secrets Manager', () => {
  let moto: Moto;
  let secrets: SecretsManagerClient;
  const opened: SecretsManagerClient[] = [];
  beforeAll(async () => {
    moto = await startMoto(python as string);
    secrets = open();
  }, 60_000);
  afterAll(async () => {
    for (const client of opened) client.destroy();
    await moto?.close();
  });

  /** A client that tries each call once. */
  function open(): SecretsManagerClient {
    const client = new SecretsManagerClient({
      ...MOTO_CLIENT,
      ...clientConfig(),
      endpoint: moto.endpoint,
      maxAttempts: 1,
    });
    opened.push(client);
    return client;
  }

  const idOf = (target: string) => `hublease/target/${target}`;
  const over = (client: SecretsManagerClient) =>
    secretsManagerCredentials({ client, prefix: 'hublease/target', keyArn: 'alias/aws/secretsmanager', clock });

  /** Credentials over a client of their own, with the operations that it asks for. */
  function watched() {
    const client = open();
    const { fail, tried } = plantFaults(client);
    return { client, credentials: over(client), fail, tried };
  }

  /** Changes what one operation answers, once it had its effect or before. */
  function answerWith(
    client: SecretsManagerClient,
    operation: string,
    answer: (send: () => Promise<unknown>) => unknown,
  ) {
    client.middlewareStack.add(
      (next, context) => async (args) =>
        context.commandName === `${operation}Command` ? ((await answer(() => next(args))) as never) : next(args),
      { step: 'finalizeRequest', priority: 'low' },
    );
  }
  const refusal = (name: string) => Object.assign(new Error('made up'), { name, $metadata: { httpStatusCode: 400 } });

  async function stored(target = unique('target'), held = credential): Promise<string> {
    const credentials = over(secrets);
    await credentials.promote(target, await credentials.stage(target, held));
    return target;
  }
  const labelsOf = async (target: string) => {
    const { VersionIdsToStages } = await secrets.send(new DescribeSecretCommand({ SecretId: idOf(target) }));
    return Object.values(VersionIdsToStages ?? {}).flat();
  };

  describe('staging', () => {
    it('of a further credential makes no secret, restores none and marks none', async () => {
      const target = await stored();
      const { credentials, tried } = watched();
      await credentials.stage(target, credential);
      expect(tried).toEqual(['DescribeSecret', 'PutSecretValue']);
    });

    it('goes on where one stopped that had made the secret and marked it', async () => {
      const target = unique('target');
      const { credentials, fail, tried } = watched();
      fail('PutSecretValue', 'throttled', 1);
      await expect(credentials.stage(target, credential)).rejects.toBeInstanceOf(AwsCallFailed);
      tried.length = 0;
      await credentials.stage(target, credential);
      expect(tried).toEqual(['DescribeSecret', 'PutSecretValue']);
    });

    it('marks no version of a secret that somebody else filled: it holds a credential', async () => {
      const target = unique('target');
      const SecretString = JSON.stringify(credential);
      await secrets.send(new CreateSecretCommand({ Name: idOf(target), SecretString }));
      const SecretId = idOf(target);
      await secrets.send(new PutSecretValueCommand({ SecretId, SecretString, VersionStages: ['AWSPENDING'] }));
      await over(secrets).stage(target, credential);
      expect(await labelsOf(target)).not.toContain('HUBLEASE_EMPTY');
    });

    it('fails by what AWS says when the secret is gone as soon as it was made', async () => {
      const { client, credentials } = watched();
      answerWith(client, 'DescribeSecret', () => {
        throw refusal('ResourceNotFoundException');
      });
      answerWith(client, 'PutSecretValue', () => {
        throw refusal('ResourceNotFoundException');
      });
      await expect(credentials.stage(unique('target'), credential)).rejects.toMatchObject({
        name: 'AwsCallFailed',
        operation: 'PutSecretValue',
      });
    });
  });

  describe('promoting', () => {
    it('of the current version moves nothing', async () => {
      const target = await stored();
      const { credentials, tried } = watched();
      const version = (await credentials.read(target))?.version as string;
      tried.length = 0;
      await credentials.promote(target, version);
      expect(tried).toEqual(['GetSecretValue', 'DescribeSecret']);
    });

    it('is done when the repetition of a move is refused because it was made', async () => {
      const target = await stored();
      const { client, credentials } = watched();
      const version = await credentials.stage(target, { ...credential, password: 'second' });
      answerWith(client, 'UpdateSecretVersionStage', async (send) => {
        await send();
        throw refusal('InvalidParameterException');
      });
      await credentials.promote(target, version);
      expect((await credentials.read(target))?.version).toBe(version);
    });

    it('fails when a move is refused that was not made', async () => {
      const target = await stored();
      const { client, credentials } = watched();
      const version = await credentials.stage(target, { ...credential, password: 'second' });
      answerWith(client, 'UpdateSecretVersionStage', () => {
        throw refusal('InvalidParameterException');
      });
      await expect(credentials.promote(target, version)).rejects.toBeInstanceOf(AwsCallFailed);
      expect((await credentials.read(target))?.credential).toEqual(credential);
    });
  });

  describe('removing', () => {
    it('takes a secret away that somebody else filled, and moves no label there', async () => {
      const target = unique('target');
      const SecretString = JSON.stringify(credential);
      await secrets.send(new CreateSecretCommand({ Name: idOf(target), SecretString }));
      const { credentials, tried } = watched();
      await credentials.remove(target);
      expect(tried).toEqual(['DescribeSecret', 'DeleteSecret']);
      expect(await credentials.read(target)).toBeUndefined();
    });

    it('asks nothing of Secrets Manager where the owner keeps the secret', async () => {
      const client = open();
      const { tried } = plantFaults(client);
      const options = { client, prefix: 'hublease/target', keyArn: 'alias/aws/secretsmanager', clock };
      const secretIdOf = async () => 'arn:aws:secretsmanager:us-east-1:123456789012:secret:owner';
      await secretsManagerCredentials({ ...options, secretIdOf }).remove('acme');
      expect(tried).toEqual([]);
    });

    it('leaves a secret alone that is removed already', async () => {
      const target = await stored();
      await over(secrets).remove(target);
      const { credentials, tried } = watched();
      await credentials.remove(target);
      expect(tried).toEqual(['DescribeSecret']);
    });
  });

  describe('reading', () => {
    it('tells a refusal for another reason from a secret that is removed', async () => {
      const target = await stored();
      const { client, credentials } = watched();
      answerWith(client, 'GetSecretValue', () => {
        throw refusal('InvalidRequestException');
      });
      await expect(credentials.read(target)).rejects.toBeInstanceOf(AwsCallFailed);
    });

    it('says that a removed secret holds none only when Secrets Manager says so', async () => {
      const target = await stored();
      await over(secrets).remove(target);
      const { credentials, fail } = watched();
      fail('GetSecretValue', 'throttled', 1);
      await expect(credentials.read(target)).rejects.toBeInstanceOf(AwsCallFailed);
      expect(await credentials.read(target)).toBeUndefined();
    });

    it('refuses a credential that lacks a user name or a password, or has an empty one', async () => {
      for (const held of [
        { password: 'x' },
        { username: 'x' },
        { username: '', password: 'x' },
        { username: 7, password: 'x' },
        { username: 'x', password: 7 },
        { username: 'x', password: 'x', totpSecret: '' },
      ]) {
        const target = unique('target');
        const SecretString = JSON.stringify(held);
        await secrets.send(new CreateSecretCommand({ Name: idOf(target), SecretString }));
        await expect(over(secrets).read(target)).rejects.toBeInstanceOf(CredentialMalformed);
      }
    });
  });

  describe('the memory', () => {
    it('loses nothing to targets that have no credential, however many are asked for', async () => {
      const target = await stored();
      const { credentials, tried } = watched();
      await credentials.read(target);
      const missing = unique('missing');
      for (let n = 0; n < 200; n++) expect(await credentials.read(`${missing}/${n}`)).toBeUndefined();
      tried.length = 0;
      await credentials.read(target);
      expect(tried).toEqual([]);
    });

    it('forgets a credential that was refused, and none that shares its user name or its password', async () => {
      const refused = await stored();
      const others = [
        await stored(undefined, { ...credential, password: 'another' }),
        await stored(undefined, { ...credential, username: 'another' }),
      ];
      const { credentials, tried } = watched();
      for (const target of [refused, ...others]) await credentials.read(target);
      credentials.forgetCredential(credential);
      tried.length = 0;
      for (const target of others) await credentials.read(target);
      expect(tried).toEqual([]);
      await credentials.read(refused);
      expect(tried).toEqual(['GetSecretValue']);
    });
  });
});
