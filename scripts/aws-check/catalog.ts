/** Every check, in the order in which the table has them. */
const ALL = {
  mint: 'A signed request mints a token',
  paths: 'Another spelling of a path (%2F, case) mints nothing',
  foreign: 'An account that is no consumer is denied',
  admin: 'A consumer of another account is denied the admin routes',
  'caller-id': "The caller's unique id is shown, across accounts too",
  alarms: 'Every alarm notifies somebody and has data',
  'on-time': 'A lease ends on time',
  job: 'EventBridge Scheduler ran the job of the lease',
  timer: 'DynamoDB deleted a timer, and the revoker was started for it',
} as const;

export type CheckId = keyof typeof ALL;

export const CHECKS: Readonly<Record<CheckId, string>> = ALL;

/** `not shown`: this run could neither confirm nor refute it; the detail says why. */
export type Verdict = 'passed' | 'failed' | 'not shown';

/** What a run came to know about one check. */
export interface Finding {
  readonly verdict: Verdict;
  /** One sentence or two. Holds no secret. */
  readonly detail: string;
}

export const passed = (detail: string): Finding => ({ verdict: 'passed', detail });
export const failed = (detail: string): Finding => ({ verdict: 'failed', detail });
export const notShown = (detail: string): Finding => ({ verdict: 'not shown', detail });
