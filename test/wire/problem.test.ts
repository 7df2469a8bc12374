import { describe, expect, it } from 'vitest';
import type { Failure, FailureTag, HubFault, HubRefusal } from '../../functions/core/model/failure.ts';
import { Problem, problemOf } from '../../functions/wire/problem.ts';
import { FAILURES } from '../../scripts/failures.ts';

const REQUEST_ID = 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef';
const LEASE_ID = '01KAJQXY00EXAMPLE0EXAMP001';
const ROLE = 'arn:aws:iam::111122223333:role/ci';

/** The status of each example of a failure, and words that its detail must have. */
const EXPECTED: { readonly [T in FailureTag]: readonly [status: number, words: readonly string[]] } = {
  invalid_field: [400, ['ttl: expected a duration']],
  path_not_canonical: [400, ['percent-encoding']],
  route_not_found: [404, ['PATCH', '/v1/openapi.json']],
  method_not_allowed: [405, ['PATCH', 'GET, DELETE']],
  caller_unknown: [403, ['Sign it']],
  caller_not_allowed: [403, [`${ROLE} (AROADBQP57FF2AEXAMPLE)`, 'ci/release', 'allow list']],
  secret_not_found: [404, ['ci/release']],
  target_not_found: [404, ['acme-bot']],
  lease_not_found: [404, [LEASE_ID]],
  ttl_too_long: [422, ['7200', '3600']],
  ttl_too_short: [422, ['30 s', '60 s']],
  scope_needs_user_target: [422, ['acme', 'resources']],
  resources_need_org_target: [422, ['acme', 'scope']],
  access_token_as_credential: [422, ['password']],
  credential_refused: [422, ['acme-bot', 'password', 'locks']],
  wrong_account: [422, ['acme-bot', 'other-bot', 'never changes', 'delete the target and create it again']],
  scope_too_wide: [422, ['repo:admin', 'repo:write']],
  not_renewable: [409, [LEASE_ID, 'new lease']],
  attest_too_early: [409, [LEASE_ID, '2026-11-21T09:10:00.000Z', 'Without attest']],
  idempotency_mismatch: [422, ['Idempotency-Key', 'new key']],
  quota_reached: [429, ['Dynamic secret "ci/release"', '20 open', ROLE, 'Retry-After']],
  lease_not_active: [409, [LEASE_ID, 'revoking', 'new lease']],
  rate_limited: [429, [ROLE, 'Retry-After']],
  in_flight: [409, ['earlier request', 'Retry-After']],
  precondition_failed: [412, ['"ci/release" is at version 3', 'ETag']],
  version_conflict: [409, ['ci/release', 'repeat']],
  draining: [409, ['ci/release', 'draining']],
  open_leases: [409, ['ci/release', '3', 'force=true']],
  target_in_use: [409, ['acme-bot', '"ci/release"']],
  delete_protected: [409, ['ci/release', 'deleteProtection']],
  managed_by_cdk: [409, ['ci/release', 'stack']],
  hub_refused: [502, ['acme-bot', 'may not create tokens']],
  expiry_refused: [502, ['POST /v1/admin/targets/acme-bot', '{"action":"verify"}', 'allowUnprovenExpiry']],
  label_refused: [502, ['POST /v1/admin/targets/acme-bot', '{"action":"verify"}', '59 characters']],
  list_lags: [502, ['POST /v1/admin/targets/acme-bot', '{"action":"verify"}', '15 minutes']],
  hub_unavailable: [503, ['in time', 'Retry-After']],
  hub_throttled: [503, ['rate']],
  login_blocked: [503, ['acme-bot', 'credential', '2026-11-21T09:10:00.000Z']],
  store_unavailable: [503, ['records']],
  credential_unavailable: [503, ['acme-bot']],
  not_recorded: [503, [LEASE_ID, 'not returned']],
  audit_unavailable: [503, [LEASE_ID, 'audit log', 'not returned']],
  busy: [503, ['busy']],
  internal: [500, ['requestId']],
};

/** Each example with its status and words. */
const TABLE = Object.values(FAILURES).map((failure): readonly [Failure, number, readonly string[]] => [
  failure,
  ...EXPECTED[failure.tag],
]);

