import type { Sample } from './alarm-arithmetic.ts';

/** What happens on a day, beside what always does. */
export interface Day {
  readonly minutes: number;
  readonly sweepIntervalSeconds: number;
  /** Sweeps that are started, and come to no end. */
  readonly isSweepLost?: (atMinute: number) => boolean;
  /** Sweeps that are not even started. */
  readonly isSweepStopped?: (atMinute: number) => boolean;
  /** Minutes in which no mint is answered. */
  readonly isMintless?: (atMinute: number) => boolean;
  /** What a sweep writes besides. */
  readonly perSweep?: (atMinute: number) => Readonly<Record<string, number>>;
  readonly more?: readonly Sample[];
}

export const FUNCTIONS = ['Broker', 'Admin', 'Revoker', 'Sweeper'] as const;
const QUEUES = ['QueueDeadLetters', 'ScheduleDeadLetters', 'TimerDeadLetters'] as const;

/** Numbers from 0 to 1 that are always the same. */
function numbersOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Every sample of a day from the deployment on. What goes wrong in normal running goes wrong here too. */
export function samplesOf(day: Day): readonly Sample[] {
  return [...sweepsOf(day), ...mintsOf(day), ...servicesOf(day), ...(day.more ?? [])];
}

/** A value for each minute of a span. */
export function eachMinute(
  fromMinute: number,
  untilMinute: number,
  value: (minute: number) => number,
  metric: Pick<Sample, 'metric' | 'of'>,
  everyMinutes = 1,
): readonly Sample[] {
  const samples: Sample[] = [];
  for (let minute = fromMinute; minute < untilMinute; minute += everyMinutes) {
    samples.push({ ...metric, atSeconds: minute * 60 + 13, value: value(minute) });
  }
  return samples;
}

/** Starts that come up to 20 s late, and sweeps that take from 3 s to the four minutes that they may. */
function sweepsOf(day: Day): readonly Sample[] {
  const next = numbersOf(7);
  const samples: Sample[] = [];
  const { minutes, sweepIntervalSeconds } = day;
  for (let dueSeconds = sweepIntervalSeconds; dueSeconds < minutes * 60; dueSeconds += sweepIntervalSeconds) {
    const atSeconds = Math.floor(dueSeconds + next() * 20);
    const atMinute = Math.floor(atSeconds / 60);
    const tookSeconds = Math.floor(3 + next() ** 3 * 237);
    if (day.isSweepStopped?.(atMinute)) continue;
    samples.push({ metric: 'Invocations', of: 'SweepSchedule', atSeconds, value: 1 });
    const extra = day.perSweep?.(atMinute) ?? {};
    // A deployment cuts one sweep off.
    const isCutOff = Math.abs(dueSeconds - 36_000) < sweepIntervalSeconds / 2;
    const isLost = isCutOff || day.isSweepLost?.(atMinute) === true;
    const ended = { SweepCompleted: 1, LeasesOpen: 40, OverdueSeconds: Math.floor(next() * 119), StuckRevocations: 0 };
    for (const [metric, value] of Object.entries({ ...(isLost ? {} : ended), ...extra })) {
      samples.push({ metric, atSeconds: atSeconds + tookSeconds, value });
    }
  }
  return samples;
}

/** Six mints a minute by day and none at night, of which Docker Hub fails one in twenty. */
function mintsOf(day: Day): readonly Sample[] {
  const samples: Sample[] = [];
  for (let index = 0; index < day.minutes * 6; index++) {
    const atMinute = Math.floor(index / 6);
    if (atMinute % 1_440 > 1_080 || day.isMintless?.(atMinute)) continue;
    samples.push({ metric: 'MintsFailed', atSeconds: index * 10, value: Number(index % 20 === 0) });
    samples.push({ metric: 'LeasesMinted', atSeconds: index * 10, value: 1 });
    // Designed answers, and API Gateway counts them as errors.
    if (index % 20 === 0) samples.push({ metric: '5XXError', of: 'RestApi', atSeconds: index * 10, value: 1 });
  }
  return samples;
}

function servicesOf({ minutes }: Day): readonly Sample[] {
  const next = numbersOf(11);
  const whole = (value: () => number, metric: Pick<Sample, 'metric' | 'of'>) => eachMinute(0, minutes, value, metric);
  return [
    ...FUNCTIONS.flatMap((name) => [
      ...whole(() => 0, { metric: 'Errors', of: `Hublease${name}Function` }),
      ...whole(() => 0, { metric: 'Throttles', of: `Hublease${name}Function` }),
    ]),
    ...whole(() => next() * 5_000, { metric: 'IteratorAge', of: 'HubleaseRevokerFunction' }),
    // Retries wait for up to 15 minutes.
    ...whole(() => next() * 905, { metric: 'ApproximateAgeOfOldestMessage', of: 'HubleaseRevocationQueue' }),
    ...QUEUES.flatMap((name) => whole(() => 0, { metric: 'ApproximateNumberOfMessagesVisible', of: name })),
    // While a table grows, and where one listing met an outage.
    ...eachMinute(300, 304, () => 12, { metric: 'WriteThrottleEvents', of: 'LeaseTable' }),
    { metric: 'ListingsUnusable', atSeconds: 30_000, value: 1 },
  ];
}
