import { beforeEach, describe, expect, it } from 'vitest';
import { type CatalogEvent, catalogResource } from '../../functions/catalog-resource.ts';
import { fail } from '../../functions/core/model/failure.ts';
import type { Credential } from '../../functions/core/model/target.ts';
import { aLease } from '../contract/builders.ts';
import { brokenPorts, memoryPorts } from './memory-ports.ts';

const CREDENTIAL: Credential = { username: 'acme-bot', password: 'canary-password' };
const CREDENTIAL_ARN = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:acme-AbCdEf';
const TARGET = {
  entry: 'target',
  name: 'bot',
  kind: 'user',
  credentialArn: CREDENTIAL_ARN,
  verify: 'false',
} as const;
const BODY = { target: 'bot', scope: 'repo:write', defaultTtl: '15m', maxTtl: '1h', allow: [] as string[] };
const secret = (body: unknown = { ...BODY, allow: ['arn:aws:iam::111122223333:role/ci'] }) =>
  ({ entry: 'secret', name: 'ci/release', body: typeof body === 'string' ? body : JSON.stringify(body) }) as const;

let ports: ReturnType<typeof memoryPorts>;
let owners: (target: string, secretArn: string) => Promise<{ readonly credential: Credential } | undefined>;
beforeEach(() => {
  ports = memoryPorts();
  owners = async () => ({ credential: CREDENTIAL });
});

function ask(RequestType: CatalogEvent['RequestType'], ResourceProperties: object, PhysicalResourceId?: string) {
  const event = {
    RequestType,
    RequestId: 'request-1',
    ResourceProperties,
    ...(PhysicalResourceId && { PhysicalResourceId }),
  };
  return catalogResource(async () => ports, owners)(event as CatalogEvent);
}

async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = (await asked.catch((caught: unknown) => caught)) as Error;
  expect(error).toMatchObject({ name: 'CatalogRefused' });
  expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('canary');
  return error.message;
}

