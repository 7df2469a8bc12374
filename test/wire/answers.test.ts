import { describe, expect, it } from 'vitest';
import type { TargetState } from '../../functions/core/hub/target-state.ts';
import type { Evidence } from '../../functions/core/model/lease.ts';
import type { Verification } from '../../functions/core/model/target.ts';
import { adminLeaseAnswer, leaseAnswer } from '../../functions/wire/answers/lease.ts';
import { offerAnswer, secretAnswer } from '../../functions/wire/answers/secret.ts';
import { pageAnswer } from '../../functions/wire/answers/shared.ts';
import { targetAnswer } from '../../functions/wire/answers/target.ts';
import { OPERATIONS } from '../../functions/wire/operations.ts';
import { aLease, aSecret, aTarget, revoked } from '../contract/builders.ts';

const AT_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
const AT = '2026-11-21T09:00:00.000Z';
const REVOKING = { status: 'revoking', lastError: 'unclear_token', revokingSinceMs: AT_MS, dueAtMs: AT_MS } as const;

describe('a lease as answered', () => {
  const lease = aLease({ issuedAtMs: AT_MS, label: 'build', reason: 'release' });

  it('has ISO times and its length in seconds, and conforms', () => {
    const answer = leaseAnswer(lease);
    expect(OPERATIONS.getLease.answers[200].schema.parse({ lease: answer })).toEqual({ lease: answer });
    expect(answer).toMatchObject({
      issuedAt: AT,
      expiresAt: '2026-11-21T09:15:00.000Z',
      ttlSeconds: 900,
      label: 'build',
      reason: 'release',
      scope: 'repo:write',
    });
  });

  it('shows nothing of the record that only hublease needs', () => {
    const hidden = [
      'opId',
      'version',
      'schema',
      'hubLabel',
      'hubAccount',
      'tokenSha256',
      'requestId',
      'mintByMs',
      'attempts',
      'dueAtMs',
      'blockedBy',
      'hubExpiresAt',
      'revokingSince',
    ];
    const row = aLease({
      ...REVOKING,
      blockedBy: ['canary'],
      hubReportedExpiresAtMs: AT_MS,
      ttlAtMs: AT_MS,
    });
    const answer = leaseAnswer(row);
    for (const name of [...hidden, 'ttlAtMs']) expect(answer).not.toHaveProperty(name);
    expect(JSON.stringify(answer)).not.toContain('canary');
    for (const secret of [row.opId, row.hubLabel, row.tokenSha256, row.requestId]) {
      expect(JSON.stringify(answer)).not.toContain(secret);
    }
    expect(Object.keys(answer).filter((name) => /Ms$/.test(name))).toEqual([]);
  });

  it('leaves out what is absent', () => {
    const { scope: _, ...row } = aLease({ status: 'minting' });
    const answer = leaseAnswer({
      ...row,
      resources: [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }],
    });
    expect(Object.keys(answer)).not.toContain('scope');
    expect(Object.values(answer)).not.toContain(undefined);
    expect(OPERATIONS.getLease.answers[200].schema.safeParse({ lease: answer }).success).toBe(true);
  });

  it.each<[Evidence, object]>([
    [
      { kind: 'deleted', atMs: AT_MS, httpStatus: 204 },
      { kind: 'deleted', at: AT, httpStatus: 204 },
    ],
    [
      {
        kind: 'absent',
        atMs: AT_MS,
        quietUntilMs: AT_MS,
        firstListingAtMs: AT_MS,
        secondListingAtMs: AT_MS,
        tokensListed: 4,
        removedTokenIds: ['x'],
      },
      {
        kind: 'absent',
        at: AT,
        quietUntil: AT,
        firstListingAt: AT,
        secondListingAt: AT,
        tokensListed: 4,
        removedTokenIds: ['x'],
      },
    ],
    [
      { kind: 'expired', atMs: AT_MS, hubDateMs: AT_MS, hubExpiresAtMs: AT_MS },
      { kind: 'expired', at: AT, hubDate: AT, hubExpiresAt: AT },
    ],
    [
      { kind: 'deleted', atMs: AT_MS, httpStatus: 404, confirmedBy: 'gone' },
      { kind: 'deleted', at: AT, httpStatus: 404, confirmedBy: 'gone' },
    ],
    [
      { kind: 'attested', atMs: AT_MS, by: 'arn:aws:iam::111122223333:role/admin', reason: 'The account is closed' },
      { kind: 'attested', at: AT, by: 'arn:aws:iam::111122223333:role/admin', reason: 'The account is closed' },
    ],
  ])('shows the evidence %j once revoked', (evidence, shown) => {
    const answer = leaseAnswer({ ...revoked(lease), evidence });
    expect(answer).toMatchObject({ status: 'revoked', evidence: shown, revokeReason: 'expired' });
    expect(OPERATIONS.revokeLease.answers[200].schema.safeParse({ lease: answer }).success).toBe(true);
  });

  it('says why it is open, that its create was refused and that Docker Hub moved its end', () => {
    const answer = leaseAnswer(aLease({ ...REVOKING, expiryClipped: true, createRefused: true }));
    expect(answer).toMatchObject({ lastError: 'unclear_token', expiryClipped: true, createRefused: true });
    expect(OPERATIONS.getLease.answers[200].schema.safeParse({ lease: answer }).success).toBe(true);
    expect(leaseAnswer(aLease({ status: 'revoked', lastError: 'unclear_token' }))).not.toHaveProperty('lastError');
    for (const name of ['lastError', 'expiryClipped', 'createRefused']) {
      expect(leaseAnswer(lease)).not.toHaveProperty(name);
    }
  });

  it('shows admins, and nobody else, what blocks it, since when it is tried and what Docker Hub says of its end', () => {
    const row = aLease({ ...REVOKING, blockedBy: ['one', 'two'], hubReportedExpiresAtMs: AT_MS + 1_000 });
    const answer = adminLeaseAnswer(row);
    expect(answer).toEqual({
      ...leaseAnswer(row),
      blockedBy: ['one', 'two'],
      hubExpiresAt: '2026-11-21T09:00:01.000Z',
      revokingSince: AT,
    });
    expect(OPERATIONS.getAnyLease.answers[200].schema.parse({ lease: answer })).toEqual({ lease: answer });
    expect(OPERATIONS.getLease.answers[200].schema.safeParse({ lease: answer }).success).toBe(false);
  });

  it('shows admins nothing besides of a lease that Docker Hub has said nothing of, or that is over', () => {
    expect(adminLeaseAnswer(lease)).toEqual(leaseAnswer(lease));
    const over = aLease({ status: 'revoked', revokingSinceMs: AT_MS, blockedBy: ['one'] });
    expect(adminLeaseAnswer(over)).toEqual(leaseAnswer(over));
  });

  it('has what Docker Hub reported of its end, and never what it was asked for', () => {
    const asked = { ...lease, hubExpiresAtMs: AT_MS + 3_600_000 };
    expect(adminLeaseAnswer(asked)).not.toHaveProperty('hubExpiresAt');
    expect(adminLeaseAnswer({ ...asked, hubReportedExpiresAtMs: AT_MS })).toMatchObject({ hubExpiresAt: AT });
  });

  it('does not show old evidence on a lease that was reopened', () => {
    const leftovers = { evidence: revoked(lease).evidence, revokedAtMs: AT_MS } as object;
    const answer = leaseAnswer({ ...aLease({ status: 'revoking' }), ...leftovers });
    expect(answer).not.toHaveProperty('evidence');
    expect(answer).not.toHaveProperty('revokedAt');
  });
});

