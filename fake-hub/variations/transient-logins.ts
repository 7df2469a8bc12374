/** A 401 for a login with the right credential. The next login succeeds. */

import { type Answer, json } from '../answer.ts';
import type { FakeHubSettings } from '../settings.ts';

/** Docker Hub has been seen to refuse a good password now and then (docker/hub-feedback issue 1694). */
const FAILED = 'Failed to generate login session. Please try again later.';

/** The refusal of the `nth` login with the right credential, counted from 1; undefined when it succeeds. */
export function transientRefusal(
  { loginTransient401Every: every, loginTransient401At: at }: FakeHubSettings,
  nth: number,
): Answer | undefined {
  const isRefused = nth === at || (every > 0 && nth % every === 0);
  return isRefused ? json(401, { detail: FAILED }) : undefined;
}
