import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { consumerPolicy } from '../../functions/wire/consumer-policy.ts';
import { as, openTerminal, type Terminal } from './terminal.ts';

let terminal: Terminal;
beforeAll(async () => {
  terminal = await openTerminal();
});
afterAll(() => terminal.close());

const API = { partition: 'aws', region: 'eu-west-1', accountId: '111122223333', apiId: 'a1b2c3d4e5' };
const AWS = { env: { HUBLEASE_ENDPOINT: 'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/v1' } };
const GIVEN = '--account 111122223333';

describe('hublease consumer-policy', () => {
  test('prints the policy for the secrets named, and says what is left to do', async () => {
    const { code, stdout, stderr } = await terminal.type(`consumer-policy ci/release ci/pull ${GIVEN}`, AWS);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(consumerPolicy(API, ['ci/release', 'ci/pull']));
    expect(stderr).toContain('list the role in "allow" of each secret');
    expect(stderr).toContain('If the role is not in account 111122223333, it must be a consumer too');
  });

  test('-o json prints the policy alone', async () => {
    const { stdout, stderr } = await terminal.type(`consumer-policy ci/* ${GIVEN} -o json`, AWS);
    expect(JSON.parse(stdout)).toEqual(consumerPolicy(API, ['ci/*']));
    expect(stderr).toBe('');
  });

  test('is for the secret in force when none is named', async () => {
    const env = { ...AWS.env, HUBLEASE_SECRET: 'ci/release' };
    const { stdout } = await terminal.type(`consumer-policy ${GIVEN}`, { env });
    expect(JSON.parse(stdout)).toEqual(consumerPolicy(API, ['ci/release']));
  });

  test.each([
    ['cn-north-1', 'aws-cn', '.cn'],
    ['us-gov-west-1', 'aws-us-gov', ''],
  ])('names the partition of %s', async (region, partition, suffix) => {
    const env = { HUBLEASE_ENDPOINT: `https://a1b2c3d4e5.execute-api.${region}.amazonaws.com${suffix}/v1` };
    const { stdout } = await terminal.type(`consumer-policy ci/release ${GIVEN}`, { env });
    expect(JSON.parse(stdout)).toEqual(consumerPolicy({ ...API, region, partition }, ['ci/release']));
  });

  test('takes the id of the API behind a custom domain from --api-id, and the region from the settings', async () => {
    const env = { HUBLEASE_ENDPOINT: 'https://hublease.example.com/v1' };
    const command = `--region eu-west-1 consumer-policy ci/release ${GIVEN}`;
    const refused = await terminal.type(command, { env });
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('does not name an API of API Gateway\n  Give --api-id');
    const { stdout } = await terminal.type(`${command} --api-id a1b2c3d4e5`, { env });
    expect(JSON.parse(stdout)).toEqual(consumerPolicy(API, ['ci/release']));
  });

  test('has nothing to say about the embedded edition', async () => {
    const { code, stderr } = await terminal.type(`consumer-policy ci/release ${GIVEN}`);
    expect(code).toBe(2);
    expect(stderr).toContain('is an embedded edition, which does not use IAM policies');
  });
});

// The embedded edition answers in place of the AWS edition.
describe('the account of hublease', () => {
  const command = 'consumer-policy --api-id a1b2c3d4e5';
  // Admins of the embedded edition have an account of their own.
  const own = { ...API, region: 'us-east-1', accountId: '000000000000' };

  test('is the account of an admin who asks, whose secrets are looked up', async () => {
    const { stdout } = await terminal.type(`${command} ci/release`, as('hublease-admin'));
    expect(JSON.parse(stdout)).toEqual(consumerPolicy(own, ['ci/release']));
    const { code, stdout: none } = await terminal.type(`${command} ci/relaese`, as('hublease-admin'));
    expect({ code, none }).toEqual({ code: 6, none: '' });
  });

  test('must be given by anybody else, whose own account may be another', async () => {
    const { code, stdout, stderr } = await terminal.type(`${command} ci/release`);
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(stderr).toContain('Give --account');
  });
});

test.each([
  ['no secret', `consumer-policy ${GIVEN}`, 'no secret given'],
  ['a name that leads elsewhere', `consumer-policy ../admin/targets ${GIVEN}`, 'is not a name of a secret'],
  ['an account that is none', 'consumer-policy ci/release --account 1234', '--account 1234: expected 12 digits'],
  ['an API that is none', `consumer-policy ci/release ${GIVEN} --api-id *`, '--api-id *: expected 10'],
])('%s is refused', async (_, command, problem) => {
  const { code, stdout, stderr } = await terminal.type(command, AWS);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(problem);
});
