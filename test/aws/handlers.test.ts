import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FunctionName } from '../../functions/env.ts';
import { functionSecrets } from '../secrets/functions.ts';
import { declaredCatalog } from './declared-catalog.ts';
import { everyRequest } from './every-request.ts';
import { formerKeys } from './former-keys.ts';
import { type CallRecord, type FunctionCalls, recordFunctionCalls } from './function-calls.ts';
import { type Aws, findAws, START_TIMEOUT_MS } from './installation.ts';
import { leaseLife } from './lease-life.ts';
import { revocationTriggers } from './revocation-triggers.ts';
import { startedFunctions } from './started-functions.ts';

const CALLS_FILE = new URL('../infra/function-calls.json', import.meta.url);
const tier = findAws();

// The servers take longer to start than most of these take to run, so all share them; each test has an installation of its own.
describe.skipIf(tier === undefined)('with the real adapters', () => {
  let aws: Aws;
  let record: CallRecord;
  beforeAll(async () => {
    aws = (await tier?.start()) as Aws;
    record = recordFunctionCalls();
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    record?.stop();
    await aws?.close();
  });

  leaseLife(() => aws);
  revocationTriggers(() => aws);
  declaredCatalog(() => aws);
  startedFunctions(() => aws);
  formerKeys(() => aws);
  functionSecrets(() => aws);
  everyRequest(() => aws);

  // Last, because it is about all the others.
  it('each function calls AWS as test/infra/function-calls.json says, by which its policy is tested', () => {
    const made = record.calls();
    if (process.env.HUBLEASE_RECORD_CALLS === '1') writeFileSync(CALLS_FILE, `${JSON.stringify(made, null, 2)}\n`);
    const listed = JSON.parse(readFileSync(CALLS_FILE, 'utf8')) as FunctionCalls;
    for (const [name, calls] of Object.entries(made)) {
      const missing = calls.filter((call) => listed[name as FunctionName]?.includes(call) !== true);
      expect(missing, `${name}: HUBLEASE_RECORD_CALLS=1 npm test -- test/aws/handlers.test.ts adds them`).toEqual([]);
    }
  });
});
