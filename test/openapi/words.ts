import type { Words } from './arbitrary.ts';
import type { Json } from './json-schema.ts';

/** Names of what the world has, and of what it has not: what requests name often, so that they mean something. */

export const CI = 'arn:aws:iam::111122223333:role/ci';
export const OTHER = 'arn:aws:iam::444455556666:role/other';
export const ADMIN = 'arn:aws:iam::000000000000:role/admin';

/** Who signs callers' requests, as the gateway names them. */
export const CALLERS: readonly string[] = [
  ...['1', '2', '3', '4', '5', '6'].map((build) => `arn:aws:sts::111122223333:assumed-role/ci/build-${build}`),
  'arn:aws:sts::444455556666:assumed-role/other/session',
  'arn:aws:iam::111122223333:user/team/ada',
  'arn:aws:iam::111122223333:root',
];

export const TOKEN_SHA256 = 'ab'.repeat(32);

/** Leases that are there from the beginning; those minted later have the numbers behind. */
export const SEEDED_LEASES = 8;
const NAMED_LEASES = 10;

export function leaseIdOf(number: number): string {
  return `01K9ZC3V7M8Q2R4T6W8Y0B${String(number).padStart(4, '0')}`;
}

/** Public keys: of each kind, and one of no point on its curve. */
export const JWKS = [
  {
    kty: 'EC',
    x: 'XGUwr_dSVLTMdS40qBeK1J_L9dpgO4g9RoorkdZHO7s',
    y: 'LyR0QUQhsSlVi2d-gkA_ZN0V7Cfo_Blef2AEZxzEoA4',
    crv: 'P-256',
  },
  { crv: 'X25519', x: '2ZDlbRUGgeQPvQgWHyx6qGwXj698F1Vj3_EJ6IAOm18', kty: 'OKP' },
  {
    kty: 'RSA',
    n: 'pHcGMrXsNOnDi8a3FyXssDMXB_tuiZUVGXXBrag0Vm7iETZSutLfnMgJw5FgczjU8CVKT8sJjtjF4ycWhBI3u9uY8fAsUqNgDPOXlHbYsfCYU0zBSosqsLhMsEJNo7sZ2hUp_hXVtSaDBr_y-sbcySzN55KtR3tNEetXQ4HCJiY6KhnN4cprRo7KETjYmPwVd4IL2tDyFRec-RFwsRlBWs31UZWpletXVlr46_xxhveLQUTw5ppi-a60YSBX9jBmplyzjcw_G2C4gdes0ZIrIeK7tOmvAUEXiq18MdDNH_Gfj990mwPWnpKTxAuHgHTgfhqTKJOJ4LVzZzs4brpjLQ',
    e: 'AQAB',
  },
  {
    kty: 'EC',
    x: 'XGUwr_dSVLTMdS40qBeK1J_L9dpgO4g9RoorkdZHO7s',
    y: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    crv: 'P-256',
  },
] as const satisfies readonly Readonly<Record<string, string>>[];

/** In paths: what is there, more often what can be used, and what is not. */
const SECRET_NAMES = [
  ...[
    'ci/release',
    'ci/release',
    'ci/release',
    'ci/release',
    'ci/any',
    'ci/any',
    'ci/pull',
    'ci/sealed',
    'ci/kept',
    'ci/old',
    'ci/stack',
  ],
  ...['new', 'new', 'ci/new', 'verification', 'acme-bot'],
];
const TARGET_NAMES = [
  'old',
  'acme-bot',
  'acme-bot',
  'acme',
  'idle',
  'idle',
  'old',
  'stack',
  'new',
  'new',
  'inline/x',
  'ci/release',
];
const PULL: Json = { type: 'TYPE_REPO', path: 'acme/app', scopes: ['scope-image-pull'] };

