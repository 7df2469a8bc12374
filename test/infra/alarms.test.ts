import { Duration } from 'aws-cdk-lib';
import * as sns from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AlarmRules, alarmRulesOf, type Ring, ringsOf, type Sample } from './alarm-arithmetic.ts';
import { type Day, eachMinute, FUNCTIONS, samplesOf } from './alarm-days.ts';
import { workOut } from './metric-math.ts';
import { SYNTH_TIMEOUT_MS, stackWith, templateOf } from './synthesized.ts';

const MINUTES = 1_440;
/** The fault of each test. */
const FROM = 600;
const UNTIL = 720;
const INTERVALS_SECONDS = [60, 300, 3_600] as const;

const rulesAt = new Map<number, readonly AlarmRules[]>();

beforeAll(() => {
  for (const seconds of INTERVALS_SECONDS) {
    const { stack } = stackWith();
    const alarmTopic = sns.Topic.fromTopicArn(stack, 'Topic', 'arn:aws:sns:eu-west-1:111122223333:ops');
    const template = templateOf(stackWith({ alarmTopic, sweepInterval: Duration.seconds(seconds) }).stack);
    rulesAt.set(seconds, alarmRulesOf(template, 'HubleaseObservability'));
  }
}, SYNTH_TIMEOUT_MS);

/** Which alarms ring on that day, and when. */
function ringsOn(day: Partial<Day>): Readonly<Record<string, readonly Ring[]>> {
  const whole: Day = { minutes: MINUTES, sweepIntervalSeconds: 300, ...day };
  const samples = samplesOf(whole);
  const rules = rulesAt.get(whole.sweepIntervalSeconds) ?? [];
  const rings = rules.map((alarm) => [alarm.name, ringsOf(alarm, samples, whole.minutes)] as const);
  return Object.fromEntries(rings.filter(([, of]) => of.length > 0));
}

const isFault = (minute: number) => minute >= FROM && minute < UNTIL;
const during = (metric: string, value: number, everyMinutes = 1, of?: string): readonly Sample[] =>
  eachMinute(FROM, UNTIL, () => value, of === undefined ? { metric } : { metric, of }, everyMinutes);
const once = (metric: string, value = 1, of?: string): readonly Sample[] => [
  { metric, ...(of !== undefined && { of }), atSeconds: FROM * 60, value },
];
/** As many failed mints as there were mints. */
const failedMints = during('MintsFailed', 1).flatMap((sample) => Array<Sample>(6).fill(sample));
const sweepsWrite = (values: Record<string, number>) => (minute: number) => (isFault(minute) ? values : {});

interface Fault {
  readonly day: Partial<Day>;
  /** Alarms that ring, from when on at the latest, and for how long after the fault: in minutes. */
  readonly rings: Readonly<Record<string, readonly [withinMinutes: number, lingersMinutes: number]>>;
}

