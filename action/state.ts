import { hand } from './runner.ts';

type Env = Readonly<Record<string, string | undefined>>;

const NAME = 'hublease';

/** What the post step has to know of the lease. No secret is in it. */
export interface StepState {
  readonly leaseId: string;
  readonly expiresAt: string;
  readonly endpoint: string;
  readonly region?: string;
  /** Docker's private configuration, and the variables that led to the former one; absent without a login. */
  readonly docker?: { readonly folder: string; readonly former: Readonly<Record<string, string>> };
}

export function saveState(env: Env, state: StepState): void {
  hand(env, 'GITHUB_STATE', NAME, JSON.stringify(state));
}

/** The state that the main step left; undefined when it never came to lease. */
export function readState(env: Env): StepState | undefined {
  const text = env[`STATE_${NAME}`];
  return text ? (JSON.parse(text) as StepState) : undefined;
}
