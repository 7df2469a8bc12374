import { afterAll, beforeAll, describe } from 'vitest';
import { functionSecrets } from '../secrets/functions.ts';
import { declaredCatalog } from './declared-catalog.ts';
import { type Aws, findAws, START_TIMEOUT_MS } from './installation.ts';
import { leaseLife } from './lease-life.ts';
import { revocationTriggers } from './revocation-triggers.ts';
import { startedFunctions } from './started-functions.ts';

const tier = findAws();

// The servers take longer to start than most of these take to run, so all share them; each test has an installation of its own.
describe.skipIf(tier === undefined)('with the real adapters', () => {
  let aws: Aws;
  beforeAll(async () => {
    aws = (await tier?.start()) as Aws;
  }, START_TIMEOUT_MS);
  afterAll(() => aws?.close());

  leaseLife(() => aws);
  revocationTriggers(() => aws);
  declaredCatalog(() => aws);
  startedFunctions(() => aws);
  functionSecrets(() => aws);
});