/** They last for two hours. */
const LASTING: Readonly<Record<string, Fault>> = {
  'errors that nobody expected': { day: { more: during('InternalErrors', 1, 3) }, rings: { InternalErrors: [3, 6] } },
  'a broker that cannot start': {
    day: {
      isMintless: isFault,
      more: [...during('Errors', 3, 1, 'HubleaseBrokerFunction'), ...during('GatewayFailures', 1)],
    },
    rings: { FunctionErrors: [3, 6], GatewayFailures: [3, 6] },
  },
  'a gateway that may not call the functions': {
    day: { isMintless: isFault, more: during('GatewayFailures', 1) },
    rings: { GatewayFailures: [3, 6] },
  },
  'a revoker that runs out of time': {
    day: { more: during('Errors', 1, 2, 'HubleaseRevokerFunction') },
    rings: { FunctionErrors: [3, 6] },
  },
  'a Docker Hub that is down': {
    day: {
      isMintless: isFault,
      perSweep: (minute) =>
        isFault(minute)
          ? { ListingsUnusable: 1, ...(minute > FROM + 20 && { OverdueSeconds: 900, StuckRevocations: 5 }) }
          : {},
      more: [...failedMints, ...during('RevokeFailures', 9), ...during('HubErrors', 9)],
    },
    rings: {
      FailedMints: [8, 10],
      UnusableListings: [15, 20],
      OverdueLeases: [30, 15],
      StuckRevocations: [30, 15],
    },
  },
  'a queue whose messages nobody takes': {
    day: {
      perSweep: sweepsWrite({ OverdueSeconds: 500 }),
      more: eachMinute(FROM, UNTIL, (minute) => (minute - FROM) * 60, {
        metric: 'ApproximateAgeOfOldestMessage',
        of: 'HubleaseRevocationQueue',
      }),
    },
    rings: { QueueAge: [20, 6], OverdueLeases: [10, 15] },
  },
  'a table that throttles': {
    day: { more: during('WriteThrottleEvents', 40, 1, 'LeaseTable') },
    rings: { TableThrottles: [15, 15] },
  },
  'an index that throttles': {
    day: { more: during('WriteThrottleEvents', 40, 1, 'by-day') },
    rings: { TableThrottles: [15, 15] },
  },
  'a key that is disabled': {
    day: {
      isMintless: isFault,
      isSweepLost: isFault,
      perSweep: sweepsWrite({ KeyUnusable: 1 }),
      more: [...failedMints, ...during('Errors', 1, 5, 'HubleaseSweeperFunction')],
    },
    rings: { KeyUnusable: [10, 15], SweepNotRun: [25, 8], FunctionErrors: [3, 6], FailedMints: [8, 10] },
  },
  'audit events that are lost': { day: { more: during('AuditEventsLost', 1, 2) }, rings: { AuditEventsLost: [3, 6] } },
  'a password that was changed': {
    // The pause of ten minutes, then the next sweep.
    day: { more: during('LoginBreakerOpen', 1, 15) },
    rings: { LoginBreakerOpen: [3, 31] },
  },
  'a second factor that was changed': {
    // Ten minutes, the next sweep, a minute, the next sweep.
    day: { more: during('LoginBreakerOpen', 1, 21) },
    rings: { LoginBreakerOpen: [3, 31] },
  },
  'an account that is denied': {
    day: { perSweep: sweepsWrite({ AccountsUnreachable: 1 }) },
    rings: { UnreachableAccounts: [10, 15] },
  },
  'a list that cannot be used': {
    day: { perSweep: sweepsWrite({ ListingsUnusable: 1 }) },
    rings: { UnusableListings: [15, 20] },
  },
  'revocations that are late': {
    day: { perSweep: sweepsWrite({ OverdueSeconds: 121 }) },
    rings: { OverdueLeases: [10, 15] },
  },
  'revocations that keep failing': {
    day: { perSweep: sweepsWrite({ StuckRevocations: 1 }) },
    rings: { StuckRevocations: [10, 15] },
  },
  'sweeps that run out of time': {
    day: { isSweepLost: isFault, more: during('Errors', 1, 5, 'HubleaseSweeperFunction') },
    rings: { FunctionErrors: [3, 6], SweepNotRun: [25, 8] },
  },
  'sweeps that nobody starts': { day: { isSweepStopped: isFault }, rings: { SweepNotRun: [30, 8] } },
  'a lease that is blocked': { day: { more: during('LeasesBlocked', 1, 15) }, rings: { BlockedLeases: [3, 31] } },
  'a stream that lags': {
    day: { more: during('IteratorAge', 4_000_000, 1, 'HubleaseRevokerFunction') },
    rings: { IteratorAge: [3, 6] },
  },
  'a function that is throttled': {
    day: { more: during('Throttles', 2, 1, 'HubleaseBrokerFunction') },
    rings: { Throttles: [3, 6] },
  },
  'clocks that are apart': { day: { more: during('ClockSkewSeconds', 7) }, rings: { ClockSkew: [3, 6] } },
};

