import { STEP_TEXT } from '../answers/verification-words.ts';

/** Leases, targets and secrets that the examples of several operations show. */

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

export const LEASE = { ...UNMADE, tokenId: '6f6d7a56-0c1e-4c1b-9d3b-0a4f5e6d7c8b' };

export const REVOKED = {
  ...LEASE,
  status: 'revoked',
  revokeReason: 'caller',
  revokedAt: '2026-11-21T09:04:10.250Z',
  evidence: { kind: 'deleted', at: '2026-11-21T09:04:10.250Z', httpStatus: 204 },
};

export const RENEWED = {
  ...LEASE,
  renewable: true,
  expiresAt: '2026-11-21T09:25:00.000Z',
  ttlSeconds: 1_500,
  maxExpiresAt: '2026-11-21T10:00:00.000Z',
};

export const LIVE = {
  ...LEASE,
  live: { found: true, isActive: true, lastUsedAt: null, asOf: '2026-11-21T09:04:00.000Z' },
  neverUsed: true,
};

export const REVOKING = { ...LEASE, status: 'revoking', revokeReason: 'caller', lastError: 'hub_unavailable:timeout' };

/** Its create got no answer, and a token whose label proves nothing was made at that time. */
export const BLOCKED = {
  ...UNMADE,
  status: 'revoking',
  revokeReason: 'mint_failed',
  lastError: 'unclear_token',
  revokingSince: '2026-11-21T09:00:09.000Z',
  blockedBy: ['0b9f6c2e-5d1a-4f7e-8a3c-2d4e6f8a0b1c'],
};

const TIMES = { createdAt: '2026-11-20T08:00:00.000Z', updatedAt: '2026-11-20T08:00:00.000Z' };

export const TARGET = {
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

export const PENDING = {
  ...TARGET,
  verification: 'pending',
  verificationPending: { step: 'list', detail: STEP_TEXT.list },
};

export const STATE = {
  mintsRefused: {
    code: 'label_refused',
    since: '2026-11-21T08:00:00.000Z',
    triedAt: '2026-11-21T08:00:00.000Z',
  },
  listLagSeconds: 2,
};

export const ALLOW = [
  'arn:aws:iam::111122223333:role/ci',
  { role: 'arn:aws:iam::111122223333:role/deploy', id: 'AROACKCEVSQ6C2EXAMPLE' },
];

export const OFFER = {
  name: 'ci/release',
  target: 'acme-bot',
  scope: 'repo:write',
  defaultTtlSeconds: 900,
  maxTtlSeconds: 3_600,
  renewable: false,
  description: 'Pushes releases',
  status: 'ready',
};

export const SECRET = {
  ...OFFER,
  maxActive: 20,
  allow: ALLOW,
  tags: {},
  deleteProtection: false,
  managedBy: 'api',
  ...TIMES,
};
