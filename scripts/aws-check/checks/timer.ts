import type { _Record as StreamRecord } from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBRecord } from 'aws-lambda';
import { TIMER_ROW } from '../../../functions/adapters/dynamodb/tables.ts';
import { expiredTimer } from '../../../functions/adapters/dynamodb/ttl-record.ts';
import { duration } from '../../live-check/words.ts';
import { type Finding, failed, notShown, passed } from '../catalog.ts';
import { lookFor } from '../pause.ts';
import { type Run, resourceOf } from '../run.ts';
import { NO_STACK } from './on-time.ts';

const LOOK_EVERY_MS = 15_000;
const METRIC_EVERY_MS = 30_000;
const METRIC_PATIENCE_MS = 600_000;

/**
 * Reads the lease table's stream, which keeps 24 hours, for a timer that DynamoDB deleted at its time to live, whichever lease it is
 * of, and asks CloudWatch whether the revoker was started from the stream since: `IteratorAge` has a value only where it was. The
 * event source's filter may refuse what the stream holds, and only AWS shows what it does with a deletion by time to live.
 */
export async function timerArrived({ aws, clock, patienceMs }: Run): Promise<Finding> {
  if (aws === undefined) return notShown(NO_STACK);
  const resources = await aws.resources();
  const table = resourceOf(resources, 'AWS::DynamoDB::Table', 'LeaseTable');
  const revoker = resourceOf(resources, 'AWS::Lambda::Function', 'RevokerFunction');
  if (table === undefined || revoker === undefined) return failed('The stack has no lease table or no revoker.');
  let strangers = 0;
  const deletedAtMs = await lookFor(
    clock,
    { untilMs: clock.nowMs() + patienceMs, everyMs: LOOK_EVERY_MS },
    async () => {
      const removed = (await aws.newRecords(table.physicalId)).filter(isTimerRemoved);
      const byDynamodb = removed.filter((record) => expiredTimer(asLambdaGets(record)) !== undefined);
      strangers += removed.length - byDynamodb.length;
      return byDynamodb.at(0)?.dynamodb?.ApproximateCreationDateTime?.getTime();
    },
  );
  if (deletedAtMs === undefined) {
    return strangers > 0
      ? failed(`${strangers} timers were deleted, and no record names DynamoDB as hublease expects it.`)
      : notShown(
          `DynamoDB deleted no timer within ${duration(patienceMs)}; it takes up to a few days. Run again later.`,
        );
  }
  const ran = await lookFor(
    clock,
    { untilMs: clock.nowMs() + METRIC_PATIENCE_MS, everyMs: METRIC_EVERY_MS },
    async () => (await aws.metric(startsFromStream(revoker.physicalId), deletedAtMs, clock.nowMs())) || undefined,
  );
  return ran === undefined
    ? failed('DynamoDB deleted a timer, and CloudWatch has no start of the revoker from the stream since.')
    : passed(
        `DynamoDB deleted a timer at ${new Date(deletedAtMs).toISOString()}, and the stream started the revoker since.`,
      );
}

function startsFromStream(functionName: string) {
  return {
    namespace: 'AWS/Lambda',
    name: 'IteratorAge',
    dimensions: { FunctionName: functionName },
    statistic: 'SampleCount',
  } as const;
}

function isTimerRemoved({ eventName, dynamodb }: StreamRecord): boolean {
  return eventName === 'REMOVE' && dynamodb?.Keys?.row?.S === TIMER_ROW;
}

/** The stream's API spells the members of `userIdentity` with capitals, Lambda's events do not. */
function asLambdaGets({ eventName, dynamodb, userIdentity }: StreamRecord): DynamoDBRecord {
  return {
    eventName,
    dynamodb: { Keys: dynamodb?.Keys },
    userIdentity: userIdentity && { type: userIdentity.Type, principalId: userIdentity.PrincipalId },
  } as DynamoDBRecord;
}
