import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SettingValue } from '../../functions/env.ts';
import type { Deployment } from './deployment.ts';
import { ACCOUNT, type Aws, type Installation, prepare } from './installation.ts';
import { MOTO_CLIENT } from './moto.ts';
import { deliver } from './triggers.ts';

const MINT = { method: 'POST', path: '/v1/lease/ci/release', body: '{"ttl":"2m"}' };
const AFTER_TTL_MS = 121_000;
/** Between the marking of a target as draining and its removal. */
const SETTLE_MS = 60_000;

/** What `encryptionKey` and `formerEncryptionKeys` make of an installation whose key changes. */
export function formerKeys(started: () => Aws): void {
  describe('an installation whose key changes', () => {
    let installation: Installation;
    let own: string;
    let given: string;
    let changed: string;
    beforeEach(async () => {
      installation = await started().install();
      const kms = new KMSClient({ ...MOTO_CLIENT, endpoint: started().moto.endpoint });
      const aKey = async () => (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn as string;
      own = installation.settings.keyArn as string;
      [given, changed] = [await aKey(), await aKey()];
      kms.destroy();
    });

    const prefixOf = (keyArn: string) => `${installation.settings.targetSecretPrefix}/${keyArn.split('/').at(-1)}`;
    const under = (keyArn: string, former: readonly string[] = []): Record<string, SettingValue> => ({
      keyArn,
      targetSecretPrefix: prefixOf(keyArn),
      formerKeyArns: former,
      formerSecretPrefixes: former.map(prefixOf),
    });
    const deployed = (keyArn: string, former: readonly string[] = []) => installation.deploy(under(keyArn, former));
    const nameInRow = async () => (await installation.catalogRow('target', 'bot'))?.secretName;

    async function put(functions: Deployment, body: object): Promise<void> {
      const request = { method: 'PUT', path: '/v1/admin/targets/bot', body: JSON.stringify({ kind: 'user', ...body }) };
      expect(await functions.admin(request)).toMatchObject({ status: 200 });
    }
    /** With a session that others share, no credential is read. */
    async function mintAnew(functions: Deployment): Promise<string> {
      await installation.removeSession('bot');
      const { status, body } = await functions.broker(MINT);
      expect(status).toBe(201);
      return body.lease.id;
    }
    async function expectRevoked(functions: Deployment, ...leases: readonly string[]): Promise<void> {
      installation.clock.advance(AFTER_TTL_MS);
      await installation.removeSession('bot');
      await functions.sweeper();
      await deliver(installation, functions);
      for (const lease of leases) expect(await installation.leaseRow(lease)).toMatchObject({ status: 'revoked' });
      expect(installation.liveTokens()).toEqual([]);
    }

    it('mints and revokes through it all: its own key, a key that is given, and another', async () => {
      const first = deployed(own);
      await prepare(installation, under(own));
      expect(await nameInRow()).toBe(`${prefixOf(own)}/bot`);
      const before = await mintAnew(first);

      const second = deployed(given, [own]);
      const meanwhile = await mintAnew(second);
      await expectRevoked(second, before, meanwhile);
      await put(second, { description: 'written without its credential' });
      expect(await nameInRow()).toBe(`${prefixOf(own)}/bot`);
      await put(second, { credential: ACCOUNT });
      expect(await nameInRow()).toBe(`${prefixOf(given)}/bot`);
      const later = await mintAnew(second);

      const third = deployed(changed, [given]);
      await expectRevoked(third, later, await mintAnew(third));
    });

    it('finds a credential whose row was written before names were recorded', async () => {
      await prepare(installation, under(own));
      await installation.forgetSecretName('bot');
      const functions = deployed(given, [own]);
      await expectRevoked(functions, await mintAnew(functions));
    });

    it('names formerEncryptionKeys where the former key was not given, and goes on once it is', async () => {
      await prepare(installation, under(own));
      const lease = await mintAnew(deployed(own));
      const forgetful = deployed(given);
      await installation.removeSession('bot');
      const { status, body } = await forgetful.broker(MINT);
      expect([status, body.code]).toEqual([503, 'credential_unavailable']);
      expect(body.detail).toContain('formerEncryptionKeys');
      expect(await forgetful.sweeper()).toMatchObject({ failures: [{ code: 'credential_unavailable' }] });
      await expectRevoked(deployed(given, [own]), lease);
    });

    it('opens a session that was sealed under the former key, so that nobody logs in again', async () => {
      await prepare(installation, under(own));
      await deployed(own).broker(MINT);
      const before = await installation.catalogRow('session', 'bot');
      expect(await deployed(given, [own]).broker(MINT)).toMatchObject({ status: 201 });
      expect((await installation.catalogRow('session', 'bot'))?.sealedBearer).toBe(before?.sealedBearer);
      expect(await deployed(given).broker(MINT)).toMatchObject({ status: 503 });
    });

    it('uses the former credential while the new one is not yet current', async () => {
      await prepare(installation, under(own));
      const functions = deployed(given, [own]);
      const wrong = { username: ACCOUNT.username, password: 'not-the-password-canary' };
      const request = {
        method: 'PUT',
        path: '/v1/admin/targets/bot',
        body: JSON.stringify({ kind: 'user', credential: wrong }),
      };
      expect((await functions.admin(request)).status).toBe(422);
      await put(functions, { description: 'after a credential that was refused' });
      await mintAnew(functions);
    });

    it('removes what a deleted target has under the former key', async () => {
      await prepare(installation, under(own));
      const functions = deployed(given, [own]);
      const force = { force: ['true'] };
      for (const path of ['secrets/ci/release', 'targets/bot']) {
        await functions.admin({ method: 'DELETE', path: `/v1/admin/${path}`, query: force });
      }
      installation.clock.advance(SETTLE_MS);
      await functions.sweeper();
      expect(await installation.catalogRow('target', 'bot')).toBeUndefined();
      expect(await installation.targetSecret(`${own.split('/').at(-1)}/bot`)).toBeUndefined();
    });

    it('shows nobody where the credential is', async () => {
      await prepare(installation, under(own));
      const functions = deployed(own);
      const { body } = await functions.admin({ method: 'GET', path: '/v1/admin/targets/bot' });
      expect(JSON.stringify(body)).not.toContain(prefixOf(own));
      // A PUT that changes nothing writes nothing.
      await put(functions, {});
      expect(await installation.catalogRow('target', 'bot')).toMatchObject({ version: 1 });
    });
  });
}
