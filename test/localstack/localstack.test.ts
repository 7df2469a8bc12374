import { afterAll, beforeAll, describe } from 'vitest';
import { catalogTests } from './catalog.ts';
import { deploymentTests } from './deployment.ts';
import { type Installation, install } from './installation.ts';
import { lifecycleTests } from './lifecycle.ts';
import { findLocalstackPython } from './needs.ts';
import { storyTests } from './story.ts';
import { triggerTests } from './triggers.ts';
import { openWorld, type World } from './world.ts';

const python = findLocalstackPython();

/** Some 35 s on two idle cores. */
const MAX_DEPLOYMENT_MS = 300_000;
const MAX_CLOSING_MS = 30_000;

/** One stack for all of it, from its creation to its deletion: the order counts. */
describe.skipIf(python === undefined)('the whole stack, deployed', () => {
  let world: World | undefined;
  let installation: Installation;

  beforeAll(async () => {
    world = await openWorld(python as string);
    installation = await install(world);
  }, MAX_DEPLOYMENT_MS);
  afterAll(() => world?.close(), MAX_CLOSING_MS);

  deploymentTests(() => installation);
  catalogTests(() => installation);
  storyTests(() => installation);
  triggerTests(() => installation);
  lifecycleTests(() => installation);
});
