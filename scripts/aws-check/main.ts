/**
 * Checks in a deployed installation what only AWS can show, and prints a table: `npm run aws-check`. It makes one dynamic secret and
 * a lease or two of it, and removes them, also when it is interrupted. The variables that it takes are in settings.ts. Exits with 0
 * (nothing failed, nothing left), 1 (a check failed, or something is or may be left), 2 (not started) or 3 (ended early, nothing
 * left).
 */

import { setTimeout as wait } from 'node:timers/promises';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { fetchOf } from '../../cli/fetch.ts';
import { newRunId } from '../live-check/ledger.ts';
import { signedAsk } from './ask.ts';
import { awsReads } from './aws.ts';
import { awsCheck } from './start.ts';

const stop = new AbortController();
const quit = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) {
      console.error('aws-check: ends the cleanup; look for LEFT below');
      quit.abort();
      return;
    }
    console.error('aws-check: checks no more, and removes what it made; once more ends that, too');
    stop.abort();
  });
}

const { env } = process;
const fetch = await fetchOf(env);
process.exitCode = await awsCheck({
  env,
  args: process.argv.slice(2),
  runId: newRunId(),
  nowMs: Date.now,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
  stop: stop.signal,
  quit: quit.signal,
  askAs: ({ endpoint, region }, profile) =>
    signedAsk({ endpoint, region, fetch, credentials: defaultProvider(profile === undefined ? {} : { profile }) }),
  readsOf: ({ region }, stack) =>
    awsReads(stack, {
      cloudFormation: new CloudFormationClient({ region }),
      cloudWatch: new CloudWatchClient({ region }),
      streams: new DynamoDBStreamsClient({ region }),
    }),
  print: (text) => console.log(text),
  tell: (text) => console.error(text),
});
