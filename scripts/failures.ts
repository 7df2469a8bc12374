import type { Failure, FailureTag } from '../functions/core/failure.ts';

const LEASE_ID = '01KAJQXY00EXAMPLE0EXAMP001';
const CALLER = 'arn:aws:iam::111122223333:role/ci';
const IN_FIVE_SECONDS = { retryAfterSeconds: 5 };

/** An example of every failure; one that is missing here does not compile. */
export const FAILURES: { readonly [T in FailureTag]: Extract<Failure, { tag: T }> } = {
  invalid_field: { tag: 'invalid_field', field: 'ttl', problem: 'expected a duration such as 90s, 15m, 1h30m or 2d' },
  path_not_canonical: { tag: 'path_not_canonical' },
  route_not_found: { tag: 'route_not_found', method: 'PATCH' },
  caller_unknown: { tag: 'caller_unknown' },
  caller_not_allowed: { tag: 'caller_not_allowed', caller: CALLER, secret: 'ci/release' },
  secret_not_found: { tag: 'secret_not_found', secret: 'ci/release' },
  target_not_found: { tag: 'target_not_found', target: 'acme-bot' },
  lease_not_found: { tag: 'lease_not_found', leaseId: LEASE_ID },
  ttl_too_long: { tag: 'ttl_too_long', ttlSeconds: 7_200, maxTtlSeconds: 3_600 },
  ttl_too_short: { tag: 'ttl_too_short', ttlSeconds: 30, minTtlSeconds: 60 },
  scope_needs_user_target: { tag: 'scope_needs_user_target', target: 'acme' },
  resources_need_org_target: { tag: 'resources_need_org_target', target: 'acme-bot' },
  access_token_as_credential: { tag: 'access_token_as_credential' },
  credential_refused: { tag: 'credential_refused', username: 'acme-bot', secondFactor: false },
  wrong_account: { tag: 'wrong_account', expected: 'acme-bot', got: 'other-bot' },
  scope_too_wide: { tag: 'scope_too_wide', asked: 'repo:admin', allowed: 'repo:write' },
  not_renewable: { tag: 'not_renewable', leaseId: LEASE_ID },
  idempotency_mismatch: { tag: 'idempotency_mismatch' },
  quota_reached: {
    tag: 'quota_reached',
    counter: 'secret:ci/release',
    most: 20,
    holders: [CALLER],
    retryAfterSeconds: 240,
  },
  lease_not_active: { tag: 'lease_not_active', leaseId: LEASE_ID, status: 'revoking' },
  in_flight: { tag: 'in_flight', ...IN_FIVE_SECONDS },
  precondition_failed: { tag: 'precondition_failed', name: 'ci/release', version: 3 },
  version_conflict: { tag: 'version_conflict', name: 'ci/release' },
  draining: { tag: 'draining', name: 'ci/release' },
  open_leases: { tag: 'open_leases', name: 'ci/release', count: 3 },
  target_in_use: { tag: 'target_in_use', target: 'acme-bot', secrets: ['ci/release'] },
  delete_protected: { tag: 'delete_protected', secret: 'ci/release' },
  managed_by_cdk: { tag: 'managed_by_cdk', name: 'ci/release' },
  hub_refused: { tag: 'hub_refused', code: 'forbidden', target: 'acme-bot' },
  expiry_refused: { tag: 'expiry_refused', target: 'acme-bot' },
  hub_unavailable: { tag: 'hub_unavailable', code: 'timeout', ...IN_FIVE_SECONDS },
  hub_throttled: { tag: 'hub_throttled', retryAfterSeconds: 30 },
  login_blocked: {
    tag: 'login_blocked',
    target: 'acme-bot',
    reopensAtMs: Date.UTC(2026, 10, 21, 9, 10, 0),
    retryAfterSeconds: 600,
  },
  store_unavailable: { tag: 'store_unavailable', ...IN_FIVE_SECONDS },
  credential_unavailable: { tag: 'credential_unavailable', target: 'acme-bot', ...IN_FIVE_SECONDS },
  not_recorded: { tag: 'not_recorded', leaseId: LEASE_ID, ...IN_FIVE_SECONDS },
  busy: { tag: 'busy', ...IN_FIVE_SECONDS },
  internal: { tag: 'internal' },
};
