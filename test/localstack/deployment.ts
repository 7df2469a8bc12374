import { describe, expect, it } from 'vitest';
import type { Installation } from './installation.ts';

/** The tests of what CloudFormation has made. */
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
  });
}
