import { type Failed, fail } from '../model/failure.ts';
import type { HubProblem } from '../ports/docker-hub.ts';

/** The wait if Docker Hub does not name one. */
const FAULT_RETRY_SECONDS = 5;

/** Whole seconds from now until an instant, at least 1. */
export function retryAfterSeconds(atMs: number, nowMs: number): number {
  return Math.max(1, Math.ceil((atMs - nowMs) / 1_000));
}

/** The failure for hublease's caller after a failed call to Docker Hub. */
export function failureOf(problem: HubProblem, target: string, nowMs: number): Failed {
  switch (problem.tag) {
    case 'throttled':
      return fail({ tag: 'hub_throttled', retryAfterSeconds: retryAfterSeconds(problem.retryAtMs, nowMs) });
    case 'fault':
      return fail({ tag: 'hub_unavailable', code: problem.code, retryAfterSeconds: FAULT_RETRY_SECONDS });
    case 'session_refused':
      return fail({ tag: 'hub_unavailable', code: 'session_refused', retryAfterSeconds: FAULT_RETRY_SECONDS });
    case 'invalid':
      if (problem.fields.includes('expires_at')) return fail({ tag: 'expiry_refused', target });
      if (problem.fields.some((field) => field === 'token_label' || field === 'label')) {
        return fail({ tag: 'label_refused', target });
      }
      return fail({ tag: 'hub_refused', code: 'bad_request', target });
    case 'plan':
      return fail({ tag: 'hub_refused', code: 'plan', target });
    case 'not_found':
      return fail({ tag: 'hub_refused', code: 'account_not_found', target });
    case 'access_token_session':
      return fail({ tag: 'hub_refused', code: 'access_token_session', target });
    case 'forbidden':
    case 'cap_reached':
    case 'credential_refused':
    case 'second_factor_needed':
      return fail({ tag: 'hub_refused', code: 'forbidden', target });
  }
}