/** They happen once. */
const SINGLE: Readonly<Record<string, readonly [metric: string, rings: string, ofQueue?: string]>> = {
  'a lease that was not revoked after all': ['LeasesReopened', 'ReopenedLeases'],
  'a lease that an admin attests': ['LeasesAttested', 'AttestedLeases'],
  'a target that begins to refuse mints': ['TargetsRefused', 'RefusedTargets'],
  'a message of the queue that is set aside': [
    'ApproximateNumberOfMessagesVisible',
    'QueueDeadLetters',
    'QueueDeadLetters',
  ],
  'a job that Scheduler could not deliver': [
    'ApproximateNumberOfMessagesVisible',
    'ScheduleDeadLetters',
    'ScheduleDeadLetters',
  ],
  'a timer that is set aside': ['ApproximateNumberOfMessagesVisible', 'TimerDeadLetters', 'TimerDeadLetters'],
};

describe('on a normal day, from the deployment on', () => {
  it.each(INTERVALS_SECONDS)('no alarm rings, with a sweep every %i s', (sweepIntervalSeconds) => {
    expect(ringsOn({ sweepIntervalSeconds })).toEqual({});
  });

  it('no alarm rings for 502 and 503 that hublease answers on purpose, however many', () => {
    const designed = during('5XXError', 20, 1, 'RestApi');
    expect(ringsOn({ more: designed })).toEqual({});
  });

  it('no alarm rings where all of a few mints fail', () => {
    const few = during('MintsFailed', 1).flatMap((sample) => [sample, sample, sample]);
    expect(ringsOn({ isMintless: isFault, more: few })).toEqual({});
  });
});

describe('a fault that lasts', () => {
  it.each(Object.entries(LASTING))('rings for as long as it does, and in no other alarm: %s', (_, { day, rings }) => {
    const rang = ringsOn(day);
    expect(Object.keys(rang).sort()).toEqual(Object.keys(rings).sort());
    for (const [name, [withinMinutes, lingersMinutes]] of Object.entries(rings)) {
      const [first, ...again] = rang[name] ?? [];
      expect(again, `${name} ends and begins again`).toEqual([]);
      expect(first?.fromMinute, `${name} begins`).toBeGreaterThanOrEqual(FROM);
      expect(first?.fromMinute, `${name} begins`).toBeLessThanOrEqual(FROM + withinMinutes);
      // The last sign of a fault may come some time before its end.
      expect(first?.untilMinute, `${name} ends`).toBeGreaterThanOrEqual(UNTIL);
      expect(first?.untilMinute, `${name} ends`).toBeLessThanOrEqual(UNTIL + lingersMinutes);
    }
  });
});

describe('a fault that happens once', () => {
  it.each(Object.entries(SINGLE))('rings once, and in no other alarm: %s', (_, [metric, name, of]) => {
    const rang = ringsOn({ more: once(metric, 1, of) });
    expect(Object.keys(rang)).toEqual([name]);
    expect(rang[name]).toHaveLength(1);
  });
});

describe('the faults', () => {
  it('ring every alarm that there is', () => {
    const rung = [
      ...Object.values(LASTING).flatMap(({ rings }) => Object.keys(rings)),
      ...Object.values(SINGLE).map(([, name]) => name),
    ];
    const all = (rulesAt.get(300) ?? []).map(({ name }) => name);
    expect([...new Set(rung)].sort()).toEqual([...all].sort());
  });

  it('ring the alarm on crashes whichever function crashes', () => {
    for (const name of FUNCTIONS) {
      expect(Object.keys(ringsOn({ more: once('Errors', 1, `Hublease${name}Function`) }))).toEqual(['FunctionErrors']);
    }
  });
});

describe('the arithmetic of the alarms', () => {
  it.each([
    ['FILL(SUM(METRICS()), 0)', { a: undefined, b: 2 }, 2],
    ['FILL(SUM(METRICS()), 0)', { a: undefined, b: undefined }, 0],
    ['FILL(a, 0) + 0 * b', { a: undefined, b: 1 }, 0],
    ['FILL(a, 0) + 0 * b', { a: 1, b: undefined }, undefined],
    ['IF(a >= 20, 100 * b, 0)', { a: 20, b: 0.5 }, 50],
    ['IF(a >= 20, 100 * b, 0)', { a: 19, b: 1 }, 0],
    ['IF(a >= 20, 100 * b, 0)', { a: undefined, b: undefined }, undefined],
  ])('works %s out as CloudWatch does, with %o', (expression, points, value) => {
    expect(workOut(expression, points)).toBe(value);
  });
});
