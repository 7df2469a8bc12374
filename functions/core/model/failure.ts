/**
 * Every way a request can fail, as data with its evidence. `wire/problem.ts` turns each into an HTTP answer in one exhaustive
 * switch. No member ever holds a password, token, session or a caught error's message.
 */
export type Failure =
  // The request itself.
  | { readonly tag: 'invalid_field'; readonly field: string; readonly problem: string }
  | { readonly tag: 'path_not_canonical' }
  | { readonly tag: 'route_not_found'; readonly method: string }
  | { readonly tag: 'method_not_allowed'; readonly method: string; readonly allowed: readonly string[] }
  | { readonly tag: 'caller_unknown' }
  // Who asks.
  | {
      readonly tag: 'caller_not_allowed';
      readonly caller: string;
      /** The caller's unique id. An allow list may name the ARN with another id. */
      readonly callerId?: string;
      readonly secret: string;
    }
  // What was asked for.
  | { readonly tag: 'secret_not_found'; readonly secret: string }
  | { readonly tag: 'target_not_found'; readonly target: string }
  | { readonly tag: 'lease_not_found'; readonly leaseId: string }
  // Well-formed, but not allowed.
  | { readonly tag: 'ttl_too_long'; readonly ttlSeconds: number; readonly maxTtlSeconds: number }
  | { readonly tag: 'ttl_too_short'; readonly ttlSeconds: number; readonly minTtlSeconds: number }
  | { readonly tag: 'scope_needs_user_target'; readonly target: string }
  | { readonly tag: 'resources_need_org_target'; readonly target: string }
  | { readonly tag: 'access_token_as_credential' }
  | {
      readonly tag: 'credential_refused';
      readonly username: string;
      /** `possible`: the password may be right, but a second factor may be missing. */
      readonly secondFactor: 'needed' | 'possible' | 'no';
    }
  | { readonly tag: 'wrong_account'; readonly expected: string; readonly got: string }
  | { readonly tag: 'scope_too_wide'; readonly asked: string; readonly allowed: string }
  | { readonly tag: 'not_renewable'; readonly leaseId: string }
  | { readonly tag: 'attest_too_early'; readonly leaseId: string; readonly allowedAtMs: number }
  | { readonly tag: 'idempotency_mismatch' }
  | {
      readonly tag: 'quota_reached';
      readonly counter: string;
      readonly most: number;
      readonly holders: readonly string[];
      readonly retryAfterSeconds: number;
    }
  | {
      readonly tag: 'rate_limited';
      readonly of: 'caller' | 'account' | 'secret';
      readonly name: string;
      /** This process has not refused this key before. Only the first refusal is audited. */
      readonly isFirst: boolean;
      readonly retryAfterSeconds: number;
    }
  // Conflicts.
  | { readonly tag: 'lease_not_active'; readonly leaseId: string; readonly status: string }
  | { readonly tag: 'in_flight'; readonly retryAfterSeconds: number }
  | { readonly tag: 'precondition_failed'; readonly name: string; readonly version: number }
  | { readonly tag: 'version_conflict'; readonly name: string }
  | { readonly tag: 'draining'; readonly name: string }
  | { readonly tag: 'open_leases'; readonly name: string; readonly count: number }
  | { readonly tag: 'target_in_use'; readonly target: string; readonly secrets: readonly string[] }
  | { readonly tag: 'delete_protected'; readonly secret: string }
  | { readonly tag: 'managed_by_cdk'; readonly name: string }
  // Docker Hub.
  | { readonly tag: 'hub_refused'; readonly code: HubRefusal; readonly target: string }
  | { readonly tag: 'expiry_refused'; readonly target: string }
  | { readonly tag: 'label_refused'; readonly target: string }
  | { readonly tag: 'list_lags'; readonly target: string }
  | { readonly tag: 'hub_unavailable'; readonly code: HubFault; readonly retryAfterSeconds: number }
  | { readonly tag: 'hub_throttled'; readonly retryAfterSeconds: number }
  | {
      readonly tag: 'login_blocked';
      readonly target: string;
      readonly reopensAtMs: number;
      readonly retryAfterSeconds: number;
    }
  // hublease's own parts.
  | { readonly tag: 'store_unavailable'; readonly retryAfterSeconds: number }
  | {
      readonly tag: 'credential_unavailable';
      readonly target: string;
      readonly retryAfterSeconds: number;
      /** It is encrypted with a key that is missing in the installation's settings. */
      readonly isUnderFormerKey?: true;
    }
  | { readonly tag: 'not_recorded'; readonly leaseId: string; readonly retryAfterSeconds: number }
  | { readonly tag: 'audit_unavailable'; readonly leaseId: string; readonly retryAfterSeconds: number }
  | { readonly tag: 'busy'; readonly retryAfterSeconds: number }
  | { readonly tag: 'internal' };

/** Docker Hub refused, and a retry would not help. */
export type HubRefusal =
  | 'bad_request'
  | 'forbidden'
  | 'plan'
  | 'account_not_found'
  | 'access_token_session'
  | 'wrong_account';

/** The answer was not in Docker Hub's form. */
export type HubFault =
  | 'timeout'
  | 'connection'
  | 'server_error'
  | 'edge'
  | 'malformed'
  | 'too_large'
  | 'redirected'
  | 'session_refused';

export type FailureTag = Failure['tag'];

/** The only error that core throws on purpose. */
export class Failed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.tag);
    this.name = 'Failed';
    this.failure = failure;
  }
}

/** Makes the error for a failure: `throw fail({ tag: … })`. */
export function fail(failure: Failure): Failed {
  return new Failed(failure);
}