describe('the catalog resource', () => {
  it('names what it made by kind and name, so that a rename is a new entry', async () => {
    expect(await ask('Create', TARGET)).toEqual({ PhysicalResourceId: 'target:bot' });
    expect(await ask('Create', secret())).toEqual({ PhysicalResourceId: 'secret:ci/release' });
    const renamed = { ...secret(), name: 'ci/renamed' };
    expect(await ask('Update', renamed, 'secret:ci/release')).toEqual({ PhysicalResourceId: 'secret:ci/renamed' });
  });

  it('reads the owner’s secret by its ARN and stores no password', async () => {
    const read: string[][] = [];
    owners = async (...asked) => {
      read.push(asked);
      return { credential: CREDENTIAL };
    };
    const stage = async () => {
      throw new Error('nothing is to be staged');
    };
    ports = { ...ports, credentials: { ...ports.credentials, stage } };
    await ask('Create', TARGET);
    expect(read).toEqual([['bot', CREDENTIAL_ARN]]);
    expect(await ports.catalog.getTarget('bot')).toMatchObject({ credentialRef: CREDENTIAL_ARN, managedBy: 'cdk' });
  });

  it('reads, stores and moves no credential that the API manages, over the whole life of a target and its secret', async () => {
    const asked: string[] = [];
    const refuse = (name: string) => async () => {
      asked.push(name);
      throw new Error('access denied');
    };
    const credentials = { read: refuse('read'), stage: refuse('stage'), promote: refuse('promote') };
    ports = { ...ports, credentials: { ...ports.credentials, ...credentials } };
    const verified = { ...TARGET, verify: 'true' };
    await ask('Create', verified);
    await ask('Create', secret());
    await ask('Update', { ...verified, description: 'of the build' }, 'target:bot');
    await ask('Delete', secret(), 'secret:ci/release');
    await ask('Delete', verified, 'target:bot');
    expect(await ports.catalog.getTarget('bot')).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('logs in with the credential only when it is to be verified', async () => {
    let logins = 0;
    const { login } = ports.hub;
    const counted: typeof login = (...args) => {
      logins += 1;
      return login(...args);
    };
    ports = { ...ports, hub: { ...ports.hub, login: counted } };
    await ask('Create', TARGET);
    expect(logins).toBe(0);
    await ask('Update', { ...TARGET, verify: 'true', description: 'changed' }, 'target:bot');
    expect(logins).toBe(1);
  });

  it('accepts an expiry that is not proven for as long as the stack says so', async () => {
    await ask('Create', { ...TARGET, allowUnprovenExpiry: 'true' });
    expect(await ports.catalog.getTarget('bot')).toMatchObject({ allowUnprovenExpiry: true });
    await ask('Update', TARGET, 'target:bot');
    expect(await ports.catalog.getTarget('bot')).not.toHaveProperty('allowUnprovenExpiry');
  });

  it('writes down each change under CloudFormation’s request, as no role of a caller', async () => {
    await ask('Create', TARGET);
    expect(ports.events).toMatchObject([
      { event: 'target.changed', target: 'bot', caller: 'cloudformation', requestId: 'request-1' },
    ]);
  });

  it('deletes by the id it gave, whatever the properties say', async () => {
    await ask('Create', TARGET);
    await ask('Create', secret());
    await ask('Delete', { ...secret(), name: 'ci/renamed' }, 'secret:ci/release');
    expect(await ports.catalog.getSecret('ci/release')).toBeUndefined();
  });

  it('does not wait for open leases to end', async () => {
    await ask('Create', TARGET);
    await ask('Create', secret());
    await ports.leases.create(aLease({ secret: 'ci/release', target: 'bot' }));
    for (let times = 0; times < 2; times++) {
      expect(await ask('Delete', secret(), 'secret:ci/release')).toEqual({ PhysicalResourceId: 'secret:ci/release' });
      expect(await ask('Delete', TARGET, 'target:bot')).toEqual({ PhysicalResourceId: 'target:bot' });
    }
    expect(await ports.catalog.getSecret('ci/release')).toMatchObject({ status: 'draining' });
    expect(await ports.catalog.getTarget('bot')).toMatchObject({ status: 'draining' });
  });

  it('deletes nothing for an id that it never gave', async () => {
    await ask('Create', TARGET);
    for (const id of [
      'AWSCDK::CustomResourceProviderFramework::CREATE_FAILED',
      'target',
      'target:',
      'bot',
      'secret:bot',
    ]) {
      expect(await ask('Delete', TARGET, id)).toEqual({ PhysicalResourceId: id });
    }
    expect(await ports.catalog.getTarget('bot')).toMatchObject({ status: 'ready' });
  });

  it('says that a target is still used, and by which secrets', async () => {
    await ask('Create', TARGET);
    await ask('Create', secret());
    const message = await refusal(ask('Delete', TARGET, 'target:bot'));
    expect(message).toBe('target:bot: target_in_use, target bot, secrets ci/release');
  });

  it('says what is wrong with a secret’s body, and does not quote a body that is no JSON', async () => {
    await ask('Create', TARGET);
    expect(await refusal(ask('Create', secret('{"canary')))).toMatch(/^secret:ci\/release: \w+/);
    expect(await refusal(ask('Create', secret({ ...BODY, target: 7 })))).toMatch(/invalid_field, field target/);
    expect(await ports.catalog.getSecret('ci/release')).toBeUndefined();
  });

  it('says that the owner’s secret cannot be read', async () => {
    owners = async () => undefined;
    expect(await refusal(ask('Create', TARGET))).toMatch(/^target:bot: credential_unavailable, target bot/);
  });

  it.each([
    ['an error of the owner’s secret', new Error('it said canary')],
    ['something that is no error', 'canary'],
    ['a failure', fail({ tag: 'store_unavailable', retryAfterSeconds: 5 })],
  ])('quotes nothing of %s', async (_, thrown) => {
    owners = async () => {
      throw thrown;
    };
    expect(await refusal(ask('Create', TARGET))).toMatch(/^target:bot: /);
  });

  it('quotes nothing of errors behind its ports', async () => {
    const broken = catalogResource(async () => brokenPorts('canary'), owners);
    for (const RequestType of ['Create', 'Update', 'Delete'] as const) {
      const message = await refusal(broken({ RequestType, RequestId: 'request-1', ResourceProperties: secret() }));
      expect(message).toMatch(/^secret:ci\/release: store_unavailable/);
    }
  });
});
