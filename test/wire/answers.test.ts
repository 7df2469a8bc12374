import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../functions/core/lease.ts';
import {
  ANSWERS,
  leaseAnswer,
  offerAnswer,
  pageAnswer,
  secretAnswer,
  targetAnswer,
} from '../../functions/wire/answers.ts';
import { aLease, aSecret, aTarget, revoked } from '../contract/builders.ts';

const AT_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
const AT = '2026-11-21T09:00:00.000Z';

describe('a lease as answered', () => {
  const lease = aLease({ issuedAtMs: AT_MS, label: 'build', reason: 'release' });

  it('has ISO times and its length in seconds, and conforms', () => {
    const answer = leaseAnswer(lease);
    expect(ANSWERS.getLease[200].schema.parse({ lease: answer })).toEqual({ lease: answer });
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
    ];
    const row = aLease({ lastError: 'hub_unavailable', revokingSinceMs: AT_MS, ttlAtMs: AT_MS });
    const answer = leaseAnswer(row);
    for (const name of [...hidden, 'lastError', 'ttlAtMs']) expect(answer).not.toHaveProperty(name);
    for (const secret of [row.opId, row.hubLabel, row.tokenSha256, row.requestId]) {
      expect(JSON.stringify(answer)).not.toContain(secret);
    }
    expect(Object.keys(answer).filter((name) => /Ms$/.test(name))).toEqual([]);
  });

  it('leaves out what is absent', () => {
    const { scope: _, tokenId: __, ...row } = aLease();
    const answer = leaseAnswer({
      ...row,
      resources: [{ type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] }],
    });
    expect(Object.keys(answer)).not.toContain('scope');
    expect(Object.values(answer)).not.toContain(undefined);
    expect(ANSWERS.getLease[200].schema.safeParse({ lease: answer }).success).toBe(true);
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
  ])('shows the evidence %j once revoked', (evidence, shown) => {
    const answer = leaseAnswer({ ...revoked(lease), evidence });
    expect(answer).toMatchObject({ status: 'revoked', evidence: shown, revokeReason: 'expired' });
    expect(ANSWERS.revokeLease[200].schema.safeParse({ lease: answer }).success).toBe(true);
  });

  it('does not show old evidence on a lease that was reopened', () => {
    const answer = leaseAnswer({ ...revoked(lease), status: 'revoking', dueAtMs: AT_MS });
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
    expect(ANSWERS.getTarget[200].schema.parse({ target: answer })).toEqual({ target: answer });
    expect(answer.verification).toEqual({ at: AT, account: 'acme-bot', loginRoute: 'auth-token' });
    expect(JSON.stringify(answer)).not.toContain('canary');
    expect(answer).not.toHaveProperty('opId');
  });

  it('never let through a field that a row gains', () => {
    const extra = { password: 'canary', totpSecret: 'canary' };
    const rows = [
      targetAnswer({ ...aTarget(), ...extra }),
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
    expect(ANSWERS.getSecret[200].schema.parse({ secret: answer })).toEqual({ secret: answer });
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
