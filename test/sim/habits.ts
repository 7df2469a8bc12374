import type { HubToken } from '../../functions/core/ports/docker-hub.ts';

/**
 * How this Docker Hub differs from the documented one. An absent member means: as documented. Habits end with the faults, but what
 * they made of a token stays.
 */
export interface Habits {
  /** What it makes of an expiry. The create's answer, GET and the list all show what it keeps. */
  readonly expiry?: ExpiryHabit;
  readonly label?: LabelHabit;
  /** What it shows of a token's creator: nothing, or a proxy's User-Agent on those that hublease made. */
  readonly creator?: 'missing' | 'proxy';
  /** No token says when it was made. */
  readonly times?: 'missing';
  readonly deletes?: DeleteHabit;
  /** Its count includes so many tokens that no page shows. */
  readonly hiddenTokens?: number;
  /** A larger page is refused with 400. */
  readonly largestPage?: number;
  /** GET answers 404 for so long after a create. */
  readonly getLagMs?: number;
}

/**
 * - `ignored`: it keeps none. `raised`: a day later than asked. `day_end`: the end of the UTC day.
 * - `minute_start`: cut to the whole minute, so that the token ends before its lease should.
 */
export type ExpiryHabit = 'ignored' | 'raised' | 'day_end' | 'minute_start';

/** Labels are cut to a length, or kept in lower case. */
export interface LabelHabit {
  readonly maxCharacters?: number;
  readonly lowerCase?: true;
}

export interface DeleteHabit {
  /** 204 means that it is done. */
  readonly answers: 202 | 204;
  /** How long it takes until the token is dead; absent: nothing is ever done. Only behind a 202. */
  readonly takesMs?: number;
  /** The token stays, listed and readable, and is inactive. */
  readonly soft?: true;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The expiry that is kept of the one asked for. */
export function keptExpiryMs(habit: ExpiryHabit | undefined, askedMs: number | null): number | null {
  if (askedMs === null) return null;
  switch (habit) {
    case undefined:
      return askedMs;
    case 'ignored':
      return null;
    case 'raised':
      return askedMs + DAY_MS;
    case 'day_end':
      return Math.ceil(askedMs / DAY_MS) * DAY_MS;
    case 'minute_start':
      return Math.floor(askedMs / MINUTE_MS) * MINUTE_MS;
  }
}

/** The label that is kept of the one sent. */
export function keptLabel({ maxCharacters, lowerCase }: LabelHabit = {}, label: string): string {
  const cut = label.slice(0, maxCharacters);
  return lowerCase === true ? cut.toLowerCase() : cut;
}

/** What is shown of a token's creator. */
export function shownCreator(
  habit: Habits['creator'],
  kind: 'pat' | 'oat',
  token: { readonly madeBy: string; readonly agent: string },
): Pick<HubToken, 'creatorUserAgent' | 'createdBy'> {
  if (habit === 'missing') return {};
  return kind === 'oat' ? { createdBy: token.madeBy } : { creatorUserAgent: token.agent };
}
