import { describe, expect, it } from 'vitest';
import { type Installation, PLATFORM_ARN } from './installation.ts';
import { INVENTORIED, inventoryOf } from './inventory.ts';

/** Tests that the template's resources exist. */
export function deploymentTests(installation: () => Installation): void {
  describe('the deployment', () => {
    it('creates every resource of the template', async () => {
      const { synthesized, stack } = installation();
      const wanted = Object.keys(synthesized.template.Resources);
      const resources = await stack.resources();
      expect(resources.map(({ LogicalResourceId }) => LogicalResourceId).sort()).toEqual(wanted.sort());
      expect(resources.filter((each) => each.ResourceStatus !== 'CREATE_COMPLETE')).toEqual([]);
      expect(resources.filter((each) => !each.PhysicalResourceId)).toEqual([]);
      expect(wanted.length).toBeGreaterThan(100);
    });

    it.each(INVENTORIED)('finds each %s of the stack in the service itself', async (type) => {
      const resources = await installation().stack.resources();
      const made = resources.filter(({ ResourceType }) => ResourceType === type);
      expect(made.length).toBeGreaterThan(0);
      expect(await inventoryOf(type, installation())).toEqual(
        expect.arrayContaining(made.map(({ PhysicalResourceId }) => PhysicalResourceId)),
      );
    });

    it('answers admin routes and caller routes', async () => {
      const { body } = await installation().as(PLATFORM_ARN).call('whoami');
      expect(body).toMatchObject({ caller: { arn: 'arn:aws:iam::000000000000:role/platform' } });
      const { body: secrets } = await installation().as(PLATFORM_ARN).call('listSecrets');
      expect(secrets.items.map(({ name }) => name)).toEqual(['declared/release']);
    });
  });
}
