import { describe, expect, it } from 'vitest';
import { DECLARED } from './app.ts';
import { OWNERS_ACCOUNT } from './hub.ts';
import { CI_ARN, type Installation, PLATFORM_ARN } from './installation.ts';
import { inventoryOf } from './inventory.ts';

/** Tests the declared target and secret. CDK's provider framework calls the custom resource's function for each. */
export function catalogTests(installation: () => Installation): void {
  describe('what the stack declares', () => {
    it('includes a target, whose credential was proven by a login and was not copied', async () => {
      const { as, hub } = installation();
      const { target } = (await as(PLATFORM_ARN).call('getTarget', { name: DECLARED.target })).body;
      expect(target).toMatchObject({ status: 'ready', managedBy: 'cdk', username: OWNERS_ACCOUNT.username });
      expect(hub.control.calls().logins[OWNERS_ACCOUNT.username]).toEqual({ succeeded: 1, failed: 0 });
      const secrets = await inventoryOf('AWS::SecretsManager::Secret', installation());
      // The names of hublease's own copies end in the name of the target.
      expect(secrets.filter((arn) => /\/declared-[A-Za-z0-9]{6}$/.test(String(arn)))).toEqual([]);
    });

    it('includes a secret, which the granted role can lease from with the TTL of the template', async () => {
      const { as, buildArn } = installation();
      const { body } = await as(buildArn).call('mintLease', { name: DECLARED.secret });
      expect(body.lease).toMatchObject({ status: 'active', ttlSeconds: 600 });
      const revoked = await as(buildArn).call('revokeLease', { name: body.lease.id });
      expect(revoked.body.lease.status).toBe('revoked');
    });

    it('cannot be leased by another role', async () => {
      const refused = { problem: { status: 403, code: 'caller_not_allowed' } };
      await expect(installation().as(CI_ARN).call('mintLease', { name: DECLARED.secret })).rejects.toMatchObject(
        refused,
      );
    });

    it('cannot be changed through the API', async () => {
      const refused = { problem: { status: 409, code: 'managed_by_cdk' } };
      const { as } = installation();
      await expect(as(PLATFORM_ARN).call('deleteSecret', { name: DECLARED.secret })).rejects.toMatchObject(refused);
      await expect(as(PLATFORM_ARN).call('deleteTarget', { name: DECLARED.target })).rejects.toMatchObject(refused);
    });
  });
}
