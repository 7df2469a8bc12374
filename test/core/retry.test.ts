import { describe, expect, it } from 'vitest';
import { delayOf } from '../../functions/core/hub/retry.ts';
import { fail } from '../../functions/core/model/failure.ts';

const NOW_MS = 5_000;

describe('what a failure asks of the next attempt', () => {
  it('is its code alone where it names no time', () => {
    const failure = fail({ tag: 'target_not_found', target: 'acme-bot' });
    expect(delayOf(failure, NOW_MS)).toEqual({ code: 'target_not_found' });
  });

  it('names what lies behind it, where it says so', () => {
    const failure = fail({ tag: 'hub_refused', code: 'plan', target: 'acme-bot' });
    expect(delayOf(failure, NOW_MS)).toEqual({ code: 'hub_refused:plan' });
  });

  it('is to come no sooner than it says', () => {
    const failure = fail({ tag: 'hub_unavailable', code: 'edge', retryAfterSeconds: 7 });
    expect(delayOf(failure, NOW_MS)).toEqual({ code: 'hub_unavailable:edge', retryAtMs: 12_000 });
  });

  it('counts as waiting where Docker Hub takes no more requests', () => {
    const failure = fail({ tag: 'hub_throttled', retryAfterSeconds: 7 });
    expect(delayOf(failure, NOW_MS)).toEqual({ code: 'hub_throttled', retryAtMs: 12_000, waiting: true });
  });
});
