import { describe, expect, it } from 'vitest';
import type { Failure, FailureTag, HubFault, HubRefusal } from '../../functions/core/model/failure.ts';
import { Problem, problemOf } from '../../functions/wire/problem.ts';

const REQUEST_ID = 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef';
const LEASE_ID = '01K9ZC3V7M8Q2R4T6W8Y0A1B2C';
const ROLE = 'arn:aws:iam::111122223333:role/ci';

/** Each tag once, with its status and what its detail must tell; a tag that is missing here does not compile. */
const TABLE: { readonly [T in FailureTag]: readonly [Extract<Failure, { tag: T }>, number, readonly string[]] } = {
  invalid_field: [{ tag: 'invalid_field', field: 'ttl', problem: 'is required' }, 400, ['ttl: is required.']],
  path_not_canonical: [{ tag: 'path_not_canonical' }, 400, ['percent-encoding']],
  route_not_found: [{ tag: 'route_not_found', method: 'PATCH' }, 404, ['PATCH', '/v1/openapi.json']],
  method_not_allowed: [
    { tag: 'method_not_allowed', method: 'PATCH', allowed: ['GET', 'DELETE'] },
    405,
    ['PATCH', 'GET, DELETE'],
  ],
  caller_unknown: [{ tag: 'caller_unknown' }, 403, ['Sign it']],
  caller_not_allowed: [
    { tag: 'caller_not_allowed', caller: ROLE, callerId: 'AROADBQP57FF2AEXAMPLE', secret: 'ci/release' },
    403,
    [`${ROLE} (AROADBQP57FF2AEXAMPLE)`, 'ci/release', 'allow list'],
  ],
  secret_not_found: [{ tag: 'secret_not_found', secret: 'ci/x' }, 404, ['ci/x']],
  target_not_found: [{ tag: 'target_not_found', target: 'acme' }, 404, ['acme']],
  lease_not_found: [{ tag: 'lease_not_found', leaseId: LEASE_ID }, 404, [LEASE_ID]],
  ttl_too_long: [{ tag: 'ttl_too_long', ttlSeconds: 7_200, maxTtlSeconds: 3_600 }, 422, ['7200', '3600']],
  ttl_too_short: [{ tag: 'ttl_too_short', ttlSeconds: 5, minTtlSeconds: 60 }, 422, ['5 s', '60 s']],
  scope_needs_user_target: [{ tag: 'scope_needs_user_target', target: 'acme' }, 422, ['acme', 'resources']],
  resources_need_org_target: [{ tag: 'resources_need_org_target', target: 'acme' }, 422, ['acme', 'scope']],
  access_token_as_credential: [{ tag: 'access_token_as_credential' }, 422, ['password']],
  credential_refused: [
    { tag: 'credential_refused', username: 'acmebot', secondFactor: 'no' },
    422,
    ['acmebot', 'password', 'locks'],
  ],
  wrong_account: [
    { tag: 'wrong_account', expected: 'acmebot', got: 'other' },
    422,
    ['acmebot', 'other', 'never changes', 'delete the target and make it anew'],
  ],
  scope_too_wide: [
    { tag: 'scope_too_wide', asked: 'repo:admin', allowed: 'repo:read' },
    422,
    ['repo:admin', 'repo:read'],
  ],
  not_renewable: [{ tag: 'not_renewable', leaseId: LEASE_ID }, 409, [LEASE_ID, 'new lease']],
  attest_too_early: [
    { tag: 'attest_too_early', leaseId: LEASE_ID, allowedAtMs: 1 },
    409,
    [LEASE_ID, '1970-01-01T00:00:00.001Z', 'Without attest'],
  ],
  idempotency_mismatch: [{ tag: 'idempotency_mismatch' }, 422, ['Idempotency-Key', 'new key']],
  quota_reached: [
    {
      tag: 'quota_reached',
      counter: 'secret:ci/release',
      most: 5,
      holders: [ROLE, `${ROLE}-2`, `${ROLE}-3`, `${ROLE}-4`, `${ROLE}-5`],
      retryAfterSeconds: 42,
    },
    429,
    ['Dynamic secret "ci/release"', '5 open', `${ROLE}-3 and 2 more`, 'Retry-After'],
  ],
  lease_not_active: [
    { tag: 'lease_not_active', leaseId: LEASE_ID, status: 'revoking' },
    409,
    [LEASE_ID, 'revoking', 'new lease'],
  ],
  rate_limited: [
    { tag: 'rate_limited', of: 'caller', name: ROLE, isFirst: true, retryAfterSeconds: 7 },
    429,
    [ROLE, 'Retry-After'],
  ],
  in_flight: [{ tag: 'in_flight', retryAfterSeconds: 3 }, 409, ['earlier request', 'Retry-After']],
  precondition_failed: [
    { tag: 'precondition_failed', name: 'acme', version: 7 },
    412,
    ['"acme" is at version 7', 'ETag'],
  ],
  version_conflict: [{ tag: 'version_conflict', name: 'acme' }, 409, ['acme', 'repeat']],
  draining: [{ tag: 'draining', name: 'acme' }, 409, ['acme', 'draining']],
  open_leases: [{ tag: 'open_leases', name: 'acme', count: 3 }, 409, ['acme', '3', 'force=true']],
  target_in_use: [
    { tag: 'target_in_use', target: 'acme', secrets: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
    409,
    ['"a"', '"e" and 2 more'],
  ],
  delete_protected: [{ tag: 'delete_protected', secret: 'ci/x' }, 409, ['ci/x', 'deleteProtection']],
  managed_by_cdk: [{ tag: 'managed_by_cdk', name: 'ci/x' }, 409, ['ci/x', 'stack']],
  hub_refused: [{ tag: 'hub_refused', code: 'forbidden', target: 'acme' }, 502, ['acme', 'may not create tokens']],
  expiry_refused: [
    { tag: 'expiry_refused', target: 'acme' },
    502,
    ['POST /v1/admin/targets/acme', '{"action":"verify"}', 'allowUnprovenExpiry'],
  ],
  label_refused: [
    { tag: 'label_refused', target: 'acme' },
    502,
    ['POST /v1/admin/targets/acme', '{"action":"verify"}', '59 characters'],
  ],
  list_lags: [
    { tag: 'list_lags', target: 'acme' },
    502,
    ['POST /v1/admin/targets/acme', '{"action":"verify"}', '15 minutes'],
  ],
  hub_unavailable: [{ tag: 'hub_unavailable', code: 'timeout', retryAfterSeconds: 5 }, 503, ['in time', 'Retry-After']],
  hub_throttled: [{ tag: 'hub_throttled', retryAfterSeconds: 30 }, 503, ['rate']],
  login_blocked: [
    { tag: 'login_blocked', target: 'acme', reopensAtMs: 1, retryAfterSeconds: 600 },
    503,
    ['acme', 'credential', '1970-01-01T00:00:00.001Z'],
  ],
  store_unavailable: [{ tag: 'store_unavailable', retryAfterSeconds: 2 }, 503, ['records']],
  credential_unavailable: [{ tag: 'credential_unavailable', target: 'acme', retryAfterSeconds: 5 }, 503, ['acme']],
  not_recorded: [{ tag: 'not_recorded', leaseId: LEASE_ID, retryAfterSeconds: 2 }, 503, [LEASE_ID, 'not handed out']],
  audit_unavailable: [
    { tag: 'audit_unavailable', leaseId: LEASE_ID, retryAfterSeconds: 2 },
    503,
    [LEASE_ID, 'audit log', 'not handed out'],
  ],
  busy: [{ tag: 'busy', retryAfterSeconds: 2 }, 503, ['busy']],
  internal: [{ tag: 'internal' }, 500, ['requestId']],
};

describe('a failure as a problem', () => {
  it('names the setting that is missing where a credential is under a former key', () => {
    const failure = { tag: 'credential_unavailable', target: 'acme', retryAfterSeconds: 5 } as const;
    const detailOf = (of: Failure) => String(problemOf(of, REQUEST_ID).problem.detail);
    expect(detailOf({ ...failure, isUnderFormerKey: true })).toContain('formerEncryptionKeys');
    expect(detailOf(failure)).not.toContain('formerEncryptionKeys');
  });

  it.each(Object.entries(TABLE))('%s has its code, status and a detail that helps', (tag, [failure, status, words]) => {
    const answer = problemOf(failure, REQUEST_ID);
    expect(answer.status).toBe(status);
    expect(Problem.parse(answer.problem)).toMatchObject({
      type: `urn:hublease:problem:${tag}`,
      code: tag,
      status,
      requestId: REQUEST_ID,
    });
    for (const word of words) expect(answer.problem.detail).toContain(word);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('has titles that differ and end without a stop, and details that are sentences', () => {
    const problems = Object.values(TABLE).map(([failure]) => problemOf(failure, REQUEST_ID).problem);
    expect(new Set(problems.map((problem) => problem.title)).size).toBe(problems.length);
    for (const { title, detail } of problems) {
      expect(title).not.toMatch(/\.$/);
      expect(detail).toMatch(/[.)]$/);
    }
  });

  it('says when to come back exactly where coming back helps', () => {
    for (const [failure, status] of Object.values(TABLE)) {
      const retryAfter = problemOf(failure, REQUEST_ID).headers['retry-after'];
      const waits = status === 503 || status === 429 || failure.tag === 'in_flight';
      if (waits) expect(retryAfter).toBe(String((failure as { retryAfterSeconds: number }).retryAfterSeconds));
      else expect(retryAfter).toBeUndefined();
    }
  });

  it.each([
    [0, '1'],
    [-5, '1'],
    [0.2, '1'],
    [2.1, '3'],
    [1e9, '86400'],
    [Number.POSITIVE_INFINITY, '86400'],
    [Number.NaN, '1'],
  ])('never tells anybody to wait for %d seconds as it stands, but %s', (retryAfterSeconds, header) => {
    expect(problemOf({ tag: 'busy', retryAfterSeconds }, REQUEST_ID).headers['retry-after']).toBe(header);
  });

  it('says whose rate is exceeded', () => {
    const detail = (of: 'caller' | 'account' | 'secret', name: string) =>
      problemOf({ tag: 'rate_limited', of, name, isFirst: true, retryAfterSeconds: 1 }, REQUEST_ID).problem.detail;
    expect(detail('caller', ROLE)).toContain(`${ROLE} asks more often`);
    expect(detail('account', '111122223333')).toContain('callers of account 111122223333');
    expect(detail('secret', 'ci/release')).toContain('"ci/release" gives no more leases in this minute');
  });

  it('says who holds a quota in data too, and of whom it is', () => {
    const problem = (counter: string, holders: string[]) =>
      problemOf({ tag: 'quota_reached', counter, most: 1, holders, retryAfterSeconds: 1 }, REQUEST_ID).problem;
    expect(problem('target:acme', [ROLE])).toMatchObject({ holders: [ROLE], detail: expect.stringContaining(ROLE) });
    expect(problem('target:acme', [ROLE]).detail).toContain('Target "acme"');
    for (const counter of ['target:acme', 'secret:ci']) expect(problem(counter, []).detail).toContain('and has them. ');
    expect(problem('secret:ci', []).detail).not.toContain('held by');
    expect(problem('target:acme', []).detail).not.toContain('held by');
  });

  it('says what else takes the places of a target, where Docker Hub itself allows no more', () => {
    const detail = (counter: string) =>
      problemOf({ tag: 'quota_reached', counter, most: 10, holders: [ROLE], retryAfterSeconds: 1 }, REQUEST_ID).problem
        .detail;
    for (const word of ['10 tokens', 'expired tokens', 'those of others', 'GET /v1/admin/targets/acme']) {
      expect(detail('target:acme')).toContain(word);
    }
    expect(detail('secret:acme')).not.toContain('expired tokens');
  });

  it('cuts short what was asked for in hundreds of resources', () => {
    const failure: Failure = { tag: 'scope_too_wide', asked: 'x'.repeat(80_000), allowed: 'y'.repeat(80_000) };
    const { detail } = problemOf(failure, REQUEST_ID).problem;
    expect(detail.length).toBeLessThan(1_000);
    expect(detail).toContain('x…; this');
  });

  it('tells a lease at its end, and a missing thing, from others that cannot be changed', () => {
    const detail = (failure: Failure) => problemOf(failure, REQUEST_ID).problem.detail;
    expect(detail({ tag: 'lease_not_active', leaseId: LEASE_ID, status: 'active' })).toContain('is at its end');
    expect(detail({ tag: 'precondition_failed', name: 'acme', version: 0 })).toContain('There is no "acme"');
    expect(detail({ tag: 'login_blocked', target: 'acme', reopensAtMs: Number.NaN, retryAfterSeconds: 1 })).toContain(
      'a later time',
    );
  });

  it('names the field where there is one, and only there', () => {
    const fields = Object.values(TABLE).flatMap(([failure]) => problemOf(failure, REQUEST_ID).problem.field ?? []);
    expect(fields).toEqual(['ttl', 'credential.password', 'credential.password']);
    const refused = (secondFactor: 'needed' | 'possible') =>
      problemOf({ tag: 'credential_refused', username: 'acmebot', secondFactor }, REQUEST_ID).problem;
    expect(refused('needed')).toMatchObject({ field: 'credential.totpSecret' });
    expect(refused('possible')).toMatchObject({ field: 'credential.password' });
  });

  it('names both causes where the password or a missing second factor may be at fault', () => {
    const { detail } = problemOf(
      { tag: 'credential_refused', username: 'acmebot', secondFactor: 'possible' },
      REQUEST_ID,
    ).problem;
    expect(detail).toContain('Either the password is wrong');
    expect(detail).toContain('credential.totpSecret');
  });

  it.each<HubRefusal>([
    'bad_request',
    'forbidden',
    'plan',
    'account_not_found',
    'access_token_session',
    'wrong_account',
  ])('explains the refusal %s', (code) => {
    const { detail } = problemOf({ tag: 'hub_refused', code, target: 'acme' }, REQUEST_ID).problem;
    expect(detail).not.toContain('undefined');
  });

  it.each<HubFault>([
    'timeout',
    'connection',
    'server_error',
    'edge',
    'malformed',
    'too_large',
    'redirected',
    'session_refused',
  ])('explains the fault %s', (code) => {
    const { detail } = problemOf({ tag: 'hub_unavailable', code, retryAfterSeconds: 5 }, REQUEST_ID).problem;
    expect(detail).toMatch(/Docker Hub.*No token was handed out\./);
  });

  it.each(['patch', 'X'.repeat(11), '<b>', 'A B'])('does not repeat %j as a method', (method) => {
    expect(problemOf({ tag: 'route_not_found', method }, REQUEST_ID).problem.detail).toContain('this method');
  });
});