describe('catalog entries as answered', () => {
  it('show a target without its credential or the version of that', () => {
    const target = aTarget({
      credentialVersion: 'v-canary',
      verification: { atMs: AT_MS, account: 'acme-bot', loginRoute: 'auth-token' },
    } as object);
    const answer = targetAnswer(target);
    expect(OPERATIONS.getTarget.answers[200].schema.parse({ target: answer })).toEqual({ target: answer });
    expect(answer.verification).toEqual({ at: AT, account: 'acme-bot', loginRoute: 'auth-token' });
    expect(JSON.stringify(answer)).not.toContain('canary');
    expect(answer).not.toHaveProperty('opId');
  });

  it('say whether a target may do without a proven expiry, and which tokens were dismissed', () => {
    expect(targetAnswer(aTarget()).allowUnprovenExpiry).toBe(false);
    expect(targetAnswer(aTarget())).not.toHaveProperty('dismissedTokenIds');
    const answer = targetAnswer(aTarget({ allowUnprovenExpiry: true, dismissedTokenIds: ['one'] }));
    expect(answer).toMatchObject({ allowUnprovenExpiry: true, dismissedTokenIds: ['one'] });
    expect(OPERATIONS.getTarget.answers[200].schema.parse({ target: answer })).toEqual({ target: answer });
  });

  it.each(['login', 'read', 'list', 'delete'] as const)('say what a verification waits for at step %s', (step) => {
    const verification = { atMs: AT_MS, account: 'acme-bot', loginRoute: 'auth-token' } as const;
    const answer = targetAnswer(aTarget({ verification }), { pending: step });
    expect(answer).toMatchObject({ verification: 'pending', verificationPending: { step } });
    expect(answer.verificationPending?.detail).toMatch(/^(?:Docker Hub|The token) .*\.$/);
    expect(OPERATIONS.actOnTarget.answers[202].schema.parse({ target: answer })).toEqual({ target: answer });
    expect(targetAnswer(aTarget({ verification }))).not.toHaveProperty('verificationPending');
  });

  it('show all that a verification learned, with a warning for what is inexact', () => {
    const verification: Verification = {
      atMs: AT_MS,
      account: 'acme-bot',
      loginRoute: 'auth-token',
      expiryGranularity: 'second',
      expiryMinSeconds: 3_600,
      expirySlackSeconds: 86_400,
      labelMaxCharacters: 59,
      creatorUserAgentKept: true,
      deleteStatus: 204,
      listDelayMs: 310.4,
      rateRemaining: 171,
    };
    const answer = targetAnswer(aTarget({ verification }));
    expect(answer.verification).toEqual({
      at: AT,
      account: 'acme-bot',
      loginRoute: 'auth-token',
      expiryGranularity: 'second',
      expiryMinSeconds: 3_600,
      expirySlackSeconds: 86_400,
      labelMaxCharacters: 59,
      deleteStatus: 204,
      listDelayMs: 310,
      rateRemaining: 171,
      warnings: [
        expect.stringContaining('up to a day later than asked'),
        expect.stringContaining('less than an hour'),
        expect.stringContaining('59 characters'),
      ],
    });
    expect(OPERATIONS.getTarget.answers[200].schema.parse({ target: answer })).toEqual({ target: answer });
    const unproven = targetAnswer(aTarget({ verification: { ...verification, expiryUnproven: true } }));
    expect(unproven.verification).toMatchObject({ expiryUnproven: true });
  });

  it('show how a target stands only where its state is given', () => {
    expect(targetAnswer(aTarget())).not.toHaveProperty('state');
    const answer = targetAnswer(aTarget(), { state: {} });
    expect(answer.state).toEqual({});
    expect(OPERATIONS.getTarget.answers[200].schema.parse({ target: answer })).toEqual({ target: answer });
  });

  it('never let through a field that a row gains', () => {
    const extra = { password: 'canary', totpSecret: 'canary' };
    const rows = [
      targetAnswer({ ...aTarget(), ...extra }),
      targetAnswer(aTarget(), { state: { listLagMs: 1, ...extra } }),
      targetAnswer(
        aTarget(),
        // Each part of the record, too.
        { state: { refusal: { code: 'list_lags', sinceMs: 1, triedAtMs: 1, ...extra } } as TargetState },
      ),
      adminLeaseAnswer({ ...aLease(), ...extra }),
      secretAnswer({ ...aSecret(), ...extra }),
      leaseAnswer({ ...aLease(), ...extra }),
      leaseAnswer({
        ...revoked(aLease()),
        evidence: { kind: 'deleted', atMs: 1, httpStatus: 204, ...extra } as Evidence,
      }),
      secretAnswer(aSecret({ resources: [{ type: 'TYPE_REPO', path: 'a/b', scopes: [], ...extra }] })),
    ];
    expect(JSON.stringify(rows)).not.toContain('canary');
  });

  it('show a secret to admins with its allow list, and to callers without', () => {
    const secret = aSecret({ maxActive: 3, description: 'd' });
    const answer = secretAnswer(secret);
    expect(OPERATIONS.getSecret.answers[200].schema.parse({ secret: answer })).toEqual({ secret: answer });
    expect(answer.allow).toEqual(secret.allow);
    expect(Object.keys(offerAnswer(secret))).toEqual([
      'name',
      'target',
      'scope',
      'defaultTtlSeconds',
      'maxTtlSeconds',
      'renewable',
      'description',
      'status',
    ]);
  });
});

describe('a page as answered', () => {
  it('has a nextToken only when there is more', () => {
    expect(pageAnswer({ items: [1, 2] }, String)).toEqual({ items: ['1', '2'] });
    expect(pageAnswer({ items: [], nextToken: 't' }, String)).toEqual({ items: [], nextToken: 't' });
    expect(Object.keys(pageAnswer({ items: [] }, String))).toEqual(['items']);
  });
});
