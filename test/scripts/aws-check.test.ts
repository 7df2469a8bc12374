import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../scripts/aws-check/catalog.ts';
import { adminDenied, callerId, foreignDenied } from '../../scripts/aws-check/checks/accounts.ts';
import { alarmsWired } from '../../scripts/aws-check/checks/alarms.ts';
import { mint } from '../../scripts/aws-check/checks/mint.ts';
import { jobRan, onTime } from '../../scripts/aws-check/checks/on-time.ts';
import { paths } from '../../scripts/aws-check/checks/paths.ts';
import { timerArrived } from '../../scripts/aws-check/checks/timer.ts';
import { resourceOf } from '../../scripts/aws-check/run.ts';
import { resourcesOf, SYNTH_TIMEOUT_MS, stackWith, templateOf } from '../infra/synthesized.ts';
import { ACCESS_DENIED, alarm, asks, clientsOf, NOW_MS, reply, runWith, SECRET, STACK } from './aws-check-run.ts';

const TOKEN = 'dckr_pat_canaryCanaryCanaryCanary0';
const LEASED = { id: '01KA5ZQ3V4E9M7X2C8R1T6W0YB', expiresAtMs: NOW_MS + 60_000 };
const lease = (status: string, more = {}) => reply(200, { lease: { id: LEASED.id, status, ...more } });
const minted = (password: string) =>
  reply(201, {
    lease: { id: LEASED.id, expiresAt: '2026-11-28T12:01:00.000Z', ttlSeconds: 60 },
    credential: { username: 'acme-bot', password },
  });

describe('the check of a mint', () => {
  it('passes where a token came, and hides the token', async () => {
    const run = runWith({ admin: asks({ POST: minted(TOKEN) }) });
    const { finding, leased } = await mint(run);
    expect(finding).toEqual({ verdict: 'passed', detail: '201 after 0.0 s, for 60 s.' });
    expect(leased).toEqual(LEASED);
    expect(run.secrets.hide(TOKEN)).not.toContain('canary');
  });

  it('fails with the status where none came, and where the token has no form of Docker Hub', async () => {
    const denied = await mint(runWith({ admin: asks({ POST: ACCESS_DENIED }) }));
    expect(denied.finding).toEqual({ verdict: 'failed', detail: 'The mint answered 403 access_denied.' });
    expect((await mint(runWith({ admin: asks({ POST: minted('') }) }))).finding.verdict).toBe('failed');
  });
});

describe('the check of paths', () => {
  it('passes where every other spelling is refused', async () => {
    const admin = asks({ POST: reply(400, { code: 'path_not_canonical' }) });
    const finding = await paths(runWith({ admin }));
    expect(finding.verdict).toBe('passed');
    expect(finding.detail).toContain('/lease/aws-check%2FRUN: 400 path_not_canonical');
    expect(admin.asked).not.toContain(`POST /lease/${SECRET}`);
    expect(new Set(admin.asked).size).toBe(7);
  });

  it('shows nothing where one was not even accepted as signed', async () => {
    const admin = asks({ POST: reply(404), [`POST /lease/${SECRET}/`]: reply(403, { code: 'signature_mismatch' }) });
    expect((await paths(runWith({ admin }))).verdict).toBe('not shown');
  });

  it.each([
    ['mints under it', minted(TOKEN)],
    ['breaks on it', reply(502, { message: 'Internal server error' })],
    ['is throttled, so that nothing looked at the path', reply(429, { code: 'throttled' })],
  ])('fails where one %s', async (_, answer) => {
    const admin = asks({ POST: reply(404), [`POST /lease/${SECRET.replace('/', '%2F')}`]: answer });
    const { verdict, detail } = await paths(runWith({ admin }));
    expect(verdict).toBe('failed');
    expect(detail).toBe(
      `Not refused as they should be: /lease/aws-check%2FRUN: ${answer.status}${codeOf(answer.body)}.`,
    );
  });
});

function codeOf(body: unknown): string {
  const { code } = body as { code?: string };
  return code === undefined ? '' : ` ${code}`;
}

describe('the check of a foreign account', () => {
  it('passes where API Gateway itself denies every route', async () => {
    const foreign = asks({ GET: ACCESS_DENIED, POST: ACCESS_DENIED });
    expect((await foreignDenied(runWith({ foreign }))).verdict).toBe('passed');
    expect(foreign.asked).toEqual(['GET /whoami', `POST /lease/${SECRET}`, 'GET /admin/secrets']);
  });

  it('fails where a route answers, also with a denial of the function behind it', async () => {
    const answered = asks({ 'GET /whoami': reply(200, {}), GET: ACCESS_DENIED, POST: ACCESS_DENIED });
    expect((await foreignDenied(runWith({ foreign: answered }))).detail).toContain('GET /whoami answered 200');
    const byFunction = asks({ GET: ACCESS_DENIED, POST: reply(403, { code: 'not_allowed' }) });
    expect((await foreignDenied(runWith({ foreign: byFunction }))).verdict).toBe('failed');
  });

  it('shows nothing without such an account', async () => {
    expect((await foreignDenied(runWith())).verdict).toBe('not shown');
  });
});

