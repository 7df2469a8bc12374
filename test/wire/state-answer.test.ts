import { describe, expect, it } from 'vitest';
import { StateAnswer, stateAnswer } from '../../functions/wire/answers/state.ts';

const AT_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
const AT = '2026-11-21T09:00:00.000Z';
const LATER = '2026-11-21T10:00:00.000Z';

describe('the state of a target as answered', () => {
  it('is empty where nothing is known', () => {
    expect(stateAnswer({})).toEqual({});
    expect(StateAnswer.parse({})).toEqual({});
  });

  it('has each fact by its own name, with times in words and a lag in whole seconds', () => {
    const answer = stateAnswer({
      refusal: { code: 'label_refused', sinceMs: AT_MS, triedAtMs: AT_MS + 3_600_000 },
      pendingVerification: { leaseId: 'lease', tokenId: 'token', createdAtMs: AT_MS },
      listLagMs: 1_001,
      listLagsBeyondMs: 2_999,
      listing: { code: 'account_unreachable', sinceMs: AT_MS },
      cap: { tokens: 10, atMs: AT_MS },
      places: { atMs: AT_MS, tokens: 10, foreign: 3, expired: 2 },
    });
    expect(answer).toEqual({
      mintsRefused: { code: 'label_refused', since: AT, triedAt: LATER },
      pendingVerification: { leaseId: 'lease', tokenId: 'token', since: AT },
      listLagSeconds: 2,
      listLagsBeyondSeconds: 2,
      listingProblem: { code: 'account_unreachable', since: AT },
      cap: { tokens: 10, at: AT },
      places: { at: AT, tokens: 10, foreign: 3, expired: 2 },
    });
    expect(StateAnswer.parse(answer)).toEqual(answer);
  });

  it('tells a list that does not lag from one of which that is not known', () => {
    expect(stateAnswer({ listLagMs: 0 })).toEqual({ listLagSeconds: 0 });
  });
});
