import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CatalogEvent } from '../../functions/catalog-resource.ts';
import { unique } from '../contract/builders.ts';
import type { Deployment } from './deployment.ts';
import { ACCOUNT, type Aws, type Installation } from './installation.ts';
import { deliver } from './triggers.ts';

const MINT = { method: 'POST', path: '/v1/lease/ci/release' };
const SECRET_BODY = {
  target: 'bot',
  scope: 'repo:write',
  defaultTtl: '15m',
  maxTtl: '1h',
  allow: ['arn:aws:iam::111122223333:root'],
};
const AFTER_TTL_MS = 901_000;
const SETTLE_MS = 60_000;

/** The tests of what a CDK stack declares. @param aws both servers, once they run. */
export function declaredCatalog(aws: () => Aws): void {
  describe('the custom resource behind a CDK stack', () => {
    let installation: Installation;
    let functions: Deployment;
    /** The secret that the target's owner keeps. */
    let credentialArn: string;
    beforeEach(async () => {
      installation = await aws().install();
      functions = installation.deploy();
      credentialArn = await ownersSecret(ACCOUNT);
    });

    async function ownersSecret(value: unknown): Promise<string> {
      const SecretString = typeof value === 'string' ? value : JSON.stringify(value);
      const { ARN } = await installation.secrets.send(new CreateSecretCommand({ Name: unique('owner'), SecretString }));
      return ARN as string;
    }

    type Properties = CatalogEvent['ResourceProperties'];
    const target = (overrides: Partial<Properties> = {}): Properties =>
      ({ entry: 'target', name: 'bot', kind: 'user', credentialArn, verify: 'true', ...overrides }) as Properties;
    const secret = (body: object = SECRET_BODY): Properties => ({
      entry: 'secret',
      name: 'ci/release',
      body: JSON.stringify(body),
    });
    const ask = (
      RequestType: CatalogEvent['RequestType'],
      ResourceProperties: Properties,
      PhysicalResourceId?: string,
    ) =>
      functions.catalogResource({
        RequestType,
        RequestId: unique('request'),
        ResourceProperties,
        ...(PhysicalResourceId !== undefined && { PhysicalResourceId }),
      });
    const apiPut = (path: string, body: object) =>
      functions.admin({ method: 'PUT', path: `/v1/admin/${path}`, body: JSON.stringify(body) });

    async function createBoth(): Promise<void> {
      expect(await ask('Create', target())).toEqual({ PhysicalResourceId: 'target:bot' });
      expect(await ask('Create', secret())).toEqual({ PhysicalResourceId: 'secret:ci/release' });
    }

    it('creates a target that reads its owner’s secret and copies it nowhere, and a secret to lease from', async () => {
      await createBoth();
      expect(await installation.catalogRow('target', 'bot')).toMatchObject({
        managedBy: 'cdk',
        status: 'ready',
        credentialRef: credentialArn,
        username: 'acme-bot',
      });
      expect(await installation.catalogRow('secret', 'ci/release')).toMatchObject({
        managedBy: 'cdk',
        status: 'ready',
      });
      expect(await installation.targetSecret('bot')).toBeUndefined();
      expect(await functions.broker(MINT)).toMatchObject({ status: 201 });
    });

    it('owns what it made: the API changes and deletes neither', async () => {
      await createBoth();
      const refused = { status: 409, body: { code: 'managed_by_cdk' } };
      expect(await apiPut('targets/bot', { kind: 'user', credential: ACCOUNT })).toMatchObject(refused);
      expect(await apiPut('secrets/ci/release', SECRET_BODY)).toMatchObject(refused);
      for (const path of ['/v1/admin/secrets/ci/release', '/v1/admin/targets/bot']) {
        expect(await functions.admin({ method: 'DELETE', path, query: { force: ['true'] } })).toMatchObject(refused);
      }
      expect(await functions.broker(MINT)).toMatchObject({ status: 201 });
    });

    it('takes nothing over that the API made, and deletes none of it', async () => {
      await apiPut('targets/bot', { kind: 'user', credential: ACCOUNT });
      await apiPut('secrets/ci/release', SECRET_BODY);
      await expect(ask('Create', target())).rejects.toThrow(/^target:bot: managed_by_cdk/);
      await expect(ask('Create', secret())).rejects.toThrow(/^secret:ci\/release: managed_by_cdk/);
      // The rollback of a create that failed.
      await ask('Delete', secret(), 'secret:ci/release');
      await ask('Delete', target(), 'target:bot');
      expect(await functions.broker(MINT)).toMatchObject({ status: 201 });
    });

    it('updates in place, again and again', async () => {
      await createBoth();
      for (let times = 0; times < 2; times++) {
        const changed = secret({ ...SECRET_BODY, defaultTtl: '5m' });
        expect(await ask('Update', changed, 'secret:ci/release')).toEqual({ PhysicalResourceId: 'secret:ci/release' });
        expect(await ask('Update', target({ description: 'second' }), 'target:bot')).toEqual({
          PhysicalResourceId: 'target:bot',
        });
      }
      expect(await functions.broker(MINT)).toMatchObject({ status: 201, body: { lease: { ttlSeconds: 300 } } });
      expect(await installation.catalogRow('target', 'bot')).toMatchObject({ description: 'second' });
    });

    it('renames by a new entry, whose former one CloudFormation then deletes', async () => {
      await createBoth();
      const renamed = { ...secret(), name: 'ci/renamed' } as Properties;
      expect(await ask('Update', renamed, 'secret:ci/release')).toEqual({ PhysicalResourceId: 'secret:ci/renamed' });
      await ask('Delete', secret(), 'secret:ci/release');
      expect(await functions.broker(MINT)).toMatchObject({ status: 409 });
      expect(await functions.broker({ ...MINT, path: '/v1/lease/ci/renamed' })).toMatchObject({ status: 201 });
    });

    it('deletes at once though leases are open, which run out first', async () => {
      await createBoth();
      const minted = await functions.broker(MINT);
      await ask('Delete', secret(), 'secret:ci/release');
      await ask('Delete', target(), 'target:bot');
      expect(installation.liveTokens()).toEqual([minted.body.lease.tokenId]);
      expect(await functions.broker(MINT)).toMatchObject({ status: 409, body: { code: 'draining' } });
      installation.clock.advance(AFTER_TTL_MS + SETTLE_MS);
      await functions.sweeper();
      await deliver(installation, functions);
      await functions.sweeper();
      expect(installation.liveTokens()).toEqual([]);
      expect(await installation.catalogRow('secret', 'ci/release')).toBeUndefined();
      expect(await installation.catalogRow('target', 'bot')).toBeUndefined();
      // The owner's secret is the owner's.
      const kept = await installation.secrets.send(new GetSecretValueCommand({ SecretId: credentialArn }));
      expect(JSON.parse(kept.SecretString as string)).toEqual(ACCOUNT);
    });

    it('is content when what it is to delete is gone already', async () => {
      expect(await ask('Delete', secret(), 'secret:ci/release')).toEqual({ PhysicalResourceId: 'secret:ci/release' });
      expect(await ask('Delete', target(), 'target:bot')).toEqual({ PhysicalResourceId: 'target:bot' });
    });

    describe('says what is wrong, and no secret', () => {
      it.each([
        [
          'a password that Docker Hub refuses',
          { username: 'acme-bot', password: 'canary' },
          /credential_refused.*acme-bot/,
        ],
        ['an access token for a password', { username: 'acme-bot', password: 'dckr_pat_canary' }, /access_token/],
        ['a secret of another form', { user: 'canary' }, /CredentialMalformed|credential/],
        ['a secret that is no JSON', 'canary', /CredentialMalformed|credential/],
      ])('of a target with %s', async (_, value, expected) => {
        const arn = await ownersSecret(value);
        const error = await ask('Create', target({ credentialArn: arn } as Partial<Properties>)).catch(
          (caught) => caught,
        );
        expect(error).toMatchObject({ name: 'CatalogRefused', message: expect.stringMatching(expected) });
        expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('canary');
        expect(await installation.catalogRow('target', 'bot')).toBeUndefined();
      });

      it('of a target whose owner’s secret is not there', async () => {
        const missing = credentialArn.replace(/secret:.*$/, 'secret:missing-AbCdEf');
        const asked = ask('Create', target({ credentialArn: missing } as Partial<Properties>));
        await expect(asked).rejects.toThrow(/^target:bot: credential_unavailable/);
      });

      it.each([
        ['an unknown field', { ...SECRET_BODY, canTrust: true }, /invalid_field.*canTrust/],
        ['a role pattern with a path', { ...SECRET_BODY, allow: ['arn:aws:iam::111122223333:role/a/b'] }, /allow/],
        ['a target that is not there', { ...SECRET_BODY, target: 'missing' }, /target_not_found.*missing/],
        ['a TTL below the least', { ...SECRET_BODY, defaultTtl: '5s' }, /ttl_too_short.*60/],
      ])('of a secret with %s', async (_, body, expected) => {
        await ask('Create', target());
        await expect(ask('Create', secret(body))).rejects.toThrow(expected);
        expect(await installation.catalogRow('secret', 'ci/release')).toBeUndefined();
      });
    });
  });
}