describe('the check of admin routes across accounts', () => {
  const whoami = { 'GET /whoami': reply(200, { caller: {} }) };

  it('passes where the consumer is answered and its admin requests are denied', async () => {
    const consumer = asks({ ...whoami, GET: ACCESS_DENIED, DELETE: ACCESS_DENIED });
    expect((await adminDenied(runWith({ consumer }))).verdict).toBe('passed');
  });

  it('fails where one admin request is answered', async () => {
    const consumer = asks({
      ...whoami,
      GET: ACCESS_DENIED,
      'GET /admin/leases': reply(200, { items: [] }),
      DELETE: ACCESS_DENIED,
    });
    expect((await adminDenied(runWith({ consumer }))).detail).toContain('GET /admin/leases answered 200');
  });

  it('shows nothing where the consumer is denied its own routes, too', async () => {
    const consumer = asks({ GET: ACCESS_DENIED, DELETE: ACCESS_DENIED });
    expect((await adminDenied(runWith({ consumer }))).verdict).toBe('not shown');
    expect((await adminDenied(runWith())).verdict).toBe('not shown');
  });
});

describe("the check of the caller's id", () => {
  const named = (caller: unknown) => asks({ GET: reply(200, { caller }) });

  it('passes where both accounts show one', async () => {
    const run = runWith({
      admin: named({ id: 'AROAEXAMPLEADMIN00001' }),
      consumer: named({ id: 'AIDAEXAMPLEOTHER00001' }),
    });
    expect(await callerId(run)).toEqual({
      verdict: 'passed',
      detail: 'AROA… within the account, AIDA… across accounts.',
    });
  });

  it('fails where the id is lost across accounts, or has another form', async () => {
    const admin = named({ id: 'AROAEXAMPLEADMIN00001' });
    expect((await callerId(runWith({ admin, consumer: named({}) }))).verdict).toBe('failed');
    expect((await callerId(runWith({ admin, consumer: named({ id: '444455556666' }) }))).verdict).toBe('failed');
  });

  it('shows nothing where whoami has no id, or there is no other account', async () => {
    expect((await callerId(runWith({ admin: named({}) }))).verdict).toBe('not shown');
    expect((await callerId(runWith({ admin: named({ id: 'AROAEXAMPLEADMIN00001' }) }))).verdict).toBe('not shown');
  });
});

describe('the check of the end on time', () => {
  it('passes with the delay and the evidence', async () => {
    const answers = [lease('active'), lease('revoking'), REVOKED(3_000)];
    const run = runWith({ admin: asks({ GET: () => answers.shift() ?? REVOKED(3_000) }) });
    expect(await onTime(run, LEASED)).toEqual({
      verdict: 'passed',
      detail: 'Revoked 3 s after its end; evidence "deleted".',
    });
  });

  it('fails where it ended later than promised, or not at all', async () => {
    const late = await onTime(runWith({ admin: asks({ GET: REVOKED(121_000) }) }), LEASED);
    expect(late.verdict).toBe('failed');
    expect(late.detail).toContain('The promise is 2 min');
    const never = runWith({ admin: asks({ GET: lease('revoking') }) });
    expect((await onTime(never, LEASED)).detail).toBe('5 min after its end the lease is "revoking".');
    expect(never.waitedMs()).toBe(360_000);
  });
});

const REVOKED = (lateMs: number) =>
  lease('revoked', { revokedAt: new Date(LEASED.expiresAtMs + lateMs).toISOString(), evidence: { kind: 'deleted' } });

/** CloudWatch API reference, GetMetricStatistics. */
const datapoints = (values: Readonly<Record<string, number>>) => (input: Record<string, unknown>) => {
  const value = values[input.MetricName as string];
  const [statistic = ''] = input.Statistics as string[];
  const Timestamp = input.EndTime as Date;
  return {
    Label: input.MetricName,
    Datapoints: value === undefined ? [] : [{ Timestamp, [statistic]: value, Unit: 'Count' }],
  };
};

