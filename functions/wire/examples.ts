import type { Operation } from './routes.ts';
import { STEP_TEXT } from './verification-words.ts';

/** Bodies that the API's description shows. The tests check each against its schema. */

const UNMADE = {
  id: '01K9ZC3V7M8Q2R4T6W8Y0A1B2C',
  secret: 'ci/release',
  target: 'acme-bot',
  status: 'active',
  kind: 'pat',
  scope: 'repo:write',
  issuedAt: '2026-11-21T09:00:00.000Z',
  expiresAt: '2026-11-21T09:15:00.000Z',
  ttlSeconds: 900,
  renewable: false,
  maxExpiresAt: '2026-11-21T09:15:00.000Z',
  label: 'release-build',
  caller: 'arn:aws:iam::111122223333:role/ci',
  callerId: 'AROADBQP57FF2AEXAMPLE',
};

const LEASE = { ...UNMADE, tokenId: '6f6d7a56-0c1e-4c1b-9d3b-0a4f5e6d7c8b' };

const REVOKED = {
  ...LEASE,
  status: 'revoked',
  revokeReason: 'caller',
  revokedAt: '2026-11-21T09:04:10.250Z',
  evidence: { kind: 'deleted', at: '2026-11-21T09:04:10.250Z', httpStatus: 204 },
};

const RENEWED = {
  ...LEASE,
  renewable: true,
  expiresAt: '2026-11-21T09:25:00.000Z',
  ttlSeconds: 1_500,
  maxExpiresAt: '2026-11-21T10:00:00.000Z',
};

const LIVE = {
  ...LEASE,
  live: { found: true, isActive: true, lastUsedAt: null, asOf: '2026-11-21T09:04:00.000Z' },
  neverUsed: true,
};

const REVOKING = { ...LEASE, status: 'revoking', revokeReason: 'caller', lastError: 'hub_unavailable:timeout' };

/** Its create got no answer, and a token whose label proves nothing was made at that time. */
const BLOCKED = {
  ...UNMADE,
  status: 'revoking',
  revokeReason: 'mint_failed',
  lastError: 'unclear_token',
  revokingSince: '2026-11-21T09:00:09.000Z',
  blockedBy: ['0b9f6c2e-5d1a-4f7e-8a3c-2d4e6f8a0b1c'],
};

const TIMES = { createdAt: '2026-11-20T08:00:00.000Z', updatedAt: '2026-11-20T08:00:00.000Z' };

const TARGET = {
  name: 'acme-bot',
  kind: 'user',
  username: 'acmebot',
  loginRoute: 'auth-token',
  expiryGranularity: 'second',
  tags: { team: 'release' },
  allowUnprovenExpiry: false,
  verification: {
    at: '2026-11-20T08:00:00.000Z',
    account: 'acmebot',
    loginRoute: 'auth-token',
    expiryGranularity: 'second',
    expirySlackSeconds: 0,
    labelMaxCharacters: 100,
    deleteStatus: 204,
    listDelayMs: 310,
    rateRemaining: 171,
  },
  status: 'ready',
  managedBy: 'api',
  ...TIMES,
};

const PENDING = {
  ...TARGET,
  verification: 'pending',
  verificationPending: { step: 'list', detail: STEP_TEXT.list },
};

const STATE = {
  mintsRefused: {
    code: 'label_refused',
    since: '2026-11-21T08:00:00.000Z',
    triedAt: '2026-11-21T08:00:00.000Z',
  },
  listLagSeconds: 2,
};

const OFFER = {
  name: 'ci/release',
  target: 'acme-bot',
  scope: 'repo:write',
  defaultTtlSeconds: 900,
  maxTtlSeconds: 3_600,
  renewable: false,
  description: 'Pushes releases',
  status: 'ready',
};

const SECRET = {
  ...OFFER,
  maxActive: 20,
  allow: [
    'arn:aws:iam::111122223333:role/ci',
    { role: 'arn:aws:iam::111122223333:role/deploy', id: 'AROACKCEVSQ6C2EXAMPLE' },
  ],
  tags: {},
  deleteProtection: false,
  managedBy: 'api',
  ...TIMES,
};

