import { describe, expect, it } from 'vitest';
import { BadEnvironment, environmentOf, type FunctionName, readSettings, SETTINGS_OF } from '../../functions/env.ts';

const SETTINGS = {
  leaseTable: 'Hublease-Leases1A2B',
  catalogTable: 'Hublease-Catalog1A2B',
  targetSecretPrefix: 'hublease/prod/target',
  formerSecretPrefixes: ['hublease/former'],
  installationSecretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:Installation1A2B-abcdef',
  keyArn: 'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-0123456789ab',
  formerKeyArns: ['arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000'],
  queueUrl: 'https://sqs.eu-west-1.amazonaws.com/111122223333/Hublease-Revocations1A2B',
  queueArn: 'arn:aws:sqs:eu-west-1:111122223333:Hublease-Revocations1A2B',
  scheduleGroup: 'Hublease-1A2B',
  scheduleRoleArn: 'arn:aws:iam::111122223333:role/Hublease-Scheduler1A2B',
  scheduleDeadLetterArn: 'arn:aws:sqs:eu-west-1:111122223333:Hublease-ScheduleDlq1A2B',
  auditLogGroup: '/hublease/prod/audit',
  metricsNamespace: 'Hublease/prod',
  minTtlSeconds: 60,
  auditRetentionSeconds: 2_592_000,
  callerRatePerMinute: 600,
  auditRequired: 'false',
  callerBurst: 100,
} as const;

const FUNCTIONS = Object.keys(SETTINGS_OF) as FunctionName[];

describe('the environment of a function', () => {
  it.each(FUNCTIONS)('gives %s what the infrastructure wrote for it, and nothing else', (name) => {
    const environment = environmentOf(name, SETTINGS);
    const expected = Object.fromEntries(SETTINGS_OF[name].map((setting) => [setting, SETTINGS[setting]]));
    expect(readSettings(name, { ...environment, HUBLEASE_OTHER: 'x', PATH: '/bin' })).toEqual(expected);
    expect(Object.keys(environment)).toHaveLength(SETTINGS_OF[name].length);
  });

  it.each(FUNCTIONS)('stops %s at each missing or empty variable, with its name', (name) => {
    const environment = environmentOf(name, SETTINGS);
    for (const variable of Object.keys(environment)) {
      for (const value of [undefined, '']) {
        expect(() => readSettings(name, { ...environment, [variable]: value })).toThrow(
          new BadEnvironment(variable, 'is missing'),
        );
      }
    }
  });

  it('tells an empty list from a variable that was forgotten', () => {
    const environment = environmentOf('revoker', { ...SETTINGS, formerKeyArns: [], formerSecretPrefixes: [] });
    expect(readSettings('revoker', environment)).toMatchObject({ formerKeyArns: [], formerSecretPrefixes: [] });
  });

  it('gives lists of several', () => {
    const formerSecretPrefixes = ['hublease/a/1', 'hublease/a/2'];
    const formerKeyArns = ['1', '2'].map((id) => `arn:aws:kms:eu-west-1:111122223333:key/${id}`);
    const environment = environmentOf('admin', { ...SETTINGS, formerKeyArns, formerSecretPrefixes });
    expect(readSettings('admin', environment)).toMatchObject({ formerKeyArns, formerSecretPrefixes });
  });

  it('names every variable once', () => {
    const names = FUNCTIONS.flatMap((name) => Object.keys(environmentOf(name, SETTINGS)));
    for (const variable of names) expect(variable).toMatch(/^HUBLEASE_[A-Z_]+$/);
    expect(new Set(names).size).toBe(Object.keys(SETTINGS).length);
  });

  it('arms no schedules but from the broker', () => {
    for (const name of FUNCTIONS) {
      expect(SETTINGS_OF[name].some((setting) => setting.startsWith('schedule'))).toBe(name === 'broker');
    }
  });

  it.each([
    ['HUBLEASE_LEASE_TABLE', 'a/b', 'name of a DynamoDB table'],
    ['HUBLEASE_TARGET_SECRET_PREFIX', 'hublease/', 'without "/" at either end'],
    ['HUBLEASE_TARGET_SECRET_PREFIX', '/hublease', 'without "/" at either end'],
    ['HUBLEASE_INSTALLATION_SECRET_ARN', 'arn:aws:kms:eu-west-1:111122223333:key/a', 'an ARN of secretsmanager'],
    ['HUBLEASE_FORMER_SECRET_PREFIXES', 'hublease/a,', 'separated by commas'],
    ['HUBLEASE_FORMER_KEY_ARNS', 'alias/hublease', 'ARNs of kms'],
    ['HUBLEASE_KEY_ARN', 'alias/hublease', 'an ARN of kms'],
    ['HUBLEASE_KEY_ARN', 'arn:aws:kms:eu-west-1:111122223333:key/a\n', 'an ARN of kms'],
    ['HUBLEASE_QUEUE_URL', 'http://sqs.eu-west-1.amazonaws.com/111122223333/q', 'URL of an SQS queue'],
    ['HUBLEASE_QUEUE_URL', 'https://evil.example/111122223333/q?x=1', 'URL of an SQS queue'],
    ['HUBLEASE_METRICS_NAMESPACE', 'AWS/Lambda', 'a CloudWatch namespace'],
    ['HUBLEASE_MIN_TTL_SECONDS', '59', 'a whole number from 60 to 86400'],
    ['HUBLEASE_MIN_TTL_SECONDS', '1e3', 'a whole number'],
    ['HUBLEASE_MIN_TTL_SECONDS', '60.5', 'a whole number'],
    ['HUBLEASE_MIN_TTL_SECONDS', '+60', 'a whole number'],
    ['HUBLEASE_MIN_TTL_SECONDS', '9999999999', 'a whole number'],
    ['HUBLEASE_AUDIT_REQUIRED', 'maybe', 'one of true, false'],
  ])('refuses %s=%j and says what it expects, without quoting it', (variable, value, expected) => {
    const environment = { ...environmentOf('broker', SETTINGS), [variable]: value };
    const error = (() => {
      try {
        return readSettings('broker', environment);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(BadEnvironment);
    expect((error as BadEnvironment).variable).toBe(variable);
    expect((error as BadEnvironment).message).toContain(expected);
    expect((error as BadEnvironment).message).not.toContain(value);
  });
});