describe("the check of Scheduler's job", () => {
  const job = (metrics: Readonly<Record<string, number>>) =>
    jobRan(
      runWith({ clients: clientsOf({ ListStackResources: STACK, GetMetricStatistics: datapoints(metrics) }) }),
      LEASED,
    );

  it('passes where CloudWatch counts a delivery and no error', async () => {
    expect((await job({ InvocationAttemptCount: 1, TargetErrorCount: 0 })).verdict).toBe('passed');
  });

  it('fails where deliveries met errors or were dropped', async () => {
    expect((await job({ InvocationAttemptCount: 3, TargetErrorCount: 3 })).verdict).toBe('failed');
    expect((await job({ InvocationDroppedCount: 1 })).verdict).toBe('failed');
  });

  it('shows nothing where CloudWatch has no value, or there is no stack to look at', async () => {
    expect((await job({})).verdict).toBe('not shown');
    expect((await jobRan(runWith(), LEASED)).verdict).toBe('not shown');
  });

  it("asks for the schedule group's own metric, from the minute before the lease's end", async () => {
    const inputs: Record<string, unknown>[] = [];
    const GetMetricStatistics = (input: Record<string, unknown>) => {
      inputs.push(input);
      return datapoints({ InvocationAttemptCount: 1 })(input);
    };
    await jobRan(runWith({ clients: clientsOf({ ListStackResources: STACK, GetMetricStatistics }) }), LEASED);
    expect(inputs[0]).toMatchObject({
      Namespace: 'AWS/Scheduler',
      Dimensions: [{ Name: 'ScheduleGroup', Value: 'Hublease-group' }],
      StartTime: new Date(NOW_MS),
    });
  });
});

