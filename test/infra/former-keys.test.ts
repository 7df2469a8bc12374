import { App, Stack } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import * as kms from 'aws-cdk-lib/aws-kms';
import { beforeAll, describe, expect, it } from 'vitest';
import { Hublease } from '../../infra/hublease.ts';
import {
  resourceOf,
  resourcesOf,
  type Statement,
  SYNTH_TIMEOUT_MS,
  stackWith,
  statementsOf,
  templateOf,
} from './synthesized.ts';

const keyArn = (id: string) => `arn:aws:kms:eu-west-1:111122223333:key/${id}`;
const FORMER = ['aaaa', 'bbbb'];
const WRITING = ['secretsmanager:CreateSecret', 'secretsmanager:PutSecretValue', 'secretsmanager:RestoreSecret'];
const LOGGING_IN = ['Broker', 'Admin', 'Revoker', 'Sweeper'];

let template: Template;

beforeAll(() => {
  const keys = new Stack(new App(), 'Keys');
  const keyOf = (id: string) => kms.Key.fromKeyArn(keys, `Key${id}`, keyArn(id));
  const props = { encryptionKey: keyOf('2222'), formerEncryptionKeys: FORMER.map(keyOf) };
  template = templateOf(stackWith(props).stack);
}, SYNTH_TIMEOUT_MS);

function environmentOf(name: string, from: Template = template): Record<string, unknown> {
  const { Environment } = resourceOf(from, 'AWS::Lambda::Function', `Hublease${name}Function`).Properties;
  return (Environment as { Variables: Record<string, unknown> }).Variables;
}

/** Statements of a function that name something of a former key. */
function aboutFormer(name: string): readonly Statement[] {
  return statementsOf(template, name).filter(({ Resource }) =>
    FORMER.some((id) => JSON.stringify(Resource).includes(id)),
  );
}

describe('former keys', () => {
  it('leave the prefix of a stack without the prop as it was', () => {
    const own = templateOf(stackWith().stack);
    const [keyId] = Object.keys(resourcesOf(own, 'AWS::KMS::Key'));
    expect(environmentOf('Broker', own)).toMatchObject({
      HUBLEASE_TARGET_SECRET_PREFIX: { 'Fn::Join': ['', ['hublease/TestHubleaseA2C398AF/', { Ref: keyId }]] },
      HUBLEASE_FORMER_SECRET_PREFIXES: 'none',
      HUBLEASE_FORMER_KEY_ARNS: 'none',
    });
  });

  it('are told to every function that reads credentials, with the prefix that each had', () => {
    for (const name of LOGGING_IN) {
      const { HUBLEASE_TARGET_SECRET_PREFIX, ...variables } = environmentOf(name);
      expect(HUBLEASE_TARGET_SECRET_PREFIX).toMatch(/\/2222$/);
      const below = String(HUBLEASE_TARGET_SECRET_PREFIX).slice(0, -4);
      expect(variables.HUBLEASE_FORMER_SECRET_PREFIXES).toBe(FORMER.map((id) => `${below}${id}`).join(','));
      expect(variables.HUBLEASE_FORMER_KEY_ARNS).toBe(FORMER.map(keyArn).join(','));
    }
  });

  it('decrypt for every function, and encrypt for none', () => {
    for (const name of LOGGING_IN) {
      const actions = aboutFormer(name).flatMap(({ Action }) => Action);
      expect(actions).toEqual(expect.arrayContaining(['kms:Decrypt', 'secretsmanager:GetSecretValue']));
      expect(actions).not.toContain('kms:GenerateDataKey');
      for (const action of WRITING) expect(actions).not.toContain(action);
    }
  });

  it('let the functions that remove targets remove what is under them, and no other', () => {
    for (const name of LOGGING_IN) {
      const removes = aboutFormer(name).some(({ Action }) => Action.includes('secretsmanager:DeleteSecret'));
      expect(removes, name).toBe(['Admin', 'Sweeper'].includes(name));
    }
  });

  it('are refused at synth where they are the key in use, or named twice', () => {
    const stack = new Stack(new App(), 'Twice');
    const [one, same] = ['a', 'b'].map((id) => kms.Key.fromKeyArn(stack, id, keyArn('0000'))) as [kms.IKey, kms.IKey];
    const other = kms.Key.fromKeyArn(stack, 'c', keyArn('3333'));
    const made = (encryptionKey: kms.IKey, formerEncryptionKeys: readonly kms.IKey[]) => () =>
      new Hublease(new Stack(new App(), 'Test'), 'Hublease', { encryptionKey, formerEncryptionKeys });
    expect(made(one, [same])).toThrow('formerEncryptionKeys: expected each former key once');
    expect(made(other, [one, same])).toThrow('formerEncryptionKeys: expected each former key once');
  });
});
