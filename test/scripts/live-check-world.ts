import type { Dispatcher } from 'undici';
import type { FakeFault } from '../../fake-hub/faults.ts';
import { type FakeHub, type FakeHubOptions, type FakeTokenView, startFakeHub } from '../../fake-hub/server.ts';
import { VARIATIONS, type Variation, type VariationName } from '../../fake-hub/variations.ts';
import { hubDispatcher } from '../../functions/adapters/docker-hub/http.ts';
import { liveCheck } from '../../scripts/live-check/start.ts';

export const NOW_MS = Date.UTC(2026, 10, 2, 12, 0, 7);
export const USERNAME = 'throwaway';
export const PASSWORD = 'canary-password-of-the-account';
export const TOTP_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
export const RUN_ID = 'k3x9q2ab';
const ORGANIZATION = 'acme';

export interface WorldOptions {
  readonly variation?: VariationName;
  /** In place of the variation's settings. */
  readonly settings?: Partial<FakeHubOptions>;
  readonly env?: Readonly<Record<string, string>>;
  readonly faults?: readonly FakeFault[];
  /** Decides when faults with a probability strike. */
  readonly seed?: number;
  readonly hasOrganization?: boolean;
  readonly hasSecondFactor?: boolean;
  /** Another user, with the same password. */
  readonly otherAccount?: string;
  /** The stop and the quit signal come with these requests, counted from 1. */
  readonly stopAt?: number;
  readonly quitAt?: number;
  /** The stop signal comes with the first request before which this is so. */
  readonly stopWhen?: (fake: FakeHub) => boolean;
  /** Called before the run; may give further variables. */
  readonly prepare?: (fake: FakeHub) => Promise<Readonly<Record<string, string>>>;
  /** Called before each request. */
  readonly onRequest?: (count: number, fake: FakeHub) => void;
  readonly onTell?: (text: string) => void;
}

export interface ReportedAnswer {
  readonly answer?: string;
  readonly changes?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface Outcome {
  readonly exitCode: number;
  /** Everything that left the process. */
  readonly printed: string;
  readonly told: string;
  readonly files: Readonly<Record<string, string>>;
  /** Each answer of the report by `ABOUT:ID`. */
  readonly answers: Readonly<Record<string, ReportedAnswer>>;
  /** How many requests were sent. */
  readonly requests: number;
  readonly spentMs: number;
  /** Tokens of the run that still log in. */
  readonly live: readonly FakeTokenView[];
  readonly foreign: readonly FakeTokenView[];
  readonly control: FakeHub['control'];
}

/** Runs the live check before a fake, both on one clock that only waiting moves. */
export async function runLiveCheck(options: WorldOptions = {}): Promise<Outcome> {
  const { variation = 'plain' } = options;
  let nowMs = NOW_MS;
  const hasOrganization = options.hasOrganization ?? needOf(variation) === 'organization';
  const hasSecondFactor = options.hasSecondFactor ?? needOf(variation) === 'second-factor';
  const fake = await startFake({ ...options, hasSecondFactor }, variation, () => nowMs);
  const dispatcher = hubDispatcher();
  const end = async () => {
    await dispatcher.destroy();
    await fake.close();
  };
  const prepared = await options.prepare?.(fake);
  const [stop, quit] = [new AbortController(), new AbortController()];
  const files: Record<string, string> = {};
  const [printed, told]: [string[], string[]] = [[], []];
  let requests = 0;
  const exitCode = await liveCheck({
    env: {
      HUBLEASE_LIVE_USERNAME: USERNAME,
      HUBLEASE_LIVE_PASSWORD: PASSWORD,
      HUBLEASE_LIVE_HUB: fake.url,
      ...(hasSecondFactor && { HUBLEASE_LIVE_TOTP_SECRET: TOTP_SECRET }),
      ...(hasOrganization && { HUBLEASE_LIVE_ORGANIZATION: ORGANIZATION }),
      ...options.env,
      ...prepared,
    },
    args: [],
    dispatcher: counting(dispatcher, () => {
      requests++;
      options.onRequest?.(requests, fake);
      if (requests === options.stopAt || options.stopWhen?.(fake)) stop.abort();
      if (requests === options.quitAt) quit.abort();
    }),
    runId: RUN_ID,
    nowMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
    stop: stop.signal,
    quit: quit.signal,
    print: (text) => printed.push(text),
    tell: (text) => {
      told.push(text);
      options.onTell?.(text);
    },
    writeFile: (_folder, name, text) => {
      files[name] = text;
    },
  }).finally(end);
  const tokens = fake.control.tokens();
  const spentMs = nowMs - NOW_MS;
  return {
    exitCode,
    printed: printed.join('\n'),
    told: told.join('\n'),
    files,
    answers: answersIn(files[`${RUN_ID}.json`]),
    requests,
    spentMs,
    live: tokens.filter(({ live, foreign }) => live && !foreign),
    foreign: tokens.filter(({ foreign }) => foreign),
    control: fake.control,
  };
}

function needOf(variation: VariationName): Variation['needs'] {
  return (VARIATIONS[variation] as Variation).needs;
}

async function startFake(options: WorldOptions, variation: VariationName, nowMs: () => number): Promise<FakeHub> {
  const fake = await startFakeHub({
    accounts: [
      { username: USERNAME, password: PASSWORD, ...(options.hasSecondFactor && { totpSecret: TOTP_SECRET }) },
      ...(options.otherAccount === undefined ? [] : [{ username: options.otherAccount, password: PASSWORD }]),
    ],
    organizations: [{ name: ORGANIZATION, owners: [USERNAME], repositories: ['app'], tokenCap: 10 }],
    nowMs,
    seed: options.seed ?? 1,
  });
  const { control } = fake;
  control.createForeignToken({ account: USERNAME, kind: 'pat', label: 'my laptop' });
  control.applyVariation(variation, { kind: 'pat', account: USERNAME });
  if (options.settings !== undefined) control.set(options.settings);
  const { createIsLost }: Variation = VARIATIONS[variation];
  const lost: FakeFault[] = createIsLost ? [{ route: 'pat-create', kind: 'reset-after', count: 1 }] : [];
  control.setFaults([...lost, ...(options.faults ?? [])]);
  return fake;
}

function answersIn(report: string | undefined): Outcome['answers'] {
  const { answers } = JSON.parse(report ?? '{"answers":[]}') as {
    answers: (ReportedAnswer & { about: string; id: string })[];
  };
  return Object.fromEntries(answers.map(({ about, id, ...answer }) => [`${about}:${id}`, answer]));
}

/** Everything that left the process, in one text. */
export function everythingSaid({ printed, told, files }: Outcome): string {
  return [printed, told, ...Object.values(files)].join('\n');
}

/** A dispatcher that calls back before each request. */
function counting(dispatcher: Dispatcher, onRequest: () => void): Dispatcher {
  return dispatcher.compose((dispatch) => (options, handler) => {
    onRequest();
    return dispatch(options, handler);
  });
}