describe("the check of a timer's record", () => {
  /** DynamoDB API reference, Streams, Record; DynamoDB Developer Guide, "DynamoDB Streams and Time to Live". */
  const removed = (userIdentity?: unknown) => ({
    eventID: 'c4ca4238a0b923820dcc509a6f75849b',
    eventName: 'REMOVE',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'us-east-1',
    dynamodb: {
      ApproximateCreationDateTime: new Date(NOW_MS - 3_600_000),
      Keys: { leaseId: { S: LEASED.id }, row: { S: 'timer' } },
      SequenceNumber: '4421584500000000017450439091',
      SizeBytes: 112,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    ...(userIdentity !== undefined && { userIdentity }),
  });
  const BY_DYNAMODB = removed({ PrincipalId: 'dynamodb.amazonaws.com', Type: 'Service' });
  const put = { ...removed(), eventName: 'INSERT' };
  const lost = {
    ...BY_DYNAMODB,
    dynamodb: { ...BY_DYNAMODB.dynamodb, Keys: { leaseId: { S: LEASED.id }, row: { S: 'lease' } } },
  };

  /** One closed shard, and an open one whose records come page by page; `later` come with a later look. */
  const timer = (
    pages: readonly unknown[][],
    metrics: Readonly<Record<string, number>>,
    later: readonly unknown[] = [],
  ) => {
    const inputs: Record<string, unknown>[] = [];
    const GetRecords = ({ ShardIterator }: Record<string, unknown>) => {
      const [shard, page] = String(ShardIterator).split(':');
      if (shard === 'closed') return { Records: [put] };
      const number = Number(page);
      const Records = pages[number] ?? (number === pages.length + 6 ? later : []);
      return { Records, NextShardIterator: `open:${number + 1}` };
    };
    const clients = clientsOf({
      ListStackResources: STACK,
      ListStreams: {
        Streams: [{ StreamArn: 'arn:stream', TableName: 'Hublease-LeaseTable-1A2B', StreamLabel: '2026' }],
      },
      DescribeStream: ({ ExclusiveStartShardId }: Record<string, unknown>) => ({
        StreamDescription:
          ExclusiveStartShardId === undefined
            ? { Shards: [{ ShardId: 'closed' }], LastEvaluatedShardId: 'closed' }
            : { Shards: [{ ShardId: 'open' }] },
      }),
      GetShardIterator: (input: Record<string, unknown>) => {
        inputs.push(input);
        return { ShardIterator: `${input.ShardId}:0` };
      },
      GetRecords,
      GetMetricStatistics: datapoints(metrics),
    });
    return { run: runWith({ clients }), inputs };
  };

  it('passes where DynamoDB deleted a timer and the stream has started the revoker since', async () => {
    const { run, inputs } = timer([[], [put, lost, BY_DYNAMODB]], { IteratorAge: 4 });
    expect(await timerArrived(run)).toMatchObject({ verdict: 'passed' });
    expect(inputs).toEqual([
      { StreamArn: 'arn:stream', ShardId: 'closed', ShardIteratorType: 'TRIM_HORIZON' },
      { StreamArn: 'arn:stream', ShardId: 'open', ShardIteratorType: 'TRIM_HORIZON' },
    ]);
  });

  it('reads on where it stopped, so that a record of a later look counts', async () => {
    const { run, inputs } = timer([[put]], { IteratorAge: 1 }, [BY_DYNAMODB]);
    expect(await timerArrived(run)).toMatchObject({ verdict: 'passed' });
    expect(inputs).toHaveLength(2);
    expect(run.waitedMs()).toBeGreaterThan(0);
  });

  it('fails where the record came and the revoker was not started for it', async () => {
    expect(await timerArrived(timer([[BY_DYNAMODB]], {}).run)).toMatchObject({ verdict: 'failed' });
  });

  it('fails where a timer was deleted and the record does not name DynamoDB as hublease expects it', async () => {
    expect(await timerArrived(timer([[removed()]], { IteratorAge: 1 }).run)).toMatchObject({ verdict: 'failed' });
    const other = removed({ PrincipalId: 'replication.dynamodb.amazonaws.com', Type: 'Service' });
    expect(await timerArrived(timer([[other]], { IteratorAge: 1 }).run)).toMatchObject({ verdict: 'failed' });
  });

  it('shows nothing where DynamoDB has deleted none yet', async () => {
    const { run } = timer([[put]], {});
    expect(await timerArrived(run)).toMatchObject({ verdict: 'not shown' });
    expect(run.waitedMs()).toBe(60_000);
    expect((await timerArrived(runWith())).verdict).toBe('not shown');
  });
});

describe('the check of alarms', () => {
  const alarms = (overdue: Readonly<Record<string, unknown>>) =>
    alarmsWired(
      runWith({
        clients: clientsOf({
          ListStackResources: STACK,
          DescribeAlarms: ({ AlarmNames }: Record<string, unknown>) => ({
            MetricAlarms: (AlarmNames as string[]).map((name) => alarm(name, name.includes('Overdue') ? overdue : {})),
            CompositeAlarms: [],
          }),
        }),
      }),
    );

  it('passes where each has an action and data, and is quiet', async () => {
    expect(await alarms({})).toEqual({
      verdict: 'passed',
      detail: '2 alarms have an action, have data, and none is in state ALARM.',
    });
  });

  it.each([
    ['has no action', { AlarmActions: [] }, '1 of 2 notify nobody: OverdueLeases'],
    ['has its actions off', { ActionsEnabled: false }, '1 of 2 notify nobody: OverdueLeases'],
    [
      'has no data though missing data would be good',
      { StateValue: 'INSUFFICIENT_DATA' },
      'without data: OverdueLeases',
    ],
    ['rings', { StateValue: 'ALARM' }, 'in state ALARM: OverdueLeases'],
  ])('fails where one %s', async (_, changes, text) => {
    expect(await alarms(changes)).toEqual({ verdict: 'failed', detail: `Alarms ${text}.` });
  });

  it.each([
    ['was changed a moment ago', { AlarmConfigurationUpdatedTimestamp: new Date(NOW_MS - 60_000) }],
    ['reports missing data as missing', { TreatMissingData: 'missing' }],
    ['keeps its state while data is missing', { TreatMissingData: 'ignore' }],
  ])('passes where one without data %s', async (_, changes) => {
    expect((await alarms({ StateValue: 'INSUFFICIENT_DATA', ...changes })).verdict).toBe('passed');
  });

  it('fails where an alarm of the stack is gone, or the stack has none', async () => {
    const gone = clientsOf({
      ListStackResources: STACK,
      DescribeAlarms: { MetricAlarms: [alarm('Hublease-Sweep-9C0D')] },
    });
    expect((await alarmsWired(runWith({ clients: gone }))).detail).toBe('Alarms no longer there: OverdueLeases.');
    const none = clientsOf({ ListStackResources: { StackResourceSummaries: [] } });
    expect((await alarmsWired(runWith({ clients: none }))).detail).toBe('The stack has no alarms.');
    expect((await alarmsWired(runWith())).verdict).toBe('not shown');
  });
});

describe('docs/deploy.md', () => {
  it('says of every check where it was run', () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/deploy.md'), 'utf8');
    const section = page.slice(page.indexOf('## What was tested'), page.indexOf('## Consumers in other accounts'));
    const rows = [...section.matchAll(/^\| (.+?) \| .* \| (.+?) \|$/gm)].map(([, check = '']) =>
      check.replaceAll('`', ''),
    );
    expect(rows.slice(2)).toEqual(Object.values(CHECKS));
  });
});

describe('what is looked up in the stack', () => {
  it('finds each resource by its construct in the synthesized stack', { timeout: SYNTH_TIMEOUT_MS }, () => {
    const template = templateOf(stackWith().stack);
    for (const [type, construct] of [
      ['AWS::DynamoDB::Table', 'LeaseTable'],
      ['AWS::Lambda::Function', 'RevokerFunction'],
      ['AWS::Scheduler::ScheduleGroup', 'ScheduleGroup'],
    ] as const) {
      const all = Object.keys(resourcesOf(template, type)).map((logicalId) => ({
        logicalId,
        type,
        physicalId: logicalId,
      }));
      expect(
        all.filter((each) => resourceOf([each], type, construct) !== undefined),
        construct,
      ).toHaveLength(1);
    }
  });
});
