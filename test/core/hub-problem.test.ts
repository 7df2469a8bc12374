import { describe, expect, it } from 'vitest';
import { failureOf, retryAfterSeconds } from '../../functions/core/hub/hub-problem.ts';
import type { HubProblem } from '../../functions/core/ports/docker-hub.ts';
import { NOW_MS } from './world.ts';

describe('a problem of Docker Hub', () => {
  it.each<[HubProblem, object]>([
    [
      { tag: 'fault', code: 'timeout' },
      { tag: 'hub_unavailable', code: 'timeout', retryAfterSeconds: 5 },
    ],
    [
      { tag: 'fault', code: 'edge' },
      { tag: 'hub_unavailable', code: 'edge', retryAfterSeconds: 5 },
    ],
    [{ tag: 'session_refused' }, { tag: 'hub_unavailable', code: 'session_refused', retryAfterSeconds: 5 }],
    [
      { tag: 'invalid', fields: ['expires_at'] },
      { tag: 'expiry_refused', target: 'acme' },
    ],
    [
      { tag: 'invalid', fields: ['scopes', 'expires_at'] },
      { tag: 'expiry_refused', target: 'acme' },
    ],
    [
      { tag: 'invalid', fields: ['scopes'] },
      { tag: 'hub_refused', code: 'bad_request', target: 'acme' },
    ],
    [
      { tag: 'invalid', fields: [] },
      { tag: 'hub_refused', code: 'bad_request', target: 'acme' },
    ],
    [
      { tag: 'invalid', fields: ['token_label'] },
      { tag: 'label_refused', target: 'acme' },
    ],
    [
      { tag: 'invalid', fields: ['scopes', 'label'] },
      { tag: 'label_refused', target: 'acme' },
    ],
    [
      { tag: 'invalid', fields: ['label', 'expires_at'] },
      { tag: 'expiry_refused', target: 'acme' },
    ],
    [{ tag: 'plan' }, { tag: 'hub_refused', code: 'plan', target: 'acme' }],
    [{ tag: 'cap_reached' }, { tag: 'hub_refused', code: 'forbidden', target: 'acme' }],
    [{ tag: 'not_found' }, { tag: 'hub_refused', code: 'account_not_found', target: 'acme' }],
    [{ tag: 'access_token_session' }, { tag: 'hub_refused', code: 'access_token_session', target: 'acme' }],
    [{ tag: 'forbidden' }, { tag: 'hub_refused', code: 'forbidden', target: 'acme' }],
    [{ tag: 'credential_refused' }, { tag: 'hub_refused', code: 'forbidden', target: 'acme' }],
    [{ tag: 'second_factor_needed' }, { tag: 'hub_refused', code: 'forbidden', target: 'acme' }],
  ])('%j becomes %j', (problem, failure) => {
    expect(failureOf(problem, 'acme', NOW_MS).failure).toEqual(failure);
  });

  it.each([
    [-60_000, 1],
    [0, 1],
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [90_000, 90],
  ])('that asks to wait %i ms tells the caller to wait %i s', (waitMs, seconds) => {
    expect(retryAfterSeconds(NOW_MS + waitMs, NOW_MS)).toBe(seconds);
    expect(failureOf({ tag: 'throttled', retryAtMs: NOW_MS + waitMs }, 'acme', NOW_MS).failure).toEqual({
      tag: 'hub_throttled',
      retryAfterSeconds: seconds,
    });
  });
});