/** By the name of the field or parameter. */
const WORDS: Words = {
  // The first one can be renewed.
  id: [1, 1, 1, ...Array.from({ length: NAMED_LEASES }, (_, index) => index + 1)].map(leaseIdOf),
  target: ['acme-bot', 'acme-bot', 'acme', 'idle', 'old', 'none'],
  prefix: ['ci/any', 'ci/pull', 'ci', 'acme', 'c'],
  secret: ['ci/release', 'ci/any', 'verification', 'none'],
  caller: [OTHER, OTHER, CI, CALLERS[0] as string],
  tokenSha256: [TOKEN_SHA256, TOKEN_SHA256.toUpperCase()],
  username: ['acmebot', 'AcmeBot', 'idlebot', 'newbot'],
  organization: ['acme', 'acme', 'other'],
  namespace: ['acme', 'other'],
  ttl: ['5m', '15m', 60, 900, '1h', 59, '2h'],
  defaultTtl: ['5m', '15m', 60, '2h'],
  maxTtl: ['15m', '1h', 3600, '2d'],
  maxActive: [1, 2, 10_000],
  maxMintsPerMinute: [1, 60, 10_000],
  allow: [[CI], ['arn:aws:iam::111122223333:role/ci*', OTHER], ['arn:aws:iam::111122223333:root']],
  scopes: ['repo:read', 'repo:read, repo:write', ['repo:read', 'repo:admin'], ['scope-image-pull']],
  resources: [
    [PULL],
    [{ type: 'TYPE_REPO', path: 'acme/*', scopes: ['scope-image-push'] }],
    [{ type: 'TYPE_ORG', path: 'acme', scopes: ['scope-member-read'] }],
  ],
  jwk: JWKS,
  labelTemplate: ['{secret} by {role}', 'ci'],
  limit: [1, 2, 100],
  force: ['true', 'true', 'false'],
  attest: ['true', 'true', 'true', 'false'],
  tokenIds: [['0b9f6c2e-5d1a-4f7e-8a3c-2d4e6f8a0b1c'], ['1', '2']],
  nextToken: ['1', '2', 'ci/release'],
  'idempotency-key': ['one', 'two'],
  'if-match': ['"1"', '"2"', '*'],
};

/** What the operations of a path name. */
export function wordsOf(path: string): Words {
  return { ...WORDS, name: path.startsWith('/admin/targets/') ? TARGET_NAMES : SECRET_NAMES };
}

const LIMITS = { defaultTtl: '15m', maxTtl: '1h', allow: [CI] };

/** Bodies that mean something, besides the document's own example. By operation. */
export const BODIES: Readonly<Record<string, readonly Json[]>> = {
  mintLease: [{}, {}, { ttl: 60, scope: 'repo:read' }, { resources: [PULL] }, { scopes: 'repo:public_read,repo:read' }],
  renewLease: [{}, { ttl: '30m' }, { ttl: '2h' }, { ttl: 59 }],
  putTarget: [
    { kind: 'org', organization: 'acme', credential: { username: 'acmebot', password: 'x' } },
    {
      kind: 'user',
      credential: { username: 'idlebot', password: 'x', totpSecret: 'A'.repeat(16) },
      description: 'idle',
    },
    { kind: 'user', tags: { team: 'b' } },
    { kind: 'user', credential: { username: 'newbot', password: 'x' }, loginRoute: 'users-login', maxActive: 3 },
  ],
  putSecret: [
    { ...LIMITS, target: 'acme', namespace: 'acme' },
    { ...LIMITS, target: 'acme', resources: [PULL], renewable: true },
    { ...LIMITS, target: 'acme-bot', scopes: ['repo:read'], protectionKey: { jwk: JWKS[1] as Json } },
    { ...LIMITS, scope: 'repo:read', kind: 'user', credential: { username: 'newbot', password: 'x' } },
    { ...LIMITS, scope: 'repo:read', credential: { username: 'newbot', password: 'x' } },
    {
      ...LIMITS,
      namespace: 'acme',
      kind: 'org',
      organization: 'acme',
      credential: { username: 'acmebot', password: 'x' },
    },
  ],
  actOnTarget: [{ action: 'verify' }, { action: 'dismiss', tokenIds: ['1', 'a-b_c'] }],
  revokeMatching: [{ target: 'acme' }, { caller: CI }, { tokenSha256: TOKEN_SHA256 }, { prefix: 'ci/any' }],
};
