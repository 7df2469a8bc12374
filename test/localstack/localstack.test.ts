import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { catalogTests } from './catalog.ts';
import { deploymentTests } from './deployment.ts';
import { type Installation, install } from './installation.ts';
import { lifecycleTests } from './lifecycle.ts';
import { findLocalstackPython } from './needs.ts';
import { storyTests } from './story.ts';
import { triggerTests } from './triggers.ts';
import { openWorld, type World } from './world.ts';

const python = findLocalstackPython();

/** Two idle cores take about 20 s. */
const MAX_DEPLOYMENT_MS = 300_000;
const MAX_CLOSING_MS = 30_000;

/**
 * The stack of `infra/`, synthesized and deployed on LocalStack without Docker. The functions' real bundles run as Node processes,
 * against the fake Docker Hub behind TLS. All tests share one stack, from its creation to its deletion, so their order matters.
 *
 * LocalStack checks no signatures and enforces no IAM policies, its Scheduler fires no jobs, and it does not apply the templates of
 * gateway responses: these tests do not cover that.
 */
describe.skipIf(python === undefined)('the whole stack, deployed', () => {
  let world: World | undefined;
  let installation: Installation;

  beforeAll(async () => {
    world = await openWorld(python as string);
    installation = await install(world).catch((error) => {
      throw new Error(`${error.message}\n${world?.emulator.log()}`);
    });
  }, MAX_DEPLOYMENT_MS);
  afterAll(() => world?.close(), MAX_CLOSING_MS);
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.error(world?.emulator.log());
  });

  deploymentTests(() => installation);
  catalogTests(() => installation);
  storyTests(() => installation);
  triggerTests(() => installation);
  lifecycleTests(() => installation);
});
