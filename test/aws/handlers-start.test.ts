import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { environmentFor } from './deployment.ts';
import { FUNCTION_NAMES, startEntry } from './entries.ts';

/** Settings of the right form, of an installation that is nowhere. */
const SETTINGS = {
  leaseTable: 'leases',
  catalogTable: 'catalog',
  targetSecretPrefix: 'hublease/target',
  formerSecretPrefixes: ['hublease/former'],
  installationSecretArn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:hublease-AbCdEf',
  keyArn: 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  formerKeyArns: ['arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000'],
  queueUrl: 'https://sqs.us-east-1.amazonaws.com/111122223333/revocations',
  queueArn: 'arn:aws:sqs:us-east-1:111122223333:revocations',
  scheduleGroup: 'hublease',
  scheduleRoleArn: 'arn:aws:iam::111122223333:role/scheduler',
  scheduleDeadLetterArn: 'arn:aws:sqs:us-east-1:111122223333:undelivered',
  auditLogGroup: '/hublease/audit',
  metricsNamespace: 'Hublease',
  minTtlSeconds: 60,
  auditRetentionSeconds: 2_592_000,
  callerRatePerMinute: 600,
  auditRequired: 'false',
  callerBurst: 100,
};

describe.each(FUNCTION_NAMES)('the start of %s', (name) => {
  beforeEach(() => vi.stubEnv('AWS_REGION', 'us-east-1'));
  afterEach(() => vi.unstubAllEnvs());

  it('needs its own variables and no other', async () => {
    expect(await startEntry(name, environmentFor(name, SETTINGS))).toBeTypeOf('function');
  });

  it('stops with the name of each variable that is missing', async () => {
    const complete = environmentFor(name, SETTINGS);
    for (const variable of Object.keys(complete)) {
      const started = startEntry(name, { ...complete, [variable]: '' });
      await expect(started).rejects.toThrow(`environment variable ${variable} is missing`);
    }
  });
});