/** By operation: the request's body, and the answer's by status. */
export const EXAMPLES: Readonly<Record<Operation, { body?: unknown; answers: Readonly<Record<number, unknown>> }>> = {
  mintLease: {
    body: { ttl: '15m', label: 'release-build', reason: 'Release 2.4.0' },
    answers: {
      201: {
        lease: LEASE,
        credential: { registry: 'docker.io', username: 'acmebot', password: 'dckr_pat_EXAMPLE' },
      },
    },
  },
  listLeases: { answers: { 200: { items: [LEASE], nextToken: 'EXAMPLE' } } },
  getLease: { answers: { 200: { lease: LIVE } } },
  revokeLease: { answers: { 200: { lease: REVOKED }, 202: { lease: REVOKING } } },
  renewLease: { body: { ttl: '15m' }, answers: { 200: { lease: RENEWED, clipped: false } } },
  whoami: {
    answers: {
      200: {
        caller: { arn: 'arn:aws:iam::111122223333:role/ci', accountId: '111122223333', id: 'AROADBQP57FF2AEXAMPLE' },
        secrets: [OFFER],
      },
    },
  },
  getOpenapi: { answers: { 200: { openapi: '3.1.1' } } },
  listTargets: { answers: { 200: { items: [TARGET] } } },
  putTarget: {
    body: {
      kind: 'user',
      credential: { username: 'acmebot', password: 'EXAMPLE' },
      tags: { team: 'release' },
    },
    answers: {
      200: { target: TARGET, changed: ['tags'] },
      201: { target: TARGET, changed: ['credential', 'kind', 'name', 'tags', 'username'] },
      202: { target: PENDING, changed: ['credential'] },
    },
  },
  getTarget: { answers: { 200: { target: { ...TARGET, state: STATE } } } },
  deleteTarget: {
    answers: {
      200: { target: { ...TARGET, status: 'draining' }, removed: true, openLeases: 0 },
      202: { target: { ...TARGET, status: 'draining' }, removed: false, openLeases: 3 },
    },
  },
  actOnTarget: {
    body: { action: 'verify' },
    answers: { 200: { target: TARGET }, 202: { target: PENDING } },
  },
  listSecrets: { answers: { 200: { items: [SECRET] } } },
  putSecret: {
    body: {
      target: 'acme-bot',
      scope: 'repo:write',
      defaultTtl: '15m',
      maxTtl: '1h',
      maxActive: 20,
      allow: [
        'arn:aws:iam::111122223333:role/ci',
        { role: 'arn:aws:iam::111122223333:role/deploy', id: 'AROACKCEVSQ6C2EXAMPLE' },
      ],
      description: 'Pushes releases',
    },
    answers: {
      200: { secret: SECRET, changed: ['maxActive'] },
      201: { secret: SECRET, changed: ['allow', 'name', 'scope', 'target'] },
      202: { secret: SECRET, changed: ['credential'] },
    },
  },
  getSecret: { answers: { 200: { secret: SECRET } } },
  deleteSecret: {
    answers: {
      200: { secret: { ...SECRET, status: 'draining' }, removed: true, openLeases: 0 },
      202: { secret: { ...SECRET, status: 'draining' }, removed: false, openLeases: 3 },
    },
  },
  listAllLeases: { answers: { 200: { items: [LEASE] } } },
  getAnyLease: { answers: { 200: { lease: BLOCKED } } },
  revokeAnyLease: {
    answers: {
      200: { lease: { ...REVOKED, revokeReason: 'admin' } },
      202: { lease: { ...REVOKING, revokeReason: 'admin' } },
    },
  },
  revokeMatching: {
    body: { prefix: 'ci' },
    answers: {
      202: {
        count: 1,
        complete: true,
        leases: [
          { id: LEASE.id, secret: LEASE.secret, caller: LEASE.caller, issuedAt: LEASE.issuedAt, status: 'revoking' },
        ],
      },
    },
  },
};
