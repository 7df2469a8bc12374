import type { Answers } from './answers.ts';
import type { Api } from './api.ts';
import type { Ledger } from './ledger.ts';
import type { Line } from './line.ts';
import type { Registry } from './registry.ts';
import type { Sessions } from './sessions.ts';

/** What the questions are asked with. */
export interface Run {
  readonly line: Line;
  readonly sessions: Sessions;
  readonly api: Api;
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly answers: Answers;
  /** The most that is waited for one thing. */
  readonly patienceMs: number;
}