describe('a failure as a problem', () => {
  it('names the setting that is missing where a credential is under a former key', () => {
    const failure = { tag: 'credential_unavailable', target: 'acme', retryAfterSeconds: 5 } as const;
    const detailOf = (of: Failure) => String(problemOf(of, REQUEST_ID).problem.detail);
    expect(detailOf({ ...failure, isUnderFormerKey: true })).toContain('formerEncryptionKeys');
    expect(detailOf(failure)).not.toContain('formerEncryptionKeys');
  });

  it.each(TABLE)('$tag has its code, status and a detail that helps', (failure, status, words) => {
    const { tag } = failure;
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
    const problems = TABLE.map(([failure]) => problemOf(failure, REQUEST_ID).problem);
    expect(new Set(problems.map((problem) => problem.title)).size).toBe(problems.length);
    for (const { title, detail } of problems) {
      expect(title).not.toMatch(/\.$/);
      expect(detail).toMatch(/[.)]$/);
    }
  });

  it('says when to come back exactly where coming back helps', () => {
    for (const [failure, status] of TABLE) {
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

  it('names three holders of a quota and counts the others', () => {
    const holders = [ROLE, `${ROLE}-2`, `${ROLE}-3`, `${ROLE}-4`, `${ROLE}-5`];
    const { problem } = problemOf({ ...FAILURES.quota_reached, holders }, REQUEST_ID);
    expect(problem.detail).toContain(`${ROLE}-3 and 2 more`);
  });

  it('names five secrets that use a target and counts the others', () => {
    const secrets = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const { problem } = problemOf({ ...FAILURES.target_in_use, secrets }, REQUEST_ID);
    for (const words of ['"a"', '"e" and 2 more']) expect(problem.detail).toContain(words);
  });

  it('says whose rate is exceeded', () => {
    const detail = (of: 'caller' | 'account' | 'secret', name: string) =>
      problemOf({ tag: 'rate_limited', of, name, isFirst: true, retryAfterSeconds: 1 }, REQUEST_ID).problem.detail;
    expect(detail('caller', ROLE)).toContain(`${ROLE} sends more requests`);
    expect(detail('account', '111122223333')).toContain('callers of account 111122223333');
    expect(detail('secret', 'ci/release')).toContain('"ci/release" gives no more leases in this minute');
  });

  it('says who holds a quota in data too, and of whom it is', () => {
    const problem = (counter: string, holders: string[]) =>
      problemOf({ tag: 'quota_reached', counter, most: 1, holders, retryAfterSeconds: 1 }, REQUEST_ID).problem;
    expect(problem('target:acme', [ROLE])).toMatchObject({ holders: [ROLE], detail: expect.stringContaining(ROLE) });
    expect(problem('target:acme', [ROLE]).detail).toContain('Target "acme"');
    for (const counter of ['target:acme', 'secret:ci'])
      expect(problem(counter, []).detail).toContain('has reached its limit');
    expect(problem('secret:ci', []).detail).not.toContain('held by');
    expect(problem('target:acme', []).detail).not.toContain('held by');
  });

  it('says what else takes the places of a target, where Docker Hub itself allows no more', () => {
    const detail = (counter: string) =>
      problemOf({ tag: 'quota_reached', counter, most: 10, holders: [ROLE], retryAfterSeconds: 1 }, REQUEST_ID).problem
        .detail;
    for (const word of ['10 tokens', 'expired tokens', 'tokens of others', 'GET /v1/admin/targets/acme']) {
      expect(detail('target:acme')).toContain(word);
    }
    expect(detail('secret:acme')).not.toContain('expired tokens');
  });

  it('cuts short what was asked for in hundreds of resources', () => {
    const failure: Failure = { tag: 'scope_too_wide', asked: 'x'.repeat(80_000), allowed: 'y'.repeat(80_000) };
    const { detail } = problemOf(failure, REQUEST_ID).problem;
    expect(detail.length).toBeLessThan(1_000);
    expect(detail).toContain('x…. This');
  });

  it('tells a lease at its end, and a missing thing, from others that cannot be changed', () => {
    const detail = (failure: Failure) => problemOf(failure, REQUEST_ID).problem.detail;
    expect(detail({ tag: 'lease_not_active', leaseId: LEASE_ID, status: 'active' })).toContain('is past its end');
    expect(detail({ tag: 'precondition_failed', name: 'acme', version: 0 })).toContain('There is no "acme"');
    expect(detail({ tag: 'login_blocked', target: 'acme', reopensAtMs: Number.NaN, retryAfterSeconds: 1 })).toContain(
      'a later time',
    );
  });

  it('names the field where there is one, and only there', () => {
    const fields = TABLE.flatMap(([failure]) => problemOf(failure, REQUEST_ID).problem.field ?? []);
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
    expect(detail).toMatch(/Docker Hub.*No token was returned\./);
  });

  it.each(['patch', 'X'.repeat(11), '<b>', 'A B'])('does not repeat %j as a method', (method) => {
    expect(problemOf({ tag: 'route_not_found', method }, REQUEST_ID).problem.detail).toContain('this method');
  });
});
